"""The settings of `classify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Settings, check_whole, setting
from .layer_spec import LayerSpec


@dataclass(frozen=True, kw_only=True)
class ClassifySettings(Settings):
    """How to say what a network sees: the likeliest classes, or the most active channels of a layer."""

    command: ClassVar[str] = "classify"
    model: ClassVar[str] = "efficientnet_lite0"

    top: int = setting("Number of likeliest classes to name.", 5, low=1, high=1000)
    layer: LayerSpec | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole((self.layer,) if self.layer else (), "name a whole layer")
