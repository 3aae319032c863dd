"""The settings of `film`."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import ClassVar

from dreamcli.errors import check

from .base import MAX_STEPS, ClimbSettings, setting, size_setting
from .dream import PYRAMID_POWER, DreamSettings
from .layer_spec import LayerSpec
from .spelling import PLACE
from .style import StyleSettings
from .visualization import BoostSettings, ClassSettings

LONGEST_SIDE = 512  # pixels, unless a size is given
MAX_FRAMES = 100_000
PACE = 6.0  # frames a second at which each gets the whole strength
CLOSING_SECONDS, CLOSING_SHARE = 4.0, 0.6  # how long before its end a loop begins to close, at most


@dataclass(frozen=True, kw_only=True)
class FilmSettings(ClimbSettings):
    """How to film: each frame is the last one, enlarged a little and then dreamed on."""

    command: ClassVar[str] = "film"
    makes_films: ClassVar[bool] = True
    model: ClassVar[str] = "dreamnet+efficientnet_lite0"

    size: int | None = size_setting(f"the picture's, up to {LONGEST_SIDE}", "Pixels on the longer side of the film.")
    toward: tuple[int, ...] = setting(
        "Pixel of the picture to zoom toward, as row and column.", (),
        metavar="Y,X", default_help="the center", spelling=PLACE,
    )  # fmt: skip
    form: str = setting("What to do with each frame.", "dream", choices=("dream", "boost", "class", "style"))
    layers: tuple[LayerSpec, ...] = setting(
        "Layer to boost, or to measure style in; blended from one second to the next. Repeatable.", (),
        by_command=True, default_help="high; for style, the model's own layers",
    )  # fmt: skip
    since: tuple[float, ...] = ()  # the second of each layer; empty if all are boosted from the start
    classes: tuple[int, ...] = ()  # for the form "class", their indices
    seconds: float = setting("Length of the film.", 10.0, low=0, low_open=True, high=3600)
    fps: int = setting("Frames per second.", 24, low=1, high=120)
    zoom: float = setting("Zoom per second; less than 1 zooms out.", 1.35, low=0.1, high=10)
    rotate: float = setting("Rotation per second, counterclockwise.", 0.0, low=-360, high=360, metavar="DEGREES")
    loop: bool = setting("End the film where it begins, by zooming into the first frame.", False)
    color: float = setting("How far colors may drift, from 0 (not at all) to 1 (freely).", 0.5, low=0, high=1)
    steps: int = setting("Steps per octave and frame.", 2, low=1, high=MAX_STEPS)
    octaves: int = 3
    octave_scale: float = 1.6
    strength: float = 0.5
    jitter: int = 16
    index: int = 0  # of the frame that a record belongs to

    def __post_init__(self) -> None:
        super().__post_init__()
        check(all(spec.position is None for spec in self.layers), "a film moves, so it can't boost a neuron @Y,X")
        check((self.form == "class") == bool(self.classes), "classes and the form 'class' need each other")
        check(self.form != "class" or not self.layers, "a film of a class takes no layers")
        check(self.form != "style" or not self.since, "style layers can't change over time")
        check(len(self.since) in (0, len(self.layers)), "give every layer a start time, or none")
        within = all(0 <= second <= self.seconds for second in self.since)
        check(within, f"a layer must start within the film's {self.seconds:g} seconds")
        check(len(self.toward) in (0, 2), "toward must be a row and a column")
        check(1 < self.frames <= MAX_FRAMES, f"a film must have from 2 to {MAX_FRAMES} frames, not {self.frames}")
        check(0 <= self.index < self.frames, f"index must be from 0 to {self.frames - 1}, not {self.index}")
        _ = self.of_frame(0)  # its form may refuse a setting

    @property
    def frames(self) -> int:
        """The number of frames."""
        return round(self.seconds * self.fps)

    @property
    def layer_specs(self) -> tuple[LayerSpec, ...]:
        return self.of_frame(0).layer_specs if not self.layers else self.layers

    def written(self, name: str) -> object:
        if name != "layers":
            return super().written(name)
        seconds = [f"@{second!r}" for second in self.since] or [""] * len(self.layers)
        return [f"{spec}{second}" for spec, second in zip(self.layers, seconds, strict=True)]

    def closed(self, index: int) -> float:
        """How far a loop is closed at a frame, from 0 to less than 1; at 1, it would be the first frame again."""
        if not self.loop:
            return 0.0
        closing = max(1.0, min(CLOSING_SECONDS, CLOSING_SHARE * self.seconds) * self.fps)
        return max(0.0, 1 - (self.frames - index) / closing)

    def layers_at(self, second: float) -> tuple[LayerSpec, ...]:
        """The layers that are boosted at a second, with their weights. In a loop, the first ones come back."""
        if not self.since:
            return self.layers
        times = sorted(set(self.since))
        groups = [[spec for spec, at in zip(self.layers, self.since, strict=True) if at == time] for time in times]
        if self.loop and times[-1] < self.seconds:
            times, groups = [*times, self.seconds], [*groups, groups[0]]
        following = bisect_right(times, second)
        if following in (0, len(times)):
            return tuple(groups[min(following, len(times) - 1)])
        share = (second - times[following - 1]) / (times[following] - times[following - 1])
        pairs = ((groups[following - 1], 1 - share), (groups[following], share))
        return tuple(replace(spec, weight=part * spec.weight) for group, part in pairs if part for spec in group)

    def of_frame(self, index: int) -> ClimbSettings:
        """What to do with a frame."""
        values = {name: getattr(self, name) for name in ("steps", "octaves", "octave_scale", "recipe")}
        values["seed"] = (self.seed + index) % 2**63
        if self.form == "style":
            return StyleSettings(layers=self.layers, strength=self.strength, **values)
        # at a higher frame rate, each frame is changed less
        share = min(1.0, PACE / self.fps)
        values |= {"strength": self.strength * share, "color": self.color, "jitter": self.jitter}
        if self.form == "class":
            return ClassSettings(classes=self.classes, **values)
        layers = self.layers_at(index / self.fps) or (LayerSpec("high"),)
        if self.form == "boost":
            return BoostSettings(layers=layers, **values)
        if self.recipe > 2:
            values |= {"strength": self.strength * share ** (1 / PYRAMID_POWER), "parameterization": "pyramid"}
        else:
            values |= {"parameterization": "pixels"}
        return DreamSettings(layers=layers, **values)

    @property
    def frame_zoom(self) -> float:
        """The zoom from a frame to the next."""
        return math.exp(math.log(self.zoom) / self.fps)
