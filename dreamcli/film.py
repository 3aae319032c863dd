"""``--animate``: the ascent of one picture, collected while it is made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import WrongRequest
from .files.animation import FORMATS, MOST_FRAMES, reduced, write_animation
from .files.plan import identity
from .files.writing import check_place

if TYPE_CHECKING:
    from .art.artwork import OnStep, Step
    from .files.reading import Picture, Pixels
    from .files.record import Record


@dataclass
class Film:
    """The frames of a picture's ascent: at most 64, evenly over the steps, with the start and the end.

    Attributes:
        path: where the animation goes.
        frames: those that there are by now.
        taken: how many of them are of steps.
    """

    path: Path
    frames: list[Pixels] = field(default_factory=list)
    taken: int = 0

    def watching(self, start: Picture | None, on_step: OnStep | None) -> OnStep:
        """What to call at each step, to take frames and go on to ``on_step``, if any; the first shows the start."""
        if start:
            self.frames.append(reduced(start.pixels))

        def watch(step: Step) -> None:
            done = (step.octave - 1) * step.steps + step.step
            # two are for the start and the end
            if done * (MOST_FRAMES - 2) // (step.octaves * step.steps) > self.taken:
                self.frames.append(reduced(step.picture()))
                self.taken += 1
            if on_step:
                on_step(step)

        return watch

    def write(self, picture: Picture, record: Record) -> None:
        """Write what was taken, and the finished picture.

        Raises:
            DreamcliError: it can't be written.
        """
        write_animation(self.path, self.frames, picture, record)


def check_film(path: Path, settings: Sequence[Any], others: Iterable[Path]) -> None:
    """Refuse to animate several pictures, and a place that could not be written to, before any work.

    Args:
        path: where the animation would go.
        settings: of each task.
        others: the places of pictures that must not be written over by it.

    Raises:
        WrongRequest: with the reason.
    """
    several = [name for name in ("count", "best_of") if any(getattr(each, name, 1) > 1 for each in settings)]
    several += ["sheet"] if any(getattr(each, "sheet", False) for each in settings) else []
    if several:
        raise WrongRequest(f"--animate is for one picture: leave out --{several[0].replace('_', '-')}")
    if len(settings) != 1:
        raise WrongRequest(f"--animate is for one picture, and these are {len(settings)}")
    if path.suffix.lower() not in FORMATS:
        raise WrongRequest(f"--animate {path} must end in {' or '.join(FORMATS)}")
    # by name, too: the output need not be there yet
    place, known = os.path.realpath(path), identity(path)
    if any(os.path.realpath(other) == place or (known and identity(other) == known) for other in others):
        raise WrongRequest(f"--animate {path} is a picture that this is made from, or its output; choose another")
    check_place(path)
