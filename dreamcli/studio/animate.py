"""The ascent of one picture as an animation, collected while the picture is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dreamcli.files.film import even_size, write_film
from dreamcli.files.formats import VIDEOS
from dreamcli.files.reading import reduced, resized

if TYPE_CHECKING:
    # torch takes seconds to import, and a plan of nothing but broken files needs none
    from dreamcli.art.artwork import Step
    from dreamcli.files.reading import Picture, Pixels
    from dreamcli.files.record import Record

MAX_FRAMES = 64
MAX_SIDE = 512  # pixels on the longer side
FPS, PAUSE = 12.5, 2.0  # frames a second, and seconds that the finished picture is shown


@dataclass
class Animation:
    """The frames of a picture's ascent: at most 64, spread evenly over the steps, with the start and the end."""

    path: Path
    frames: list[Pixels] = field(default_factory=list)
    taken: int = 0  # those that show a step

    def watching(self, start: Picture | None, on_step: Callable[[Step], None] | None) -> Callable[[Step], None]:
        """Return a callback that takes frames and passes each step on to ``on_step``. The first frame is the start."""
        if start:
            self.frames.append(reduced(start.on_white, MAX_SIDE))

        def watch(step: Step) -> None:
            done = (step.octave - 1) * step.steps + step.step
            # two frames are for the start and the end
            if done * (MAX_FRAMES - 2) // (step.octaves * step.steps) > self.taken:
                self.frames.append(reduced(step.picture(), MAX_SIDE))
                self.taken += 1
            if on_step:
                on_step(step)

        return watch

    def write(self, picture: Picture, record: Record) -> None:
        """Write the frames, followed by the finished picture, at its size but at most 512 pixels on the longer side.

        Transparency becomes white.

        Raises:
            DreamcliError: the file can't be written.
        """
        final = reduced(picture.on_white, MAX_SIDE)
        height, width = final.shape[:2]
        if self.path.suffix.lower() in VIDEOS:  # most video formats need even sizes
            height, width = even_size(height, width)
        frames = (resized(pixels, (width, height)) for pixels in (*self.frames, final))
        write_film(self.path, frames, FPS, record, PAUSE)
