"""Animated GIFs and WebPs of a picture's ascent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .atomic import write_whole
from .formats import ANIMATED
from .reading import Picture, Pixels
from .record import Record, exif_with, open_result
from .writing import on_white

MAX_FRAMES = 64
MAX_SIDE = 512  # pixels on the longer side
STEP, PAUSE = 80, 2000  # milliseconds that a frame is shown, and the last one
WEBP_QUALITY = 85


def write_animation(path: Path, frames: Sequence[Pixels], last: Picture, record: Record) -> None:
    """Write frames and then the finished picture, as `write_whole` does; ``path``'s suffix chooses GIF or WebP.

    All have the finished picture's size, reduced to 512 pixels on the longer side. Transparency becomes white. The
    record is a GIF's comment, and in a WebP's EXIF.

    Args:
        frames: ``(height, width, 3)`` uint8, of any size.
        last: the finished picture.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    final = reduced(last.pixels)
    size = (final.shape[1], final.shape[0])
    alpha = None if last.alpha is None else _resized(last.alpha, size)
    images = [Image.fromarray(on_white(_resized(pixels, size), alpha)) for pixels in (*frames, final)]
    kind = ANIMATED[path.suffix.lower()]
    options: dict[str, Any] = {"save_all": True, "loop": 0, "duration": [STEP] * len(frames) + [PAUSE]}
    options |= {"comment": record.to_json()} if kind == "GIF" else {"exif": exif_with(record), "quality": WEBP_QUALITY}
    write_whole(path, lambda file: images[0].save(file, kind, append_images=images[1:], **options))


def is_animation(path: Path) -> bool:
    """Whether a picture that may carry a record has several frames."""
    with open(path, "rb") as file, open_result(file) as image:
        return bool(getattr(image, "is_animated", False))


def reduced(pixels: Pixels) -> Pixels:
    """Reduce a picture, ``(height, width, 3)`` uint8, to at most 512 pixels on the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    return _resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
