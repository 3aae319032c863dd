"""The one writer of pictures: whole or not at all, with the record inside."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError, WrongRequest

from .reading import Picture, Pixels
from .record import KEYWORD, Record, exif_with

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
# the longest side that a format can hold, in pixels
LIMITS = {"PNG": 2**31 - 1, "JPEG": 65_535, "WEBP": 16_383}


def check_place(path: Path) -> None:
    """Refuse a path that could not be written to in the end, before any work.

    Raises:
        WrongRequest: with the reason.
    """
    folder = path.parent
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not os.path.isdir(folder):
        raise WrongRequest(f"{path} can't be written: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WrongRequest(f"{path} can't be written: no permission to write to the folder {folder}")
    if os.path.isdir(path):
        raise WrongRequest(f"{path} can't be written: there is a folder of that name")


def check_size(path: Path, height: int, width: int) -> None:
    """Refuse a size that ``path``'s format can't hold, before any work.

    Raises:
        DreamcliError: with the limit.
    """
    name = FORMATS[path.suffix.lower()]
    if max(height, width) > LIMITS[name]:
        raise DreamcliError(f"{name} holds at most {LIMITS[name]} pixels on a side; write a .png instead")


def write_picture(path: Path, picture: Picture, record: Record) -> None:
    """Write a picture with its record; ``path``'s suffix chooses PNG, JPEG or WebP.

    As `write_whole`. JPEG has no alpha: there, transparency becomes white.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    write_whole(path, lambda file: _save(file, FORMATS[path.suffix.lower()], picture, record))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to a ``.npz``, as `write_whole`.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def write_whole(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Let ``write`` fill a temporary file in the same folder, flush it to the disk, and rename it.

    So at ``path`` there is never half a file. Missing folders are made.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # a short prefix of the name, so that this name is never too long where the final one is not
        descriptor, name = tempfile.mkstemp(".partial", f".{path.stem[:20]}.", path.parent)
        partial = Path(name)
        with open(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
        partial = None
    except OSError as error:
        raise DreamcliError(f"could not write {path} ({error.strerror or error})") from error
    finally:
        if partial:
            partial.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def on_white(pixels: Pixels, alpha: Pixels | None) -> Pixels:
    """A picture, ``(height, width, 3)`` uint8, as it looks on white."""
    if alpha is None:
        return pixels
    share = alpha[..., None].astype(np.float32) / 255
    return (pixels * share + 255 * (1 - share)).round().astype(np.uint8)


def _save(file: IO[bytes], format: str, picture: Picture, record: Record) -> None:
    pixels, alpha = picture.pixels, picture.alpha
    if format == "JPEG":
        pixels, alpha = on_white(pixels, alpha), None
    image = Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))
    if format == "PNG":
        info = PngInfo()
        info.add_itxt(KEYWORD, record.to_json())
        image.save(file, format, pnginfo=info, compress_level=6)
    elif format == "JPEG":
        image.save(file, format, quality=95, subsampling=0, exif=exif_with(record))
    else:
        image.save(file, format, lossless=True, exif=exif_with(record))
