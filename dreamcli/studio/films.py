"""The two kinds of films: a zoom into a picture, and a repainted video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from dreamcli.art.artwork import OnStep
from dreamcli.art.film import PreviousFrame, change_of, first_frame, frame_size, next_frame, repaint
from dreamcli.art.pixels import scaled_size
from dreamcli.errors import check
from dreamcli.files.clip import Clip
from dreamcli.files.film import MAX_GIF_FPS, Pace, even_size
from dreamcli.files.formats import EVEN_FILMS
from dreamcli.files.reading import Picture, Pixels, resized
from dreamcli.settings.base import Schedule, Settings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.references import References

from .batch import recorded_name
from .filming import Film
from .pictures import ReadInput

if TYPE_CHECKING:
    from .workshop import Workshop


@dataclass(frozen=True, kw_only=True)
class ZoomFilm(Film):
    """A zoom into a picture."""

    settings: FilmSettings

    def __post_init__(self) -> None:
        """Raise WrongRequest if it zooms toward a pixel outside the picture."""
        shape = self.start.picture.pixels.shape
        toward = self.settings.toward
        inside = all(at < side for at, side in zip(toward, shape, strict=False))
        place = ",".join(map(str, toward))
        check(inside, f"there is no pixel at {place}: the picture has {shape[0]} rows and {shape[1]} columns")

    @property
    def frames(self) -> int:
        return self.settings.frames

    @property
    def fps(self) -> Fraction:
        return Fraction(self.settings.fps)

    @property
    def size(self) -> tuple[int, int]:
        return frame_size(self.settings, *self.start.picture.pixels.shape[:2])

    def frame(
        self, index: int, previous: Pixels | None, first: Pixels | None, on_step: OnStep | None = None
    ) -> Pixels | None:
        settings, picture = self.settings, self.start.picture
        if previous is None or first is None:
            return first_frame(settings, picture, self.session.compute(FilmSettings))
        ensemble = self.session.ensemble(FilmSettings)
        inputs = self.session.inputs(settings, picture, self.references)
        artwork, _ = self.session.within_memory(
            FilmSettings,
            settings.of_frame(index).seed,
            lambda compute: next_frame(settings, index, previous, first, ensemble, inputs, compute, on_step),
        )
        return None if artwork.stopped == "interrupted" else artwork.pixels


@dataclass(frozen=True, kw_only=True)
class ClipFilm(Film):
    """A video, repainted frame by frame. Its settings are those of `dream` or `style`."""

    settings: Schedule
    clip: Clip
    _source: _Source = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_source", _Source(self.clip, self.size))

    @property
    def frames(self) -> int:
        return self.clip.frames

    @property
    def fps(self) -> Fraction:
        return self.clip.fps

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels; both are even, as most formats of films want it, but for a GIF from a GIF."""
        height, width = scaled_size(*self.clip.size, self.settings.size)
        if self.clip.durations and self.output.suffix.lower() not in EVEN_FILMS:
            return height, width
        return even_size(height, width)

    @property
    def sound(self) -> Path | None:
        return None if self.clip.durations else self.clip.path

    @property
    def pace(self) -> Pace:
        return Pace(self.clip.fps, self.clip.durations, self.clip.plays)

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
        earlier = None
        if previous is not None and first is not None:
            before = self._source.at(index - 1).pixels
            earlier = PreviousFrame(before, previous, change_of(self._source.first.pixels, first))
        frame, form = self._source.at(index).pixels, type(self.settings)
        settings, ensemble = replace(self.settings, size=None), self.session.ensemble(form)
        inputs = self.session.inputs(settings, Picture(frame), self.references)
        artwork, _ = self.session.within_memory(
            form, settings.seed, lambda compute: repaint(settings, frame, earlier, ensemble, inputs, compute, on_step)
        )
        return None if artwork.stopped == "interrupted" else artwork.pixels


def start_of(clip: Clip, name: str) -> ReadInput:
    """The first frame of a video, which stands for it in records; they call it ``name``."""
    return ReadInput(replace(next(clip.read()), sha256=clip.sha256), name)


def film_of(
    source: ReadInput | Clip,
    settings: Settings,
    session: Workshop,
    references: References[ReadInput],
    output: Path,
    overwrite: bool,
    keep_frames: bool = False,
) -> Film:
    """The film that settings describe, of a picture to zoom into, or of a video.

    Raises:
        WrongRequest: it doesn't fit its format; or see `ZoomFilm`.
    """
    film: Film
    if isinstance(source, Clip):
        assert isinstance(settings, Schedule)
        film = ClipFilm(session=session, settings=settings, start=start_of(source, recorded_name(source.path)),
                        references=references, output=output, overwrite=overwrite, keep_frames=keep_frames,
                        clip=source)  # fmt: skip
    else:
        assert isinstance(settings, FilmSettings)
        film = ZoomFilm(session=session, settings=settings, start=source, references=references, output=output,
                        overwrite=overwrite, keep_frames=keep_frames)  # fmt: skip
    is_too_quick = output.suffix.lower() == ".gif" and film.fps > MAX_GIF_FPS
    check(
        not is_too_quick,
        f"a GIF shows at most {MAX_GIF_FPS} frames per second, not {float(film.fps):.4g}; write a .webp or .mp4",
    )
    return film


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
