"""The one reader of pictures."""

from __future__ import annotations

import io
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin, UnidentifiedImageError

from dreamcli.errors import DreamcliError, Hint, first_line

from .formats import HEIF, READ
from .record import open_result

MAX_BYTES = 600_000_000  # of a file; more than the largest picture that is read needs, uncompressed with 16 bits
MAX_SCANS = 100  # of a JPEG, as in libtiff; each can take as long as a whole picture, and 10 are usual

_PNG = b"\x89PNG\r\n\x1a\n"  # the first bytes of a file
_JPEG = b"\xff\xd8"
_HEADER = 64
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")  # a JPEG's marker that is followed by a length
_START_OF_SCAN, _END = b"\xda", b"\xd9"
_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of a TIFF
_STRIP = 1024  # rows

Pixels = NDArray[np.uint8]

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True)
class Picture:
    """A picture in memory, upright and in sRGB.

    Attributes:
        pixels: ``(height, width, 3)`` uint8.
        alpha: ``(height, width)`` uint8; None if the picture is opaque.
        sha256: of the file that it came from; empty if there was none.
        notes: for people: what was unusual about reading it.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    sha256: str = ""
    notes: tuple[str, ...] = ()


def read_picture(path: Path, *, limited: bool = True) -> Picture:
    """Read a picture: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC, recognized by its content.

    EXIF orientation is applied, colors are converted to sRGB, 16 bits become 8, and only the first of several frames
    or pages is read.

    Args:
        limited: refuse pictures of more than 89 megapixels, Pillow's limit. If False, only formats that can carry a
            record are read.

    Raises:
        DreamcliError: the file can't or shouldn't be read, with the reason.
    """
    notes: list[str] = []
    with _explained():
        contents = _read_bytes(path, limited)
        digest = sha256(contents).hexdigest()
        image = _decode(contents, notes, limited)
        del contents  # half a gigabyte at worst, and the copies that follow need the memory
        picture = to_picture(image)
    return Picture(picture.pixels, picture.alpha, digest, (*notes, *picture.notes))


@contextmanager
def _explained() -> Iterator[None]:
    """Say in one line why a picture can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are about metadata that we don't use
            yield
    except UnidentifiedImageError as error:
        raise DreamcliError("not a readable picture (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC)") from error
    except Image.DecompressionBombError as error:
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        reason = f"refused: it would unpack to more than {limit} megapixels; make it smaller first"
        raise DreamcliError(reason) from error
    except MemoryError as error:
        raise DreamcliError("too large for this machine's memory; make it smaller first") from error
    except DreamcliError:
        raise
    except Exception as error:  # a decoder may raise anything for a broken file
        raise DreamcliError(f"damaged or incomplete picture ({first_line(error)})") from error


def read_frames(path: Path) -> Iterator[tuple[Picture, float]]:
    """Read the frames of an animated picture, and how many milliseconds each says that it is shown.

    A picture that a PNG shows only where it can't be animated is left out. The sha256 is empty.

    Raises:
        DreamcliError: see `read_picture`.
    """
    with _explained():
        image = _decode(_read_bytes(path, True), [], True)
    for index in count(1 if image.info.get("default_image") else 0):
        with _explained():
            try:
                image.seek(index)
            except EOFError:
                return
            picture = to_picture(image)
        yield picture, image.info.get("duration", 0)


def split_alpha(pixels: Pixels) -> Picture:
    """A picture from ``(height, width, 3 or 4)`` uint8."""
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(pixels[..., :3]), None if alpha is None or alpha.min() == 255 else alpha)


def read_size(path: Path) -> tuple[int, int]:
    """Read the (width, height) in pixels from a picture's header, without decoding the picture.

    Raises:
        DreamcliError: this isn't an ordinary file, or has no header of a picture that can be read.
    """
    if not path.is_file():
        raise DreamcliError("not a regular file" if path.exists() else "there is no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open(path, "rb") as file, Image.open(file, formats=_formats(file.read(_HEADER))) as image:
                return image.size
    except DreamcliError:
        raise
    except PermissionError as error:
        raise DreamcliError("no permission to read it") from error
    except Exception as error:  # a decoder may raise anything for a broken file
        raise DreamcliError("not a readable picture") from error


def to_picture(image: Image.Image) -> Picture:
    """Convert a Pillow image of any mode to an upright picture in sRGB, with an empty sha256.

    Raises:
        DreamcliError: it has 32-bit or floating-point numbers, for which white isn't defined.
    """
    notes: list[str] = []
    pixels, alpha = _to_srgb(ImageOps.exif_transpose(image), notes)
    return Picture(pixels, alpha, notes=tuple(notes))


def _read_bytes(path: Path, limited: bool) -> bytes:
    """Read an ordinary file once, so that what is hashed is what is decoded."""
    try:
        # don't block on a FIFO: check before opening it, and don't wait if it has become one since
        if not stat.S_ISREG(path.stat().st_mode):
            raise DreamcliError("a folder, where a picture was expected" if path.is_dir() else "not a regular file")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            if limited and size > MAX_BYTES:
                raise DreamcliError(f"refused: larger than {MAX_BYTES // 1_000_000} MB; make it smaller first")
            return file.read(size)
    except FileNotFoundError as error:
        raise DreamcliError("there is no such file") from error
    except PermissionError as error:
        raise DreamcliError("no permission to read it") from error
    except OSError as error:
        raise DreamcliError(f"can't be read ({error.strerror or error})") from error


def _decode(contents: bytes, notes: list[str], limited: bool) -> Image.Image:
    """Decode the first frame or page of a file, unless it would cost more than a picture should."""
    opened = partial(Image.open, formats=_formats(contents[:_HEADER])) if limited else open_result
    if not contents:
        raise DreamcliError("an empty file")
    if contents.startswith(_PNG):
        opened(io.BytesIO(contents)).verify()  # decoding doesn't check the checksums
    if contents.startswith(_JPEG) and _has_many_scans(contents):
        raise DreamcliError(f"refused: it has more than {MAX_SCANS} scans, which take very long to decode; re-save it")
    image = opened(io.BytesIO(contents))
    _check_dimensions(image, len(contents), limited)
    # it is quick to see whether there is a second frame, but counting them may take long
    if image.format != "MPO" and getattr(image, "is_animated", False):
        notes.append("only the first of its frames or pages is used")
    image.load()
    return image


def _formats(header: bytes) -> tuple[str, ...]:
    """The formats that a file with these first bytes may have.

    Raises:
        DreamcliError: it is HEIC, and pillow-heif isn't installed.
    """
    # the last two brands are of AVIF, too, which then names its own further on
    if header[4:8] != b"ftyp" or header[8:12] not in _HEIC_BRANDS or b"avif" in header or b"avis" in header:
        return READ
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise DreamcliError("an HEIC picture, and pillow-heif isn't installed", Hint.INSTALL_HEIF) from error
    register_heif_opener()
    return (HEIF,)


def _has_many_scans(jpeg: bytes) -> bool:
    scans, place = 0, len(_JPEG)
    while scans <= MAX_SCANS and (marker := _MARKER.search(jpeg, place)) and marker[1] != _END:
        scans += marker[1] == _START_OF_SCAN
        place = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2])
    return scans > MAX_SCANS


def _check_dimensions(image: Image.Image, size: int, limited: bool) -> None:
    """Refuse, before decoding, a picture that is too large, or larger than its bytes can hold."""
    max_area = Image.MAX_IMAGE_PIXELS or 0
    area = image.width * image.height
    tile = 0
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tile = image.tag_v2.get(_TILE_WIDTH, 0) * image.tag_v2.get(_TILE_HEIGHT, 0)
    if limited and max(area, tile) > max_area:
        raise Image.DecompressionBombError
    # a JPEG spends at least a bit on every 8 x 8 pixels; its decoder makes up gray for missing ones
    if image.format == "JPEG" and size < area // (8 * 8 * 8):
        raise DreamcliError("damaged or incomplete picture (its data ends early)")


def _to_srgb(image: Image.Image, notes: list[str]) -> tuple[Pixels, Pixels | None]:
    """Convert any mode to sRGB pixels and alpha."""
    alpha = None
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        transparent = image.info.get("transparency")
        if transparent is not None:
            alpha = np.where(np.asarray(image) == transparent, 0, 255).astype(np.uint8)
        image = _to_8_bits(image)
    elif image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("1", "L", "LA", "La") else "RGBA")
        alpha = np.asarray(image.getchannel("A")).copy()
        image = image.convert(image.mode[:-1])
    if profile := image.info.get("icc_profile"):
        image = _apply_profile(image, profile, notes)
    pixels = _to_array(image if image.mode == "RGB" else image.convert("RGB"))
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return pixels, alpha


def _to_array(image: Image.Image) -> Pixels:
    """Copy an RGB image in strips, since Pillow makes two more copies of whatever it converts."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F":
        raise DreamcliError("floating-point pictures don't define white; save it with 8 or 16 bits")
    if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise DreamcliError("32-bit pictures don't define white; save it with 8 or 16 bits")
    eight = Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    if profile := image.info.get("icc_profile"):
        eight.info["icc_profile"] = profile
    return eight


def _apply_profile(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space, space)
        if image.mode != mode:
            image = image.convert(mode)
        converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notes.append(f"its color profile could not be used ({error}); read as sRGB")
        return image
    assert converted is not None
    return converted
