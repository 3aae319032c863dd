"""Films, frame by frame. The frames lie next to the film until it is whole, so that an interrupted run can resume."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dreamcli.art.artwork import OnStep, part_of
from dreamcli.errors import DreamcliError, Hint
from dreamcli.files.atomic import remove_leftovers
from dreamcli.files.film import Pace, write_film
from dreamcli.files.formats import TRANSPARENT_FILMS
from dreamcli.files.plan import frames_folder
from dreamcli.files.reading import Picture, Pixels, read_picture
from dreamcli.files.record import Provenance, read_record
from dreamcli.files.resume import is_made, look_at
from dreamcli.files.writing import joined, off_white, write_picture
from dreamcli.settings.base import Settings
from dreamcli.settings.references import References

from .pictures import ReadInput
from .results import record_of

if TYPE_CHECKING:
    from .workshop import Workshop


@dataclass(frozen=True, kw_only=True)
class Film(ABC):
    """A film to make.

    Attributes:
        start: the picture that it starts from, or the first frame of the video that it is made of.
        output: where it goes; its frames are in a folder of this name with ``.frames`` at the end.
        overwrite: replace a film of other settings, and its frames.
        keep_frames: leave the frames there.
    """

    session: Workshop
    settings: Settings
    start: ReadInput
    references: References[ReadInput]
    output: Path
    overwrite: bool = False
    keep_frames: bool = False

    def __str__(self) -> str:
        height, width = self.size
        return f"{self.frames} frames of {width}x{height}, {float(self.fps):.4g} per second"

    @property
    @abstractmethod
    def frames(self) -> int:
        """The number of frames."""

    @property
    @abstractmethod
    def fps(self) -> Fraction:
        """Frames a second."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""

    @property
    def sound(self) -> Path | None:
        """The video that the film's sound comes from; None for a silent film."""
        return None

    @property
    def pace(self) -> Pace:
        """How quickly it goes on."""
        return Pace(self.fps)

    @property
    def is_transparent(self) -> bool:
        """Whether one can see through some of it, if its format allows that."""
        return False

    @property
    def notes(self) -> list[str]:
        """Remarks to show the user."""
        notes = [f"frames kept in {self.folder}"] if self.keep_frames else []
        if self.is_transparent and self.output.suffix.lower() not in TRANSPARENT_FILMS:
            notes.append("transparent parts are white")
        return notes

    @abstractmethod
    def frame(
        self, index: int, previous: Pixels | None, first: Pixels | None, on_step: OnStep | None = None
    ) -> Pixels | None:
        """Make a frame, as it looks on white, from the one before and the first one; None if that was interrupted."""

    def alpha(self, index: int) -> Pixels | None:
        """The alpha of a frame; None if it is opaque."""
        return None

    @property
    def folder(self) -> Path:
        """Where the frames are."""
        return frames_folder(self.output)

    @property
    def job(self) -> Provenance:
        """Everything that determines the film."""
        return self.session.jobs(self.settings, self.start.picture, self.references)[0]

    def is_made(self) -> bool:
        """Whether the film is there already.

        Raises:
            DreamcliError: something else is there, and mustn't be overwritten.
        """
        return not self.overwrite and is_made(self.output, self.job)

    def make(self, on_step: OnStep | None = None) -> str:
        """Make the frames that are missing, and write the film.

        Returns:
            "done", or "interrupted" if only a part of it was made, which is written nonetheless, and marked as such.

        Raises:
            KeyboardInterrupt: it was interrupted before there was anything to write, or where a finished film is, which
                stays as it is.
            DreamcliError: frames of another film are in the way, or something can't be made or written.
        """
        job = self.job
        remove_leftovers(self.folder)
        frames = self._frames_there(job)
        made, stopped = len(frames), "done"
        first, last = (_on_white(frames[index]) if frames else None for index in (0, -1))
        try:
            for index in range(made, self.frames):
                pixels = self.frame(index, last, first, _counted(on_step, index, self.frames))
                if pixels is None:
                    stopped = "interrupted"
                    break
                last = self._write_frame(job, index, pixels)
                made, first = index + 1, last if first is None else first
        except KeyboardInterrupt:
            stopped = "interrupted"
        if stopped == "interrupted" and (made < 2 or self._is_finished()):
            raise KeyboardInterrupt
        record = record_of(job, self.start, self.references, {"frames": made}, stopped)
        write_film(self.output, self._read_frames(made), self.pace, record, sound=self.sound)
        if stopped == "done" and not self.keep_frames:
            self._remove(map(self._path, range(made)))
        return stopped

    def _is_finished(self) -> bool:
        """Whether there is a finished film already, whatever its settings."""
        existing = look_at(self.output)
        return existing is not None and existing.is_finished

    def seconds_a_frame(self) -> float:
        """Make two throwaway frames, and measure how long the second takes: the first one waits for the networks."""
        first = self.frame(0, None, None)
        make = partial(self.frame, 1, first, first) if self.frames > 1 else partial(self.frame, 0, None, None)
        make()
        started = time.perf_counter()
        make()
        return time.perf_counter() - started

    def _path(self, index: int) -> Path:
        return self.folder / f"{index + 1:06}.png"

    def _frames_there(self, job: Provenance) -> list[Path]:
        """The frames that an earlier run made, up to the first that is missing or broken.

        Raises:
            DreamcliError: they are of another film, and mustn't be overwritten; or one of them is no frame.
        """
        there = list(self.folder.glob("??????.png"))
        for path in there:
            if not _is_frame(path):
                raise DreamcliError(f"{path} isn't a frame of a film, but is where one goes", Hint.OTHER_OUTPUT)
        found: list[Path] = []
        for index in range(self.frames):
            path = self._path(index)
            existing = look_at(path)
            if existing is None or not path.stat().st_size:
                break
            if not existing.is_of(_job_of_frame(job, index)):
                if self.overwrite:
                    self._remove(there)
                    return []
                raise DreamcliError(f"{self.folder} holds the frames of another film", Hint.OVERWRITE)
            if not existing.is_whole:
                break
            found.append(path)
        return found

    def _remove(self, frames: Iterable[Path]) -> None:
        """Remove frames, and their folder unless something else is in it."""
        with suppress(OSError):
            for path in frames:
                path.unlink()
            self.folder.rmdir()

    def _write_frame(self, job: Provenance, index: int, pixels: Pixels) -> Pixels:
        """Write a frame, and return it as it will be read again."""
        record, alpha = record_of(_job_of_frame(job, index), self.start, self.references, {}), self.alpha(index)
        colors = off_white(pixels, alpha)
        write_picture(self._path(index), Picture(colors, alpha), record)
        return Picture(colors, alpha).on_white

    def _read_frames(self, number: int) -> Iterator[Pixels]:
        for index in range(number):
            frame = read_picture(self._path(index), limited=False)
            if self.is_transparent and frame.alpha is None:
                frame = replace(frame, alpha=np.full(frame.pixels.shape[:2], 255, np.uint8))
            yield joined(frame)


def _on_white(path: Path) -> Pixels:
    frame = read_picture(path, limited=False)
    return frame.on_white


def _is_frame(path: Path) -> bool:
    """Whether a file is a frame of a film, or an empty one that a crash of the machine left."""
    if not path.stat().st_size:
        return True
    with suppress(DreamcliError):
        record = read_record(path)
        return record is not None and "index" in record.provenance.settings
    return False


def _job_of_frame(job: Provenance, index: int) -> Provenance:
    return replace(job, settings=job.settings | {"index": index})


def _counted(on_step: OnStep | None, index: int, frames: int) -> OnStep | None:
    """Report the progress of a frame as progress of the film."""
    if on_step is None:
        return None
    return part_of(lambda step: on_step(replace(step, frame=index + 1, frames=frames)), index, frames)
