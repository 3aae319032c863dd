"""A picture's ascent as an animated GIF or WebP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from .reading import Picture, Pixels
from .record import Record, exif_with, open_result
from .writing import on_white, write_whole

FORMATS = {".gif": "GIF", ".webp": "WEBP"}
MOST_FRAMES = 64
LONGEST = 512  # pixels, of the longer side
STEP, PAUSE = 80, 2000  # milliseconds that a frame is seen, and the last one
WEBP_QUALITY = 85


def write_animation(path: Path, frames: Sequence[Pixels], last: Picture, record: Record) -> None:
    """Write frames, and the finished picture after them, as `write_whole`; ``path``'s suffix chooses GIF or WebP.

    It has the finished picture's size, with at most 512 pixels on the longer side. Transparency becomes white. The
    record is a GIF's comment, and in a WebP's EXIF.

    Args:
        path: where to.
        frames: ``(height, width, 3)`` uint8, of any sizes.
        last: the finished picture.
        record: of the picture.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    final = reduced(last.pixels)
    size = (final.shape[1], final.shape[0])
    alpha = None if last.alpha is None else _resized(last.alpha, size)
    images = [Image.fromarray(on_white(_resized(pixels, size), alpha)) for pixels in (*frames, final)]
    kind = FORMATS[path.suffix.lower()]
    carried: dict[str, Any] = (
        {"comment": record.to_json()} if kind == "GIF" else {"exif": exif_with(record), "quality": WEBP_QUALITY}
    )
    durations = [STEP] * len(frames) + [PAUSE]

    def write(file: IO[bytes]) -> None:
        images[0].save(file, kind, save_all=True, append_images=images[1:], duration=durations, loop=0, **carried)

    write_whole(path, write)


def is_animation(path: Path) -> bool:
    """Whether a result that can be read has several frames."""
    with open(path, "rb") as file, open_result(file) as image:
        return bool(getattr(image, "is_animated", False))


def reduced(pixels: Pixels) -> Pixels:
    """A picture, ``(height, width, 3)`` uint8, with at most 512 pixels on the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    return _resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
