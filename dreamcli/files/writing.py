"""Write pictures, with their record inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError

from .atomic import write_whole
from .formats import MAX_SIDE, WRITTEN
from .reading import Picture, Pixels
from .record import KEYWORD, Record, exif_with
from .regular import MAX_PICTURE, open_regular


def check_fits(path: Path, height: int, width: int) -> None:
    """Refuse a size that ``path``'s format can't hold, or that Pillow couldn't read again.

    Raises:
        DreamcliError: with the limit.
    """
    name = WRITTEN[path.suffix.lower()]
    if max(height, width) > MAX_SIDE[name]:
        raise DreamcliError(f"{name} holds at most {MAX_SIDE[name]} pixels on a side; write a .png instead")
    max_area = 2 * (Image.MAX_IMAGE_PIXELS or height * width)  # `open_result` reads more in the other formats
    if name == "WEBP" and height * width > max_area:
        raise DreamcliError(
            f"a WebP of over {max_area // 1_000_000} megapixels can't be read back; write a .png instead"
        )


def write_picture(path: Path, picture: Picture, record: Record) -> None:
    """Write a picture with its record, as `write_whole` does; ``path``'s suffix chooses PNG, JPEG or WebP.

    Transparency becomes white in a JPEG, which has no alpha.

    Raises:
        DreamcliError: the folder can't be written to, the disk is full, or the picture is too large for the format.
    """
    check_fits(path, *picture.pixels.shape[:2])
    write_whole(path, lambda file: _save(file, WRITTEN[path.suffix.lower()], picture, record))


def write_plain(path: Path, pixels: Pixels, comment: str = "") -> None:
    """Write a JPEG without a record, for a page, as `write_whole` does.

    Args:
        comment: a note in the file, in ASCII, for `comment_of`.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    write_whole(path, lambda file: Image.fromarray(pixels).save(file, "JPEG", quality=88, comment=comment.encode()))


def comment_of(path: Path) -> str | None:
    """The comment that `write_plain` wrote into a picture; None if there is no such picture."""
    try:
        with open_regular(path, MAX_PICTURE) as file, Image.open(file, formats=["JPEG"]) as picture:
            comment = picture.info.get("comment", b"")
            return comment.decode("ascii") if isinstance(comment, bytes) else None
    except (DreamcliError, OSError, ValueError):
        return None


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to a ``.npz``, as `write_whole` does.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def off_white(pixels: Pixels, alpha: Pixels | None) -> Pixels:
    """The colors that look like ``pixels`` if they are put on white with this alpha; white where that is 0."""
    if alpha is None:
        return pixels
    share = np.maximum(alpha[..., None].astype(np.float32), 1) / 255
    colors = (255 - (255 - pixels.astype(np.float32)) / share).round().clip(0, 255).astype(np.uint8)
    return np.where(alpha[..., None] > 0, colors, np.uint8(255))


def joined(picture: Picture) -> Pixels:
    """A picture as ``(height, width, 3)`` uint8, or 4 with alpha."""
    return picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])


def _save(file: IO[bytes], format: str, picture: Picture, record: Record) -> None:
    if format == "JPEG":
        picture = Picture(picture.on_white)
    image = Image.fromarray(joined(picture))
    if format == "PNG":
        info = PngInfo()
        info.add_itxt(KEYWORD, record.to_json())
        image.save(file, format, pnginfo=info, compress_level=6)
    elif format == "JPEG":
        image.save(file, format, quality=95, subsampling=0, exif=exif_with(record))
    else:
        image.save(file, format, lossless=True, exif=exif_with(record))
