"""The octave loop: every art form that climbs goes from small to large here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from dreamcli.engine.ascent import Optimizer, ascend
from dreamcli.engine.joint import AnyActivations
from dreamcli.engine.objectives import Objective
from dreamcli.engine.octaves import growing_sizes, octave_sizes, resize, resize_alpha, resize_visible
from dreamcli.engine.parameterization import Masked, Parameterization
from dreamcli.engine.transforms import Transform
from dreamcli.files.reading import Pixels
from dreamcli.settings.base import SMALLEST_SIDE, ClimbSettings

from .artwork import Inputs, NotFinite, OnStep, Step
from .pixels import scaled_size, to_pixels

SMALLEST_OCTAVE = 64  # pixels on the shorter side: below that, there is nothing left to recognize
FEWEST_STEPS = 2  # at any size
STEPS_FALL = 2  # steps fall with the side of an octave to this power: every octave takes about as long
LARGE = 800  # pixels on the longer side; beyond, nothing new is drawn: the detail is enlarged

Size = tuple[int, int]  # (height, width) in pixels


@dataclass(frozen=True)
class Octave:
    """One size of the climb.

    Attributes:
        size: (height, width) in pixels.
        climbed: what is optimized at this size.
    """

    size: Size
    climbed: Parameterization


O = TypeVar("O", bound=Octave)  # noqa: E741 (an octave)


class Canvas(ABC, Generic[O]):
    """The picture in progress, carried from octave to octave.

    Attributes:
        size: (height, width) of the finished picture.
    """

    size: Size

    @abstractmethod
    def begin(self, size: Size) -> O:
        """Start an octave of this size."""

    @abstractmethod
    def end(self) -> None:
        """Keep what was painted since `begin`."""

    @abstractmethod
    def shown(self) -> Tensor:
        """The picture as it is now, on white if it is transparent: ``(N, 3, H, W)`` at the octave's size."""

    @abstractmethod
    def finished(self) -> Tensor:
        """The picture at its full size, ``(N, 3, H, W)``; values may lie outside [0, 1]."""


class DetailCanvas(Canvas[Octave]):
    """A start, and the detail that is added to it.

    Only the detail is carried from octave to octave, enlarged and added to the sharp start. This keeps a photograph
    sharp.

    Args:
        start: ``(N, 3, H, W)`` in [0, 1].
        parameterize: turns an octave's first image into what is climbed.
        inputs: may hold a mask, and the start's alpha.
    """

    def __init__(self, start: Tensor, parameterize: Callable[[Tensor], Parameterization], inputs: Inputs) -> None:
        self.size = (start.shape[2], start.shape[3])
        self._start, self._parameterize, self._inputs = start, parameterize, inputs
        self._alpha = inputs.alpha_tensor(self.size, start.device)
        self._detail = torch.zeros_like(start[:, :, :1, :1])

    def begin(self, size: Size) -> Octave:
        if self._alpha is None:
            self._base = resize(self._start, size).clamp(0, 1)
        else:
            self._base = resize_visible(self._start, self._alpha, size)
        self._painted = self._climbed = self._parameterize((self._base + resize(self._detail, size)).clamp(0, 1))
        mask = self._inputs.mask_tensor(size, self._start.device)
        if mask is not None:
            self._climbed = Masked(self._climbed, self._base, mask)
        if self._alpha is not None:
            self._climbed = on_white(self._climbed, resize_alpha(self._alpha, size))
        return Octave(size, self._climbed)

    def end(self) -> None:
        self._detail = self._painted.render().detach() - self._base

    def shown(self) -> Tensor:
        return self._climbed.render()

    def finished(self) -> Tensor:
        detail = resize(self._detail, self.size)
        mask = self._inputs.mask_tensor(self.size, self._start.device)
        return self._start + (detail if mask is None else detail * mask)


def on_white(inner: Parameterization, alpha: Tensor) -> Parameterization:
    """What networks see of a picture with this alpha, ``(1, 1, H, W)``."""
    return Masked(inner, torch.ones_like(alpha), alpha)


@dataclass(frozen=True)
class Climbed(Generic[O]):
    """How a climb ended.

    Attributes:
        stopped: why; see `Ascent`. Even after "non-finite", the picture is useful: at least one step was taken.
        last: the last octave and its objective; None if nothing was climbed.
    """

    stopped: str
    last: tuple[O, Objective] | None = None


def schedule(size: Size, settings: ClimbSettings, smallest: int = SMALLEST_OCTAVE) -> list[tuple[Size, int]]:
    """The sizes of a climb to this (height, width), from small to full, and the number of steps at each.

    By default, shapes are found where networks are used to seeing them, and most steps are taken there; what is
    enlarged needs the fewer the larger it is.
    """
    if settings.octaves:
        sizes = octave_sizes(*size, settings.octaves, settings.octave_scale, smallest)
        return [(each, settings.steps) for each in sizes]
    largest = scaled_size(*size, min(LARGE, max(size)))
    sizes = growing_sizes(*largest, SMALLEST_SIDE, settings.octave_scale)
    shares = [max(sizes[0]) / max(each) for each in sizes]
    return [
        (each, max(FEWEST_STEPS, round(settings.steps * share**STEPS_FALL)))
        for each, share in zip(sizes, shares, strict=True)
    ]


def climb_octaves(
    canvas: Canvas[O],
    objective: Callable[[O], Objective],
    activations: AnyActivations,
    settings: ClimbSettings,
    *,
    optimizer: Optimizer,
    transforms: Callable[[Size], Sequence[Transform]],
    generator: torch.Generator,
    smallest: int = SMALLEST_OCTAVE,
    redirect: int = 0,
    on_step: OnStep | None = None,
) -> Climbed[O]:
    """Climb an objective through octaves, from small to large.

    Args:
        canvas: what to paint on.
        settings: with the steps, octaves, octave_scale and strength.
        objective: what to climb in an octave.
        transforms: the random changes before each step, for an octave's size.
        smallest: pixels on the shorter side; smaller octaves are left out.
        activations, optimizer, generator, redirect, on_step: see `ascend`.

    Raises:
        NotFinite: it stopped at a non-finite value before it had taken a step in any octave.
    """
    if not settings.strength and settings.recipe > 1:
        return Climbed("done")  # even steps of no length could clip or smooth the picture
    octaves = schedule(canvas.size, settings, smallest)
    taken, last = 0, None
    for number, (size, steps) in enumerate(octaves, 1):
        octave = canvas.begin(size)
        last = octave, objective(octave)
        ascent = ascend(
            octave.climbed,
            last[1],
            activations,
            steps=steps,
            optimizer=optimizer,
            transforms=transforms(size),
            generator=generator,
            redirect=redirect,
            on_step=_reporter(on_step, number, octaves, canvas.shown),
        )
        if all(bool(leaf.isfinite().all()) for leaf in octave.climbed.leaves):
            canvas.end()
            taken += len(ascent.values)
        else:  # the last step was too large: this octave is lost, the earlier ones aren't
            ascent.stopped = "non-finite"
        if ascent.stopped == "non-finite" and not taken:
            raise NotFinite
        if ascent.stopped != "done":
            return Climbed(ascent.stopped, last)
    return Climbed("done", last)


def _reporter(
    on_step: OnStep | None, octave: int, octaves: list[tuple[Size, int]], shown: Callable[[], Tensor]
) -> Callable[[int, float], None] | None:
    """Report one octave's progress as progress of the whole climb, where work is counted in pixels."""
    if on_step is None:
        return None
    work = [height * width * steps for (height, width), steps in octaves]
    steps = octaves[octave - 1][1]

    def picture() -> Pixels:
        with torch.no_grad():
            return to_pixels(shown())

    def report(step: int, value: float) -> None:
        share = (sum(work[: octave - 1]) + work[octave - 1] * step / steps) / sum(work)
        on_step(Step(step, steps, octave, len(octaves), value, share, picture))

    return report
