"""The one writer of pictures: whole or not at all, with the record inside."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError, WrongRequest

from .reading import Picture, Pixels
from .record import KEYWORD, Record, exif_with

if sys.platform != "win32":
    import fcntl

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
PARTIAL = ".dreamcli.partial"  # how temporary files end
# the longest side that a format can hold, in pixels
LIMITS = {"PNG": 2**31 - 1, "JPEG": 65_535, "WEBP": 16_383}


def why_closed(folder: Path) -> str:
    """Why nothing can be written in a folder, or where it would have to be made; empty if it can."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not os.path.isdir(folder):
        return f"{folder} is not a folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"no permission to write to the folder {folder}"
    return ""


def check_place(path: Path, why_closed: Callable[[Path], str] = why_closed) -> None:
    """Refuse a path that could not be written to in the end, before any work.

    Args:
        path: of the file.
        why_closed: that function, or one that remembers its answers, for many files in a folder.

    Raises:
        WrongRequest: with the reason.
    """
    if reason := why_closed(path.parent) or ("there is a folder of that name" if os.path.isdir(path) else ""):
        raise WrongRequest(f"{path} can't be written: {reason}")


def check_fits(path: Path, height: int, width: int) -> None:
    """Refuse a size that ``path``'s format can't hold, or that Pillow would not read again.

    Raises:
        DreamcliError: with the limit.
    """
    name = FORMATS[path.suffix.lower()]
    if max(height, width) > LIMITS[name]:
        raise DreamcliError(f"{name} holds at most {LIMITS[name]} pixels on a side; write a .png instead")
    most = 2 * (Image.MAX_IMAGE_PIXELS or height * width)  # in its other formats, `open_result` reads more
    if name == "WEBP" and height * width > most:
        raise DreamcliError(f"a WebP of over {most // 1_000_000} megapixels can't be read again; write a .png instead")


def write_picture(path: Path, picture: Picture, record: Record) -> None:
    """Write a picture with its record; ``path``'s suffix chooses PNG, JPEG or WebP.

    As `write_whole`. JPEG has no alpha: there, transparency becomes white.

    Raises:
        DreamcliError: the folder can't be written to, the disk is full, or the format can't hold so many pixels.
    """
    check_fits(path, *picture.pixels.shape[:2])
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path) as (file, partial):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(partial, 0o666 & ~_umask())
            if os.name == "nt":
                file.close()  # what is open can't be renamed there
            os.replace(partial, path)
    except OSError as error:
        raise DreamcliError(f"could not write {path} ({error.strerror or error})") from error


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file beside ``path``, locked while it is written, so that it is seen to be no leftover; gone in the end."""
    while True:
        # a short prefix of the name, so that this name is never too long where the final one is not
        descriptor, name = tempfile.mkstemp(PARTIAL, f".{path.stem[:20]}.", path.parent)
        partial = Path(name)
        with open(descriptor, "wb") as file:
            try:
                if _claim(descriptor, partial):
                    yield file, partial
                    return
            finally:
                partial.unlink(missing_ok=True)


def _claim(descriptor: int, partial: Path) -> bool:
    """Lock a temporary file until it is closed; whether it is ours still: before, it looked like a leftover."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False  # another run is removing it
    except OSError:
        pass  # this file system knows no locks, so nobody can lock it to remove it
    return partial.exists()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that runs left in a folder when they were killed, and none of a run that is alive.

    On Windows, and where files can't be locked, they stay.
    """
    if sys.platform == "win32" or not os.path.isdir(folder):
        return
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW  # not waiting for a FIFO of that name, nor following a link
    for path in folder.glob(f".*{PARTIAL}"):
        # it may be locked by a run that is alive, or be none of ours
        with suppress(OSError), open(os.open(path, flags), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


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
