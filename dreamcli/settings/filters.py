"""The settings of `filters`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import Settings, check_whole, setting, size_setting
from .features import COLORMAPS
from .layer_spec import LayerSpec
from .spelling import MAX_CHANNELS

KERNELS = ("identity", "edge", "sharpen", "emboss", "box", "gaussian", "unsharp")
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class FilterSettings(Settings):
    """How to show a convolution's filters, or apply a classic one."""

    command: ClassVar[str] = "filters"
    shows_network: ClassVar[bool] = True
    added: ClassVar[Mapping[str, object]] = {**Settings.added, "headings": False}

    layers: tuple[LayerSpec, ...] = setting(
        "A convolution, or a block that contains one.", (), metavar="LAYER", default_help="the model's first"
    )
    top: int = setting(
        "Number of filters per layer, and of channels per filter; 0 for all.", 32, low=0, high=MAX_CHANNELS
    )
    colormap: str = setting(
        "Colors for filters of deeper layers: dark is negative, bright positive.", "grey", choices=COLORMAPS
    )
    headings: bool = setting("Give each layer a heading.", True)
    apply: str = setting(
        "Apply a classic kernel to each IMAGE; all shows them side by side, with their weights.", "", by_command=True
    )  # one of KERNELS, or ALL; empty to show filters
    size: int | None = size_setting(help="With a kernel: pixels on the longer side of the result.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self.layers, "filters are shown for whole layers")
        kernels = ", ".join((*KERNELS, ALL))
        check(self.apply in ("", *KERNELS, ALL), f"kernel must be one of {kernels}, not {self.apply!r}")

    @property
    def is_sheet(self) -> bool:
        return self.apply in ("", ALL)
