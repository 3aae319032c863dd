"""The settings of `class` and `boost`, which draw what a network looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import (
    BOOSTED_LAYERS,
    BOOSTED_METAVAR,
    MAX_JITTER,
    MAX_WEIGHT,
    ClimbSettings,
    check_layers,
    setting,
    size_setting,
)
from .layer_spec import LayerSpec

TILE = 160  # pixels on each side of a picture on a contact sheet


@dataclass(frozen=True, kw_only=True)
class VisualizationSettings(ClimbSettings):
    """What `class` and `boost` have in common.

    A neuron goes without jitter, turn, mirror, zoom, noise and crop: they would move the picture away from it.
    """

    size_from_noise: ClassVar[int] = 224
    added: ClassVar[Mapping[str, object]] = {**ClimbSettings.added, "mirror": False, "likeness": 10.0}

    size: int | None = size_setting(f"the starting picture's; {size_from_noise} from noise; {TILE} on a sheet")
    minimize: bool = setting("Minimize instead of maximizing: fade what the network sees.", False)
    parameterization: str = setting(
        "What to optimize: a sum of images of many sizes; frequencies, scaled as in photographs; their phases alone; "
        "or pixels.",
        "pyramid",
        choices=("pyramid", "fourier", "phase", "pixels"),
    )
    turn: float = setting("Largest random rotation before each step.", 10.0, low=0, high=180, metavar="DEGREES")
    mirror: bool = setting("Mirror the picture before a random half of the steps.", True)
    zoom: float = setting("Largest random zoom before each step, as a fraction.", 0.0, low=0, high=1, high_open=True)
    noise: float = setting(
        "Standard deviation of the noise before each step; 1 spans black to white.", 0.0, low=0, high=10
    )
    crop: float = setting(
        "Smallest random crop before each step, as a fraction of the side.", 0.5, low=0, low_open=True, high=1
    )
    tv: float = setting("Weight of the total-variation penalty.", 0.0, low=0, high=MAX_WEIGHT)
    l2: float = setting("Weight of the contrast penalty.", 0.0, low=0, high=MAX_WEIGHT)
    prior: float = setting("Weight of the batch-norm statistics prior.", 0.0, low=0, high=MAX_WEIGHT)
    likeness: float = setting("How strongly to match the photographs of --like.", 10.0, low=0, high=MAX_WEIGHT)
    blur: float = setting(
        "Blur after each of the first steps, falling to 0; for the pixels parameterization.", 0.0,
        low=0, high=100, metavar="PIXELS",
    )  # fmt: skip
    count: int = setting("Number of variations to make.", 1, low=1, high=1000)
    diversity: float = setting("How strongly to push the variations apart.", 1.0, low=0, high=MAX_WEIGHT)
    best_of: int = setting("Number of attempts; the judge, or else the objective, picks the best.", 1, low=1, high=1000)
    sheet: bool = setting("Put all pictures on one contact sheet, with captions.", False)
    color: float = setting(
        "How far colors may drift, from 0 (not at all) to 1 (freely); ignored for the pixels parameterization.", 0.85,
        low=0, high=1,
    )  # fmt: skip
    steps: int = 54
    octaves: int = 3
    octave_scale: float = 1.36
    strength: float = 0.5
    jitter: int = 16
    index: int = 0  # which of the ``count`` variations a record belongs to

    def __post_init__(self) -> None:
        super().__post_init__()
        check(not self.blur or self.parameterization == "pixels", "blur only works with the pixels parameterization")
        check(0 <= self.index < self.count, f"index must be from 0 to {self.count - 1}, not {self.index}")

    def side(self, start: int | None) -> int:
        return self.size or (TILE if self.sheet else super().side(start))

    @property
    def is_sheet(self) -> bool:
        return self.sheet

    @property
    def output_count(self) -> int:
        return 1 if self.sheet else self.count


@dataclass(frozen=True, kw_only=True)
class ClassSettings(VisualizationSettings):
    """How to draw a class, or several in one picture (on a sheet: one each)."""

    command: ClassVar[str] = "class"
    takes_names: ClassVar[bool] = True
    model: ClassVar[str] = "dreamnet+efficientnet_lite0"
    references: ClassVar[tuple[str, ...]] = ("mask", "like")

    classes: tuple[int, ...]  # their indices

    def title(self, labels: Sequence[str], model: str) -> str:
        return "sheet" if self.sheet else "+".join(labels[index] for index in self.classes)

    def start_options(self, has_start: bool) -> dict[str, object]:
        return {"mix": True} if len(self.classes) > 1 and not self.sheet else {}

    @property
    def names_classes(self) -> bool:
        return True

    @property
    def has_judge(self) -> bool:
        return self.best_of > 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.classes) > 0, "name at least one class")
        check(min(self.classes) >= 0, f"a class's index must be at least 0, not {min(self.classes)}")


@dataclass(frozen=True, kw_only=True)
class BoostSettings(VisualizationSettings):
    """How to boost. On a sheet, each layer has a picture of its own."""

    command: ClassVar[str] = "boost"
    references: ClassVar[tuple[str, ...]] = ("guide", "mask", "like")

    layers: tuple[LayerSpec, ...] = setting(BOOSTED_LAYERS, (LayerSpec("high"),), metavar=BOOSTED_METAVAR)
    jitter: int = setting(
        "Largest random shift before each step, in pixels; ignored for a neuron @Y,X.", 16, low=0, high=MAX_JITTER
    )

    def title(self, labels: Sequence[str], model: str) -> str:
        return "sheet" if self.sheet else " ".join(map(str, self.layers))

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layers(self.layers)
