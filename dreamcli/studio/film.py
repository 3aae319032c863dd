"""Films, frame by frame: a zoom into a picture, or a repainted video.

The frames lie next to the film until it is finished, so an interrupted run can resume.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dreamcli.art.artwork import OnStep, part_of
from dreamcli.art.film import PreviousFrame, change_of, first_frame, frame_size, next_frame, repaint
from dreamcli.art.pixels import scaled_size
from dreamcli.errors import DreamcliError, Hint, check
from dreamcli.files.atomic import one_run, remove_leftovers
from dreamcli.files.clip import Clip
from dreamcli.files.film import MAX_GIF_FPS, Pace, even_size, write_film
from dreamcli.files.formats import EVEN_FILMS, TRANSPARENT_FILMS
from dreamcli.files.plan import frames_folder
from dreamcli.files.reading import Picture, Pixels, read_picture, resized
from dreamcli.files.record import Provenance, read_record
from dreamcli.files.resume import look_at
from dreamcli.files.writing import joined, off_white, write_picture
from dreamcli.settings.base import ClimbSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.references import References

from .pictures import ReadInput
from .records import record_of

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True, kw_only=True)
class Film(ABC):
    """A film to make.

    Attributes:
        start: the picture that it starts from, or the first frame of the video that it is made of.
        provenance: everything that determines the film.
        output: where it goes; its frames are in a folder of this name with ``.frames`` at the end.
        overwrite: replace the frames of another film.
        keep_frames: leave the frames there.
    """

    session: Session
    settings: ClimbSettings
    start: ReadInput
    references: References[ReadInput]
    provenance: Provenance
    output: Path
    overwrite: bool = False
    keep_frames: bool = False

    def __post_init__(self) -> None:
        """Raise WrongRequest if it doesn't fit its format."""
        is_too_quick = self.output.suffix.lower() == ".gif" and self.pace.fps > MAX_GIF_FPS
        check(
            not is_too_quick,
            f"a GIF shows at most {MAX_GIF_FPS} frames per second, not {float(self.pace.fps):.4g}; "
            "write a .webp or .mp4",
        )

    def __str__(self) -> str:
        height, width = self.size
        return f"{self.frames} frames of {width}x{height}, {float(self.pace.fps):.4g} per second"

    @property
    @abstractmethod
    def frames(self) -> int:
        """The number of frames."""

    @property
    @abstractmethod
    def pace(self) -> Pace:
        """How quickly it goes on."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""

    @property
    def sound(self) -> Path | None:
        """The video that the film's sound comes from; None for a silent film."""
        return None

    @property
    def is_transparent(self) -> bool:
        """Whether some of it is transparent, if its format allows that."""
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

    def make(self, on_step: OnStep | None = None) -> str:
        """Make the frames that are missing, and write the film.

        Returns:
            "done", or "interrupted" if only a part of it was made, which is written nonetheless, and marked as such.

        Raises:
            KeyboardInterrupt: it was interrupted before there was anything to write, or a finished film is there, which
                stays as it is.
            DreamcliError: frames of another film are in the way, another run makes it, or something can't be made or
                written.
        """
        with one_run(self.folder, str(self.output)):
            return self._make(on_step)

    def _make(self, on_step: OnStep | None) -> str:
        remove_leftovers(self.folder)
        frames = self._frames_there()
        made, stopped = len(frames), "done"
        first, last = (_on_white(frames[index]) if frames else None for index in (0, -1))
        try:
            for index in range(made, self.frames):
                pixels = self.frame(index, last, first, _counted(on_step, index, self.frames))
                if pixels is None:
                    stopped = "interrupted"
                    break
                last = self._write_frame(index, pixels)
                made, first = index + 1, last if first is None else first
        except KeyboardInterrupt:
            stopped = "interrupted"
        if stopped == "interrupted":
            existing = look_at(self.output)
            if made < 2 or (existing and existing.is_finished):
                raise KeyboardInterrupt
        record = record_of(self.provenance, self.start, self.references, {"frames": made}, stopped)
        write_film(self.output, self._read_frames(made), self.pace, record, sound=self.sound)
        if stopped == "done" and not self.keep_frames:
            self._remove(map(self._path, range(made)))
        return stopped

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

    def _frames_there(self) -> list[Path]:
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
            if not existing.is_of(self._provenance_of_frame(index)):
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

    def _provenance_of_frame(self, index: int) -> Provenance:
        return replace(self.provenance, settings=self.provenance.settings | {"index": index})

    def _write_frame(self, index: int, pixels: Pixels) -> Pixels:
        """Write a frame, and return it as it will be read again."""
        record, alpha = record_of(self._provenance_of_frame(index), self.start, self.references, {}), self.alpha(index)
        picture = Picture(off_white(pixels, alpha), alpha)
        write_picture(self._path(index), picture, record)
        return picture.on_white

    def _read_frames(self, number: int) -> Iterator[Pixels]:
        for index in range(number):
            frame = read_picture(self._path(index), limited=False)
            if self.is_transparent and frame.alpha is None:
                frame = replace(frame, alpha=np.full(frame.pixels.shape[:2], 255, np.uint8))
            yield joined(frame)


@dataclass(frozen=True, kw_only=True)
class ZoomFilm(Film):
    """A zoom into a picture."""

    settings: FilmSettings

    def __post_init__(self) -> None:
        """Raise WrongRequest if it zooms toward a pixel outside the picture, or see `Film`."""
        shape = self.start.picture.pixels.shape
        toward = self.settings.toward
        inside = all(at < side for at, side in zip(toward, shape, strict=False))
        place = ",".join(map(str, toward))
        check(inside, f"there is no pixel at {place}: the picture has {shape[0]} rows and {shape[1]} columns")
        super().__post_init__()

    @property
    def frames(self) -> int:
        return self.settings.frames

    @property
    def pace(self) -> Pace:
        return Pace(self.settings.fps)

    @property
    def size(self) -> tuple[int, int]:
        return frame_size(self.settings, *self.start.picture.pixels.shape[:2])

    def frame(
        self, index: int, previous: Pixels | None, first: Pixels | None, on_step: OnStep | None = None
    ) -> Pixels | None:
        settings, picture = self.settings, self.start.picture
        if previous is None or first is None:
            return first_frame(settings, picture, self.session.compute(FilmSettings))
        ensemble = self.session.ensemble_for(settings)
        inputs = self.session.inputs(settings, picture, self.references)
        make = partial(next_frame, settings, index, previous, first, ensemble, inputs)
        seed = settings.of_frame(index).seed
        artwork, _ = self.session.opened(FilmSettings).within_memory(seed, math.prod(self.size), make, on_step)
        return None if artwork.stopped == "interrupted" else artwork.pixels


@dataclass(frozen=True, kw_only=True)
class ClipFilm(Film):
    """A video, repainted frame by frame. Its settings are those of `dream` or `style`."""

    clip: Clip
    _source: _Source = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise WrongRequest: see `Film`."""
        super().__post_init__()
        object.__setattr__(self, "_source", _Source(self.clip, self.size))

    @property
    def frames(self) -> int:
        return self.clip.frames

    @property
    def pace(self) -> Pace:
        return Pace(self.clip.fps, self.clip.durations, self.clip.plays)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels; both are even, as most film formats require, unless it is a GIF from a GIF."""
        height, width = scaled_size(*self.clip.size, self.settings.size)
        if self.clip.durations and self.output.suffix.lower() not in EVEN_FILMS:
            return height, width
        return even_size(height, width)

    @property
    def sound(self) -> Path | None:
        return None if self.clip.durations else self.clip.path

    @property
    def is_transparent(self) -> bool:
        return self.clip.is_transparent

    @property
    def notes(self) -> list[str]:
        early = self.clip.ends_early
        cut = [] if early is None else [f"{self.clip.path} is cut off after {early:.1f} s"]
        return [*super().notes, *cut, *self.clip.notes]

    def alpha(self, index: int) -> Pixels | None:
        return self._source.at(index).alpha

    def frame(
        self, index: int, previous: Pixels | None, first: Pixels | None, on_step: OnStep | None = None
    ) -> Pixels | None:
        before_it = None
        if previous is not None and first is not None:
            before = self._source.at(index - 1).pixels
            before_it = PreviousFrame(before, previous, change_of(self._source.first.pixels, first))
        frame, form = self._source.at(index).pixels, type(self.settings)
        settings, ensemble = replace(self.settings, size=None), self.session.ensemble_for(self.settings)
        inputs = self.session.inputs(settings, Picture(frame), self.references)
        make = partial(repaint, settings, frame, before_it, ensemble, inputs)
        artwork, _ = self.session.opened(form).within_memory(settings.seed, math.prod(self.size), make, on_step)
        return None if artwork.stopped == "interrupted" else artwork.pixels


class _Source:
    """The frames of a video at a film's size and on white, with their alpha; mostly asked for one after the other."""

    def __init__(self, clip: Clip, size: tuple[int, int]) -> None:
        self._clip, self._size = clip, size
        self.first = self._scaled(next(clip.read()))
        self._frames: Iterator[Picture] = iter(())
        self._next = -1  # the index of the frame that comes next
        self._kept: dict[int, Picture] = {}

    def at(self, index: int) -> Picture:
        """A frame."""
        if index not in self._kept:
            if index != self._next:
                self._frames, self._next = self._clip.read(index), index
            self._kept = {at: frame for at, frame in self._kept.items() if at == index - 1}
            self._kept[index] = self._scaled(next(self._frames))
            self._next = index + 1
        return self._kept[index]

    def _scaled(self, frame: Picture) -> Picture:
        pixels, alpha, (height, width) = frame.on_white, frame.alpha, self._size
        if pixels.shape[:2] != self._size:
            pixels = resized(pixels, (width, height))
            alpha = None if alpha is None else resized(alpha, (width, height), Image.Resampling.BILINEAR)
        return Picture(pixels, alpha)


def _on_white(path: Path) -> Pixels:
    return read_picture(path, limited=False).on_white


def _is_frame(path: Path) -> bool:
    """Whether a file is a frame of a film, or an empty one that a crash of the machine left."""
    if not path.stat().st_size:
        return True
    with suppress(DreamcliError):
        record = read_record(path)
        return record is not None and "index" in record.provenance.settings
    return False


def _counted(on_step: OnStep | None, index: int, frames: int) -> OnStep | None:
    """Report the progress of a frame as progress of the film."""
    if on_step is None:
        return None
    return part_of(lambda step: on_step(replace(step, frame=index + 1, frames=frames)), index, frames)
