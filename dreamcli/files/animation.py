"""Films on disk, in any format: GIF, WebP, and what `video` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageSequence

from dreamcli.errors import DreamcliError, first_line

from .atomic import write_whole
from .formats import ANIMATED, VIDEOS
from .reading import Pixels
from .record import Record, exif_with, open_result
from .video import read_video, write_video

WEBP_QUALITY = 85
TICKS = {"GIF": 10, "WEBP": 1}  # milliseconds, of which a frame lasts a whole number
MAX_GIF_FPS = 50  # browsers show a GIF that is quicker at 10 frames a second


def write_film(
    path: Path,
    frames: Iterable[Pixels],
    fps: float | Fraction,
    record: Record,
    pause: float = 0,
    sound: Path | None = None,
) -> None:
    """Write frames as a film, as `write_whole` does; ``path``'s suffix chooses the format.

    The record is a GIF's comment, in a WebP's EXIF, and in the other formats' metadata. GIF and WebP repeat
    forever.

    Args:
        frames: ``(height, width, 3)`` uint8, all of one size; even for MP4 and WebM.
        pause: how many seconds the last frame is shown; 0 for as long as the others.
        sound: a video whose sound it gets, if there is any, and if this is no GIF or WebP.

    Raises:
        DreamcliError: PyAV is needed and isn't installed, the folder can't be written to, or the disk is full.
    """
    if path.suffix.lower() in VIDEOS:
        write_video(path, _held(frames, max(0, round(pause * fps) - 1)), fps, record, sound)
        return
    kind = ANIMATED[path.suffix.lower()]
    images = [Image.fromarray(pixels) for pixels in frames]
    tick = TICKS[kind]
    ends = [tick * round(1000 * count / (tick * fps)) for count in range(len(images) + 1)]
    durations = [end - start for start, end in pairwise(ends)]
    options: dict[str, Any] = {"save_all": True, "loop": 0}
    options["duration"] = [*durations[:-1], round(1000 * pause) or durations[-1]]
    options |= {"comment": record.to_json()} if kind == "GIF" else {"exif": exif_with(record), "quality": WEBP_QUALITY}
    write_whole(path, lambda file: images[0].save(file, kind, append_images=images[1:], **options))


def _held(frames: Iterable[Pixels], times: int) -> Iterator[Pixels]:
    """The frames, and the last one some more times."""
    last: Pixels | None = None
    for last in frames:
        yield last
    if last is not None:
        yield from repeat(last, times)


def read_film(path: Path) -> Iterator[Pixels]:
    """Read the frames of a film: ``(height, width, 3)`` uint8 each.

    Raises:
        DreamcliError: it can't be read to its end, or PyAV is needed and isn't installed.
    """
    if path.suffix.lower() in VIDEOS:
        yield from read_video(path)
        return
    try:
        with open(path, "rb") as file, open_result(file) as image:
            for frame in ImageSequence.Iterator(image):
                yield np.asarray(frame.convert("RGB"))
    except Exception as error:  # a decoder may raise anything for a broken file
        raise DreamcliError(f"{path}: not a readable film ({first_line(error)})") from error


def is_animation(path: Path) -> bool:
    """Whether a picture that may carry a record has several frames."""
    if path.suffix.lower() in VIDEOS:
        return True
    with open(path, "rb") as file, open_result(file) as image:
        return bool(getattr(image, "is_animated", False))


def reduced(pixels: Pixels, longest: int) -> Pixels:
    """Reduce a picture, ``(height, width, 3)`` uint8, to at most ``longest`` pixels on the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def resized(pixels: Pixels, size: tuple[int, int], resampling: Image.Resampling = Image.Resampling.LANCZOS) -> Pixels:
    """Resize a picture to (width, height)."""
    return np.asarray(Image.fromarray(pixels).resize(size, resampling))
