"""The one writer of pictures: whole or not at all, with the record inside."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError

from .reading import Picture
from .record import KEYWORD, Record, exif_with

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def write_picture(path: Path, picture: Picture, record: Record) -> None:
    """Write a picture with its record; ``path``'s suffix chooses PNG, JPEG or WebP.

    It is written to a temporary file in the same folder, flushed to the disk, and renamed, so that at
    ``path`` there is never half a picture. Missing folders are made. JPEG has no alpha: there,
    transparency becomes white.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".partial", delete=False
        ) as file:
            partial = Path(file.name)
            try:
                _save(file, FORMATS[path.suffix.lower()], picture, record)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(partial, 0o666 & ~_umask())
                os.replace(partial, path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise DreamcliError(f"could not write {path} ({error.strerror or error})") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _save(file, format: str, picture: Picture, record: Record) -> None:  # type: ignore[no-untyped-def]
    pixels, alpha = picture.pixels, picture.alpha
    if alpha is not None and format == "JPEG":
        share = alpha[..., None].astype(np.float32) / 255
        pixels, alpha = (pixels * share + 255 * (1 - share)).round().astype(np.uint8), None
    image = Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))
    if format == "PNG":
        info = PngInfo()
        info.add_itxt(KEYWORD, record.to_json())
        image.save(file, format, pnginfo=info, compress_level=6)
    elif format == "JPEG":
        image.save(file, format, quality=95, subsampling=0, exif=exif_with(record))
    else:
        image.save(file, format, lossless=True, exif=exif_with(record))
