"""The settings of `explain`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import Settings, check_whole, setting, size_setting
from .features import COLORMAPS
from .layer_spec import LayerSpec


@dataclass(frozen=True, kw_only=True)
class ExplainSettings(Settings):
    """How to show where a network looks."""

    command: ClassVar[str] = "explain"
    model: ClassVar[str] = "efficientnet_lite0"

    layers: tuple[LayerSpec, ...] = setting(
        "Layer for Grad-CAM. Repeatable.", (), metavar="LAYER",
        default_help="the last that has rows and columns",
    )  # fmt: skip
    classes: tuple[int, ...] = ()  # their indices; the likeliest if there are none
    top: int = setting("Number of likeliest classes to explain, if none is named.", 3, low=1, high=20)
    steps: int = setting("Points on the path of integrated gradients, from black to the picture.", 32, low=2, high=1000)
    colormap: str = setting("Colors for the values, from dark (low) to bright (high).", "magma", choices=COLORMAPS)
    size: int | None = size_setting("224 on the shorter side", "Pixels on the longer side of the network's input.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self.layers, "Grad-CAM needs a whole layer")
        check(all(index >= 0 for index in self.classes), "a class's index must be at least 0")

    @property
    def is_sheet(self) -> bool:
        return True
