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
from dreamcli.engine.octaves import octave_sizes, resize, resize_alpha, resize_visible
from dreamcli.engine.parameterization import Masked, Parameterization
from dreamcli.engine.transforms import Transform
from dreamcli.files.reading import Pixels
from dreamcli.settings.base import ClimbSettings

from .artwork import Inputs, NotFinite, OnStep, Step
from .pixels import to_pixels

SMALLEST_OCTAVE = 64  # pixels on the shorter side: below that, there is nothing left to recognize

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
    sizes = octave_sizes(*canvas.size, settings.octaves, settings.octave_scale, smallest)
    taken, last = 0, None
    for number, size in enumerate(sizes, 1):
        octave = canvas.begin(size)
        last = octave, objective(octave)
        ascent = ascend(
            octave.climbed,
            last[1],
            activations,
            steps=settings.steps,
            optimizer=optimizer,
            transforms=transforms(size),
            generator=generator,
            redirect=redirect,
            on_step=_reporter(on_step, settings.steps, number, sizes, canvas.shown),
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
    on_step: OnStep | None, steps: int, octave: int, sizes: list[Size], shown: Callable[[], Tensor]
) -> Callable[[int, float], None] | None:
    """Report one octave's progress as progress of the whole climb, where work is counted in pixels."""
    if on_step is None:
        return None
    areas = [height * width for height, width in sizes]

    def picture() -> Pixels:
        with torch.no_grad():
            return to_pixels(shown())

    def report(step: int, value: float) -> None:
        share = (sum(areas[: octave - 1]) + areas[octave - 1] * step / steps) / sum(areas)
        on_step(Step(step, steps, octave, len(sizes), value, share, picture))

    return report
