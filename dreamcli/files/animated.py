"""An animated picture as an input: its frames, and how long each is shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from .reading import Picture, read_frames

_FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG", ".avif": "AVIF"}
QUICKEST, IN_PLACE = 10, 100  # milliseconds: what browsers find too quick for a frame, and show it for instead


def is_animated(path: Path) -> bool:
    """Whether a file is a GIF, WebP, PNG or AVIF of several frames, and is called so."""
    if path.suffix.lower() not in _FORMATS or not path.is_file():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=tuple(set(_FORMATS.values()))) as image:
                return bool(getattr(image, "is_animated", False))
    except Exception:  # a decoder may raise anything for a broken file, which is reported when it is read
        return False


def read_animated(path: Path) -> Iterator[tuple[Picture, int]]:
    """Read the frames of an animated picture, and how many milliseconds browsers show each of them.

    Raises:
        DreamcliError: see `read_picture`.
    """
    for frame, duration in read_frames(path):
        yield frame, round(duration) if duration > QUICKEST else IN_PLACE


def plays_of(path: Path) -> int:
    """How often an animated picture is shown; 0 for forever."""
    with Image.open(path, formats=tuple(set(_FORMATS.values()))) as image:
        loop = image.info.get("loop")
        if image.format != "GIF":
            return int(loop or 0)
        return 1 if loop is None else 0 if loop == 0 else loop + 1  # a GIF says how often it is repeated
