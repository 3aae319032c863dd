"""The settings of `features`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import Settings, check_layers, setting, size_setting
from .layer_spec import LayerSpec
from .spelling import MAX_CHANNELS

COLORMAPS = ("viridis", "magma", "grey")


@dataclass(frozen=True, kw_only=True)
class FeatureSettings(Settings):
    """How to show feature maps."""

    command: ClassVar[str] = "features"
    added: ClassVar[Mapping[str, object]] = {**Settings.added, "headings": False}

    layers: tuple[LayerSpec, ...] = setting(
        "Layer to show: low, mid, high or a layer's name, or one of its channels. Repeatable.",
        (LayerSpec("low"), LayerSpec("mid"), LayerSpec("high")),
        metavar="LAYER[:CHANNEL]",
    )
    channels: tuple[int, ...] = setting(
        "Show these channels of every layer instead of the most active ones.", (), metavar="0-15"
    )
    top: int = setting("Number of most active channels to show; 0 for all.", 16, low=0, high=MAX_CHANNELS)
    scale: str = setting(
        "Scale each map on its own, or all maps of a layer together.", "each", choices=("each", "layer")
    )
    colormap: str = setting("Colors for the values, from dark (low) to bright (high).", "viridis", choices=COLORMAPS)
    headings: bool = setting("Show the input, and give each layer a heading and a color bar.", True)
    overlay: bool = setting("Lay the maps over the picture.", False)
    size: int | None = size_setting(help="Pixels on the longer side of the network's input.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layers(self.layers)
        check(all(spec.position is None for spec in self.layers), "a feature map has no position: leave out the @Y,X")
        check(all(spec.weight == 1 for spec in self.layers), "a feature map has no weight: leave out the *WEIGHT")

    @property
    def is_sheet(self) -> bool:
        return True
