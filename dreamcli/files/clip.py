"""A video as an input: upright frames at an even pace; or an animated picture, with the pace that it has."""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dreamcli.errors import DreamcliError, needs

from .film import SLACK, has_alpha, is_on_its_side, open_video, to_array, video_frames, video_seconds
from .formats import READ_VIDEO_SUFFIXES
from .identity import file_sha256
from .reading import Picture, Pixels, read_frames, resized, split_alpha
from .regular import MAX_PICTURE, open_regular

MIN_FPS, MAX_FPS = Fraction(1, 1000), 120
MAX_FRAMES = 1_000_000  # nine hours at 30 a second
LONGEST_STILL = 60.0  # seconds between two frames; more is a wrong time
MAX_ANIMATED_FPS = 50  # of a film whose frames last as long as those of an animated picture
_SAME_SHAPE = 0.02  # how much two sides may differ in ratio, and still be stretched
_HDR = {16: "PQ", 18: "HLG"}  # FFmpeg's numbers for transfer curves that need tone mapping
_ANIMATED = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG", ".avif": "AVIF"}


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its suffix."""
    return path.suffix.lower() in READ_VIDEO_SUFFIXES


def is_animated(path: Path) -> bool:
    """Whether a file is a GIF, WebP, PNG or AVIF with several frames, and has the suffix of one."""
    if path.suffix.lower() not in _ANIMATED:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _opened(path) as image:
                return bool(getattr(image, "is_animated", False))
    except Exception:  # a decoder may raise anything for a broken file, which is reported when it is read
        return False


@dataclass(frozen=True)
class Clip:
    """A video or an animated picture, after a first look through all of it.

    Attributes:
        sha256: of the file.
        frames: the number of frames; for a video, at an even pace: with a variable frame rate, some are shown twice or
            left out.
        fps: frames a second; for an animated picture, enough to show each of its frames as long as it lasts.
        size: (height, width) in square pixels, upright.
        stored_size: (height, width) as stored, upright.
        ends_early: the second at which it breaks off; None if it is whole.
        durations: how many milliseconds each frame of an animated picture is shown; empty for a video.
        plays: how often an animated picture is played; 0 for forever.
        is_transparent: whether any of it is transparent.
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
            DreamcliError: the file has changed.
        """
        left = self.frames - first
        with closing(self._frames()) as frames:
            for frame in islice(frames, first, self.frames):
                left -= 1
                yield frame
        if left:
            raise DreamcliError(f"{self.path}: it has changed since it was opened")

    def _frames(self) -> Generator[Picture]:
        if self.durations:
            for picture, _ in read_frames(self.path):
                yield _cropped(picture, self.stored_size)
            return
        with open_video(self.path) as container, closing(_decoded(container, self.fps)) as timed:
            for frame in _paced(_without_gaps(timed, self.fps), self.fps):
                yield split_alpha(_fitted(to_array(frame), self.stored_size))


def read_clip(path: Path) -> Clip:
    """Look through a video or an animated picture.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read: it has no picture, its frames are too large, or
            it is HDR.
    """
    return _look_through(path) if is_video(path) else _look_through_animated(path)


def _look_through(path: Path) -> Clip:
    digest = file_sha256(path)
    first, times, changed, is_transparent = None, [], 0.0, False
    with open_video(path) as container:
        if not container.streams.video:
            raise DreamcliError("it has no video track, only sound")
        stream = container.streams.video[0]
        rate = min(Fraction(stream.average_rate or stream.guessed_rate or 25), Fraction(MAX_FPS))
        fps = max(MIN_FPS, rate.limit_denominator(1001))
        length = video_seconds(container)
        for at, frame in _decoded(container, fps):
            first = first or frame
            times.append(at)
            if not changed and _shape(frame) != _shape(first):
                changed = at
            if not is_transparent and has_alpha(frame):
                is_transparent = split_alpha(to_array(frame)).alpha is not None
        pixel_shape = stream.sample_aspect_ratio or Fraction(1)
    if first is None:
        raise DreamcliError(f"{path}: none of its frames can be read")
    curve = _HDR.get(int(first.color_trc))
    if curve:
        raise DreamcliError(f"{path}: HDR videos ({curve}) aren't supported; convert it to SDR first")
    try:
        height, width = to_array(first).shape[:2]
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}") from error
    closed = [at for at, _ in _without_gaps(((at, first) for at in times), fps)]
    frames = sum(1 for _ in islice(_paced(((at, first) for at in closed), fps), MAX_FRAMES + 1))
    if frames > MAX_FRAMES:
        raise DreamcliError(f"{path}: refused: it would have more than {MAX_FRAMES:,} frames; cut it into parts first")
    ends_early = times[-1] + 1 / float(fps) if times[-1] < length - SLACK / float(fps) else None
    if is_on_its_side(first):
        pixel_shape = 1 / pixel_shape
    notes = [f"its size changes after {changed:.1f} s; fitted into {width}x{height}"] if changed else []
    if (left_out := times[-1] - closed[-1]) > 0:
        notes.append(f"left out {left_out:,.0f} s in which no frame is shown")
    size = height, max(1, round(width * pixel_shape))
    return Clip(path, digest, frames, fps, size, (height, width), ends_early,
                is_transparent=is_transparent, notes=tuple(notes))  # fmt: skip


def _look_through_animated(path: Path) -> Clip:
    digest, first, durations, is_transparent = file_sha256(path), None, [], False
    try:
        for frame, duration in read_frames(path):
            first = first or frame
            durations.append(duration)
            is_transparent |= frame.alpha is not None
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}", error.hint) from error
    if first is None:
        raise DreamcliError(f"{path}: none of its frames can be read")
    fps = min(Fraction(1000, math.gcd(*durations)), Fraction(MAX_ANIMATED_FPS))
    height, width = first.pixels.shape[:2]
    size, count = (height, width), len(durations)
    return Clip(path, digest, count, fps, size, size, None, tuple(durations), _plays(path), is_transparent, first.notes)


def _plays(path: Path) -> int:
    """How often an animated picture is played; 0 for forever."""
    with _opened(path) as image:
        loop = image.info.get("loop")
        if image.format != "GIF":
            return int(loop or 0)
        return 1 if loop is None else 0 if loop == 0 else loop + 1  # a GIF holds the number of repeats


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an animated picture."""
    with open_regular(path, MAX_PICTURE) as file, Image.open(file, formats=tuple(set(_ANIMATED.values()))) as image:
        yield image


def _shape(frame: Any) -> tuple[int, int]:
    """The (height, width) of a frame, upright."""
    return (frame.width, frame.height) if is_on_its_side(frame) else (frame.height, frame.width)


def _decoded(container: Any, fps: Fraction) -> Generator[tuple[float, Any]]:
    """Each frame, with the second it is shown at, counted from the first one; up to the first broken one."""
    start, number = None, 0
    try:
        for frame in video_frames(container):
            at = frame.time if frame.time is not None else number / float(fps)
            start = at if start is None else start
            number += 1
            yield at - start, frame
    except (needs("av").FFmpegError, EOFError):
        return


def _without_gaps(timed: Iterator[tuple[float, Any]], fps: Fraction) -> Iterator[tuple[float, Any]]:
    """The same frames, where each that would come too long after the one before follows it at the usual pace."""
    pace = 1 / float(fps)
    before, left_out = 0.0, 0.0
    for at, frame in timed:
        if at - left_out - before > max(LONGEST_STILL, 2 * pace):
            left_out = at - before - pace
        before = at - left_out
        yield before, frame


def _paced(timed: Iterator[tuple[float, Any]], fps: Fraction) -> Iterator[Any]:
    """Frames at an even pace: at each time, the latest one."""
    pace, count, shown = float(fps), 0, None
    for at, frame in timed:
        while shown is not None and count / pace < at - 0.5 / pace:
            yield shown
            count += 1
        shown = frame
    if shown is not None:
        yield shown


def _cropped(frame: Picture, size: tuple[int, int]) -> Picture:
    """A frame cut to its (height, width), since a GIF may have more outside of it."""
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
