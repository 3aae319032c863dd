"""The settings of `invert`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import MAX_WEIGHT, ClimbSettings, check_layers, setting
from .layer_spec import LayerSpec


@dataclass(frozen=True, kw_only=True)
class InvertSettings(ClimbSettings):
    """How to invert."""

    command: ClassVar[str] = "invert"

    layers: tuple[LayerSpec, ...] = setting(
        "Layer to invert: low, mid, high or a layer's name. Repeatable.", (LayerSpec("mid"),),
        metavar="[NETWORK/]LAYER[*WEIGHT]",
    )  # fmt: skip
    tv: float = setting("Weight of the total-variation penalty.", 0.5, low=0, high=MAX_WEIGHT)
    steps: int = 100
    octaves: int = 1
    octave_scale: float = 1.4
    strength: float = 0.5
    jitter: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layers(self.layers)
        check(
            all(spec.channel is None for spec in self.layers),
            "a photograph is compared in whole layers: leave out the channel",
        )
