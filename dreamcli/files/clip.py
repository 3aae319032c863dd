"""A video as an input: upright frames at an even pace; or an animated picture, with the pace that it has."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dreamcli.errors import DreamcliError, needs

from .animated import is_animated, plays_of, read_animated
from .animation import resized
from .digest import file_sha256
from .formats import READ_VIDEO_SUFFIXES
from .pyav import decoded, has_alpha, is_on_its_side, opened, picture_seconds, to_array
from .reading import Picture, Pixels, split_alpha
from .video import SLACK

MAX_FPS = 120
MAX_ANIMATED_FPS = 50  # of a film whose frames last as long as those of an animated picture
_SAME_SHAPE = 0.02  # how much two sides may differ in ratio, and still be stretched
_HDR = {16: "PQ", 18: "HLG"}  # FFmpeg's numbers for transfer curves that need tone mapping


def is_clip(path: Path) -> bool:
    """Whether a file is a video, by its suffix."""
    return path.suffix.lower() in READ_VIDEO_SUFFIXES


def is_moving(path: Path) -> bool:
    """Whether a file is a video, by its suffix, or an animated picture."""
    return is_clip(path) or is_animated(path)


@dataclass(frozen=True)
class Clip:
    """A video or an animated picture that was looked through.

    Attributes:
        sha256: of the file.
        frames: how many there are; those of a video at an even pace: one of variable frame rate shows some twice, or
            leaves some out.
        fps: frames a second; of an animated picture, enough to show each of its frames as long as it lasts.
        size: (height, width) in square pixels, upright.
        stored_size: (height, width) as stored, upright.
        ends_early: the second at which it breaks off; None if it is whole.
        durations: how many milliseconds each frame of an animated picture is shown; empty for a video.
        plays: how often it is shown; 0 for forever.
        is_transparent: whether one can see through some of it.
        notes: for people: what was unusual about reading it.
    """

    path: Path
    sha256: str
    frames: int
    fps: Fraction
    size: tuple[int, int]
    stored_size: tuple[int, int]
    ends_early: float | None = None
    durations: tuple[int, ...] = ()
    plays: int = 0
    is_transparent: bool = False
    notes: tuple[str, ...] = ()

    def read(self, first: int = 0) -> Iterator[Picture]:
        """The frames from the ``first`` on, all of one size, pixels as stored.

        Raises:
            DreamcliError: the file isn't what it was.
        """
        if self.durations:
            frames = (_cropped(frame, self.stored_size) for frame, _ in read_animated(self.path))
            yield from self._counted(frames, first)
            return
        with opened(self.path) as container, closing(_decoded(container, self.fps)) as moments:
            paced = (_fitted(to_array(frame), self.stored_size) for frame in _paced(moments, self.fps))
            yield from self._counted(map(split_alpha, paced), first)

    def _counted(self, frames: Iterator[Picture], first: int) -> Iterator[Picture]:
        left = self.frames - first
        for frame in islice(frames, first, self.frames):
            left -= 1
            yield frame
        if left:
            raise DreamcliError(f"{self.path}: it has changed since it was opened")


def read_clip(path: Path) -> Clip:
    """Look through a video or an animated picture.

    Raises:
        DreamcliError: PyAV isn't installed, or this is no video that can be read: there is no picture in it, its
            frames are too large, or it is HDR.
    """
    if not path.is_file():
        raise DreamcliError(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
    return _look_through(path) if is_clip(path) else _look_through_animated(path)


def _look_through(path: Path) -> Clip:
    digest = file_sha256(path)
    with opened(path) as container:
        if not container.streams.video:
            raise DreamcliError(f"{path}: it has no video track, only sound")
        stream = container.streams.video[0]
        fps = min(Fraction(stream.average_rate or stream.guessed_rate or 25), Fraction(MAX_FPS)).limit_denominator(1001)
        length = picture_seconds(container)
        seen = _Seen()
        frames = sum(1 for _ in _paced(seen.watched(_decoded(container, fps)), fps))
        pixel_shape = stream.sample_aspect_ratio or Fraction(1)
    if seen.first is None:
        raise DreamcliError(f"{path}: none of its frames can be read")
    curve = _HDR.get(int(seen.first.color_trc))
    if curve:
        raise DreamcliError(f"{path}: HDR videos ({curve}) aren't supported; convert it to SDR first")
    try:
        height, width = to_array(seen.first).shape[:2]
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}") from error
    ends_early = seen.last + 1 / float(fps) if seen.last < length - SLACK / float(fps) else None
    if is_on_its_side(seen.first):
        pixel_shape = 1 / pixel_shape
    notes = [f"its size changes after {seen.changed:.1f} s; fitted into {width}x{height}"] if seen.changed else []
    size = height, max(1, round(width * pixel_shape))
    return Clip(path, digest, frames, fps, size, (height, width), ends_early,
                is_transparent=seen.is_transparent, notes=tuple(notes))  # fmt: skip


def _look_through_animated(path: Path) -> Clip:
    digest, first, durations, is_transparent = file_sha256(path), None, [], False
    try:
        for frame, duration in read_animated(path):
            first = first or frame
            durations.append(duration)
            is_transparent |= frame.alpha is not None
        plays = plays_of(path)
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}", error.hint) from error
    if first is None:
        raise DreamcliError(f"{path}: none of its frames can be read")
    fps = min(Fraction(1000, math.gcd(*durations)), Fraction(MAX_ANIMATED_FPS))
    height, width = first.pixels.shape[:2]
    size, count = (height, width), len(durations)
    return Clip(path, digest, count, fps, size, size, None, tuple(durations), plays, is_transparent, first.notes)


class _Seen:
    """What was seen while a video was looked through.

    Attributes:
        first: its first frame.
        last: when its last frame is shown, in seconds.
        changed: when its size changes first; 0 if it doesn't.
        is_transparent: whether one can see through some of it.
    """

    def __init__(self) -> None:
        self.first: Any = None
        self.last = self.changed = 0.0
        self.is_transparent = False

    def watched(self, moments: Iterator[tuple[float, Any]]) -> Iterator[tuple[float, Any]]:
        """The same moments; note what they show."""
        for at, frame in moments:
            self.first = self.first or frame
            self.last = at
            if not self.changed and _shape(frame) != _shape(self.first):
                self.changed = at
            if not self.is_transparent and has_alpha(frame):
                self.is_transparent = split_alpha(to_array(frame)).alpha is not None
            yield at, frame


def _shape(frame: Any) -> tuple[int, int]:
    """The (height, width) of a frame, upright."""
    return (frame.width, frame.height) if is_on_its_side(frame) else (frame.height, frame.width)


def _decoded(container: Any, fps: Fraction) -> Generator[tuple[float, Any]]:
    """Each frame that can be decoded, with the second it is shown at, counted from the first one."""
    start, number = None, 0
    try:
        for frame in decoded(container):
            at = frame.time if frame.time is not None else number / float(fps)
            start = at if start is None else start
            number += 1
            yield at - start, frame
    except (needs("av").FFmpegError, EOFError):
        return  # what is broken from here on isn't there


def _paced(moments: Iterator[tuple[float, Any]], fps: Fraction) -> Iterator[Any]:
    """Frames at an even pace: at each moment, the latest one."""
    pace, count, shown = float(fps), 0, None
    for at, frame in moments:
        while shown is not None and count / pace < at - 0.5 / pace:
            yield shown
            count += 1
        shown = frame
    if shown is not None:
        yield shown


def _cropped(frame: Picture, size: tuple[int, int]) -> Picture:
    """A frame without what a GIF has outside its (height, width)."""
    inside = (slice(size[0]), slice(size[1]))
    return Picture(frame.pixels[inside], None if frame.alpha is None else frame.alpha[inside])


def _fitted(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """A frame at a (height, width), with black bars if its shape is another one."""
    (height, width), (old_height, old_width) = size, pixels.shape[:2]
    if (old_height, old_width) == size:
        return pixels
    scale = min(height / old_height, width / old_width)
    inner = [min(most, max(1, round(scale * side))) for most, side in ((height, old_height), (width, old_width))]
    inner = [most if side > (1 - _SAME_SHAPE) * most else side for most, side in zip(size, inner, strict=True)]
    bars = np.zeros((height, width, pixels.shape[2]), np.uint8)
    bars[..., 3:] = 255
    top, left = ((most - side) // 2 for most, side in zip(size, inner, strict=True))
    bars[top : top + inner[0], left : left + inner[1]] = resized(pixels, (inner[1], inner[0]))
    return bars
