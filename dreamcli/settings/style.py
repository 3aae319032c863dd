"""The settings of `style`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import MAX_JITTER, MAX_WEIGHT, ClimbSettings, setting, size_setting
from .layer_spec import LayerSpec


@dataclass(frozen=True, kw_only=True)
class StyleSettings(ClimbSettings):
    """How to repaint."""

    command: ClassVar[str] = "style"
    takes_videos: ClassVar[bool] = True
    model: ClassVar[str] = "efficientnet_lite0"
    references: ClassVar[tuple[str, ...]] = ("styles",)
    size_from_noise: ClassVar[int] = 512

    size: int | None = size_setting(f"the photograph's size; {size_from_noise} from noise")
    colors: str = setting(
        "Take the style's colors, keep the photograph's by repainting brightness alone, or give the style the "
        "photograph's colors first.",
        "style",
        choices=("style", "luminance", "match"),
    )
    style_scale: float = setting("Size of the style picture relative to the result.", 1.0, low=0.1, high=10)
    seamless: bool = setting("Make a texture that tiles.", False)
    layers: tuple[LayerSpec, ...] = setting(
        "Where style is measured, besides the picture's colors.", (),
        metavar="LAYER[*WEIGHT]", default_help="the model's own layers",
    )  # fmt: skip
    content: str = setting("Where content is measured.", "", metavar="LAYER", default_help="the model's own layer")
    statistics: str = setting(
        "What to compare: each position with the most similar position in the style, the Gram matrices of whole "
        "layers, or their means and covariances.",
        "auto",
        choices=("auto", "neighbors", "gram", "moments"),
        default_help="neighbors; moments from noise",
    )
    average_pooling: bool = setting("Use average pooling instead of max pooling, as Gatys et al. did.", False)
    tv: float = setting("Weight of the total-variation penalty.", 0.25, low=0, high=MAX_WEIGHT)
    optimizer: str = setting("Optimizer; L-BFGS takes fewer but longer steps.", "adam", choices=("adam", "lbfgs"))
    steps: int = 60
    octaves: int = 4
    octave_scale: float = 2.0
    strength: float = setting("Balance between the photograph, at 0, and the style, at 1.", 0.5, low=0, high=1)
    jitter: int = setting(
        "Largest random shift before each step, in pixels; for textures only.", 0, low=0, high=MAX_JITTER
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check(all(spec.channel is None for spec in self.layers), "style is measured in whole layers, not in a channel")
        check(all(spec.weight > 0 for spec in self.layers), "a style layer's weight must be more than 0")

    def title(self, labels: Sequence[str], model: str) -> str:
        return "texture"

    def start_options(self, has_start: bool) -> dict[str, object]:
        return {} if has_start else {"from-noise": True}

    @property
    def layer_specs(self) -> tuple[LayerSpec, ...]:
        return self.layers + ((LayerSpec(self.content),) if self.content else ())
