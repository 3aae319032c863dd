"""The settings of `dream`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from .base import (
    BOOSTED_LAYERS,
    BOOSTED_METAVAR,
    MAX_JITTER,
    MAX_STEPS,
    SMALLEST_SIDE,
    ClimbSettings,
    check_layers,
    setting,
    size_setting,
)
from .layer_spec import LayerSpec

PYRAMID_POWER = 1.5  # of the strength, in a pyramid: a little is a touch, and much takes the picture over


@dataclass(frozen=True, kw_only=True)
class DreamSettings(ClimbSettings):
    """How to dream."""

    command: ClassVar[str] = "dream"
    takes_videos: ClassVar[bool] = True
    model: ClassVar[str] = "dreamnet+efficientnet_lite0"
    references: ClassVar[tuple[str, ...]] = ("guide", "mask")
    size_from_noise: ClassVar[int] = 512
    added: ClassVar[Mapping[str, object]] = {**ClimbSettings.added, "parameterization": "pixels"}

    size: int | None = size_setting(f"the input's size; {size_from_noise} from noise")
    layers: tuple[LayerSpec, ...] = setting(BOOSTED_LAYERS, (LayerSpec("high"),), metavar=BOOSTED_METAVAR)
    minimize: bool = setting("Minimize instead of maximizing: fade what the layers see.", False)
    parameterization: str = setting(
        "What to optimize: a sum of images of many sizes, for whole things on calm grounds; or pixels.",
        "pyramid", choices=("pyramid", "pixels"),
    )  # fmt: skip
    color: float = setting(
        "How far colors may drift, from 0 (not at all) to 1 (freely); ignored for a neuron @Y,X.", 0.5, low=0, high=1
    )
    steps: int = setting(
        "Steps at the smallest size; larger sizes take fewer, unless --octaves is given.", 16, low=1, high=MAX_STEPS
    )
    octaves: int | None = setting(
        "Number of sizes, from small to full, with equally many steps each.", None,
        low=1, high=100, default_help=f"as many as it takes from {SMALLEST_SIDE} pixels",
    )  # fmt: skip
    octave_scale: float = 2.0
    strength: float = 0.5
    jitter: int = setting(
        "Largest random shift before each step, in pixels; ignored for a neuron @Y,X.", 32, low=0, high=MAX_JITTER
    )

    def start_options(self, has_start: bool) -> dict[str, object]:
        return {} if has_start else {"start": "noise"}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layers(self.layers)
