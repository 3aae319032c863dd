"""The settings of `dream`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import BOOSTED_LAYERS, BOOSTED_METAVAR, MAX_JITTER, ClimbSettings, check_layers, setting, size_setting
from .layer_spec import LayerSpec


@dataclass(frozen=True, kw_only=True)
class DreamSettings(ClimbSettings):
    """How to dream."""

    command: ClassVar[str] = "dream"
    takes_videos: ClassVar[bool] = True
    model: ClassVar[str] = "dreamnet+efficientnet_lite0"
    references: ClassVar[tuple[str, ...]] = ("guide", "mask")
    size_from_noise: ClassVar[int] = 512

    size: int | None = size_setting(f"the input's size; {size_from_noise} from noise")
    layers: tuple[LayerSpec, ...] = setting(BOOSTED_LAYERS, (LayerSpec("high"),), metavar=BOOSTED_METAVAR)
    minimize: bool = setting("Minimize instead of maximizing: fade what the layers see.", False)
    parameterization: str = setting(
        "What to optimize: pixels; or a sum of images of many sizes, for fewer and whole things on calm grounds.",
        "pixels", choices=("pixels", "pyramid"),
    )  # fmt: skip
    color: float = setting(
        "How far colors may drift, from 0 (not at all) to 1 (freely); ignored for a neuron @Y,X.", 0.5, low=0, high=1
    )
    steps: int = 10
    octaves: int = 6
    octave_scale: float = 1.3
    strength: float = 0.5
    jitter: int = setting(
        "Largest random shift before each step, in pixels; ignored for a neuron @Y,X.", 32, low=0, high=MAX_JITTER
    )

    def start_options(self, has_start: bool) -> dict[str, object]:
        return {} if has_start else {"start": "noise"}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layers(self.layers)
