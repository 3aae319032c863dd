"""A video as an input: upright frames at an even pace."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dreamcli.errors import DreamcliError

from .digest import file_sha256
from .formats import READ_VIDEO_SUFFIXES
from .pyav import import_av, opened, picture_seconds
from .reading import Pixels
from .video import SLACK

MAX_FPS = 120
_HDR = {16: "PQ", 18: "HLG"}  # FFmpeg's numbers for transfer curves that need tone mapping


def is_clip(path: Path) -> bool:
    """Whether a file is a video, by its suffix."""
    return path.suffix.lower() in READ_VIDEO_SUFFIXES


@dataclass(frozen=True)
class Clip:
    """A video that was looked through.

    Attributes:
        sha256: of the file.
        frames: how many there are at an even pace; a video of variable frame rate shows some twice, or leaves some out.
        fps: frames a second.
        size: (height, width) in square pixels, upright.
        ends_early: the second at which it breaks off; None if it is whole.
    """

    path: Path
    sha256: str
    frames: int
    fps: Fraction
    size: tuple[int, int]
    ends_early: float | None = None

    def read(self, first: int = 0) -> Iterator[Pixels]:
        """The frames from the ``first`` on: ``(height, width, 3)`` uint8 each, pixels as stored.

        Raises:
            DreamcliError: the file isn't what it was.
        """
        with opened(self.path) as container, closing(_decoded(container, self.fps)) as moments:
            paced = islice(_paced(moments, self.fps), first, self.frames)
            for count, frame in enumerate(paced, first + 1):
                yield _upright(frame)
                if count == self.frames:
                    return
        raise DreamcliError(f"{self.path}: it has changed since it was opened")


def read_clip(path: Path) -> Clip:
    """Look through a video.

    Raises:
        DreamcliError: PyAV isn't installed, or this is no video that can be read: there is no picture in it, its
            frames are too large, or it is HDR.
    """
    if not path.is_file():
        raise DreamcliError(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
    digest = file_sha256(path)
    with opened(path) as container:
        if not container.streams.video:
            raise DreamcliError(f"{path}: it has no video track, only sound")
        stream = container.streams.video[0]
        fps = min(Fraction(stream.average_rate or stream.guessed_rate or 25), Fraction(MAX_FPS)).limit_denominator(1001)
        length = picture_seconds(container)
        broken, last, first = False, 0.0, None

        def watched() -> Iterator[tuple[float, Any]]:
            nonlocal broken, last, first
            for at, frame in _decoded(container, fps):
                first = first or frame
                last = at
                yield at, frame

        frames = sum(1 for _ in _paced(watched(), fps))
        pixel_shape = stream.sample_aspect_ratio or Fraction(1)
    if first is None:
        raise DreamcliError(f"{path}: none of its frames can be read")
    curve = _HDR.get(int(first.color_trc))
    if curve:
        raise DreamcliError(f"{path}: HDR videos ({curve}) aren't supported; convert it to SDR first")
    ends_early = last + 1 / float(fps) if last < length - SLACK / float(fps) else None
    height, width = _upright(first).shape[:2]
    if first.rotation % 180:
        pixel_shape = 1 / pixel_shape
    return Clip(path, digest, frames, fps, (height, max(1, round(width * pixel_shape))), ends_early)


def _decoded(container: Any, fps: Fraction) -> Generator[tuple[float, Any]]:
    """Each frame that can be decoded, with the second it is shown at, counted from the first one."""
    stream, start, number = container.streams.video[0], None, 0
    try:
        for frame in container.decode(stream):
            at = frame.time if frame.time is not None else number / float(fps)
            start = at if start is None else start
            number += 1
            yield at - start, frame
    except (import_av().FFmpegError, EOFError):
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


def _upright(frame: Any) -> Pixels:
    """A frame as ``(height, width, 3)`` uint8, turned as its phone was held."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4))
