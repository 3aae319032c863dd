"""Read pictures. Every picture is read here, by its content."""

from __future__ import annotations

import io
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

from dreamcli.errors import DreamcliError, first_line, needs

from .formats import HEIF, READ
from .levels import scale_key, to_8_bits
from .libtiff import heard
from .mending import JPEG, PNG, WITHOUT_END, look_through, mended_png, read_without_end
from .record import open_result
from .regular import MAX_PICTURE, MAX_RESULT, open_regular, read_regular

MAX_SCANS = 100  # of a JPEG, as in libtiff; each can take as long as a whole picture, and 10 are usual

_HEADER = 64
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_DEPTH = 24  # the place of a PNG's bits per sample
_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of a TIFF
_STRIP = 1024  # rows
_TOO_QUICK, _IN_PLACE = 10, 100  # milliseconds: browsers show a frame that is this quick for longer
_ENDS_EARLY = "damaged or incomplete picture (its data ends early)"

Pixels = NDArray[np.uint8]

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True)
class Picture:
    """A picture in memory, upright and in sRGB.

    Attributes:
        pixels: ``(height, width, 3)`` uint8.
        alpha: ``(height, width)`` uint8; None if the picture is opaque.
        sha256: of its file; empty without one.
        notes: for people: what was unusual about the file.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def on_white(self) -> Pixels:
        """The pixels on white, without the colors that hide in transparent places."""
        if self.alpha is None:
            return self.pixels
        share = self.alpha[..., None].astype(np.float32) / 255
        return (self.pixels * share + 255 * (1 - share)).round().astype(np.uint8)


def read_picture(source: Path | bytes, *, limited: bool = True) -> Picture:
    """Read a picture: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC, recognized by its content.

    EXIF orientation is applied, colors are converted to sRGB, 16 bits become 8, and only the first of several frames
    or pages is read.

    Args:
        source: a file, or the bytes of one.
        limited: refuse pictures of more than 89 megapixels, Pillow's limit. If False, only formats that can carry a
            record are read.

    Raises:
        DreamcliError: the file can't or shouldn't be read, with the reason.
    """
    notes: list[str] = []
    with _explained():
        contents = source if isinstance(source, bytes) else read_regular(source, MAX_PICTURE if limited else MAX_RESULT)
        digest = sha256(contents).hexdigest()
        image = _decode(contents, notes, limited)
        del contents  # half a gigabyte at worst, and the copies that follow need the memory
        picture = to_picture(image)
    return Picture(picture.pixels, picture.alpha, digest, (*notes, *picture.notes))


@contextmanager
def _explained() -> Iterator[None]:
    """Turn any error into a DreamcliError with a reason of one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata that we don't use
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


def read_frames(path: Path) -> Iterator[tuple[Picture, int]]:
    """Read the frames of an animated picture, and how many milliseconds browsers show each of them.

    A PNG's default image, which stands for the animation where that can't be shown, is left out. The sha256 is empty.

    Raises:
        DreamcliError: see `read_picture`.
    """
    with _explained():
        image = _decode(read_regular(path, MAX_PICTURE), [], True)
    for index in count(1 if image.info.get("default_image") else 0):
        with _explained():
            try:
                image.seek(index)
            except EOFError:
                return
            picture = to_picture(image)
        duration = image.info.get("duration", 0)
        yield picture, round(duration) if duration > _TOO_QUICK else _IN_PLACE


def split_alpha(pixels: Pixels) -> Picture:
    """A picture from ``(height, width, 3 or 4)`` uint8."""
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(pixels[..., :3]), None if alpha is None or alpha.min() == 255 else alpha)


def resized(pixels: Pixels, size: tuple[int, int], resampling: Image.Resampling = Image.Resampling.LANCZOS) -> Pixels:
    """Resize pixels to (width, height)."""
    return np.asarray(Image.fromarray(pixels).resize(size, resampling))


def reduced(pixels: Pixels, longest: int) -> Pixels:
    """Reduce pixels, ``(height, width, 3)`` uint8, to at most ``longest`` on the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def read_size(path: Path) -> tuple[int, int]:
    """Read the (width, height) in pixels from a picture's header, without decoding the picture.

    Raises:
        DreamcliError: this isn't an ordinary file, or has no header of a picture that can be read.
    """
    with open_regular(path, MAX_PICTURE) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = file.read(_HEADER)
            # the chunks before a PNG's pixels may be damaged
            source = io.BytesIO(mended_png(header + file.read(), [])) if header.startswith(PNG) else file
            with Image.open(source, formats=_formats(header)) as image:
                return image.size
        except DreamcliError:
            raise
        except Exception as error:  # a decoder may raise anything for a broken file
            raise DreamcliError("not a readable picture") from error


def to_picture(image: Image.Image) -> Picture:
    """Convert a Pillow image of any mode to an upright picture in sRGB, with an empty sha256.

    Raises:
        DreamcliError: it has numbers for which white isn't defined; see `to_8_bits`.
    """
    notes: list[str] = []
    pixels, alpha = _to_srgb(to_8_bits(ImageOps.exif_transpose(image), image, notes), notes)
    return Picture(pixels, alpha, notes=tuple(notes))


def _decode(contents: bytes, notes: list[str], limited: bool) -> Image.Image:
    """Decode the first frame or page of a file, unless it would cost more than a picture should."""
    opened = partial(Image.open, formats=_formats(contents[:_HEADER])) if limited else open_result
    if not contents:
        raise DreamcliError("an empty file")
    if contents.startswith(PNG):
        contents = mended_png(contents, notes)
        opened(io.BytesIO(contents)).verify()  # decoding doesn't check the checksums
    scans, has_end = look_through(contents, MAX_SCANS) if contents.startswith(JPEG) else (0, True)
    if scans > MAX_SCANS:
        raise DreamcliError(f"refused: it has more than {MAX_SCANS} scans, which take very long to decode; re-save it")
    image = opened(io.BytesIO(contents))
    _check_dimensions(image, len(contents), limited)
    # looking for a second frame is quick, counting all of them may not be
    if image.format != "MPO" and getattr(image, "is_animated", False):
        notes.append("only the first of its frames or pages is used")
    if not has_end:
        if whole := read_without_end(contents, opened):
            notes.append(WITHOUT_END)
            return whole
        raise DreamcliError(_ENDS_EARLY)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _load_tiff(image, notes)
    else:
        image.load()
    if image.format == "PNG":
        scale_key(image, contents[_DEPTH])
    return image


def _load_tiff(image: TiffImagePlugin.TiffImageFile, notes: list[str]) -> None:
    """Decode a TIFF, and pass on what libtiff says of it."""
    problem: Exception | None = None
    with heard() as said:
        try:
            image.load()
        except OSError as error:  # "decoder error -2"
            problem = error
    if problem:
        raise DreamcliError(f"damaged or incomplete picture ({said[0] if said else first_line(problem)})") from problem
    if said:
        notes.append(f"partly damaged ({said[0].rstrip('.')})")


def _formats(header: bytes) -> tuple[str, ...]:
    """The formats that a file with these first bytes may have.

    Raises:
        DreamcliError: it is HEIC, and pillow-heif isn't installed.
    """
    # an AVIF may begin with the last two brands, too, but names its own after them
    if header[4:8] != b"ftyp" or header[8:12] not in _HEIC_BRANDS or b"avif" in header or b"avis" in header:
        return READ
    needs("pillow_heif").register_heif_opener()
    return (HEIF,)


def _check_dimensions(image: Image.Image, size: int, limited: bool) -> None:
    """Refuse a picture that is too large, or larger than its bytes can hold, before decoding it."""
    max_area = Image.MAX_IMAGE_PIXELS or 0
    area = image.width * image.height
    tile = 0
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tile = image.tag_v2.get(_TILE_WIDTH, 0) * image.tag_v2.get(_TILE_HEIGHT, 0)
    if limited and max(area, tile) > max_area:
        raise Image.DecompressionBombError
    # a JPEG spends at least a bit on every 8 x 8 pixels, and its decoder fills missing ones with gray
    if image.format == "JPEG" and size < area // (8 * 8 * 8):
        raise DreamcliError(_ENDS_EARLY)


def _to_srgb(image: Image.Image, notes: list[str]) -> tuple[Pixels, Pixels | None]:
    """Convert any mode to sRGB pixels and alpha."""
    alpha = None
    if image.has_transparency_data:
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
    """Copy an RGB image in strips: Pillow makes two more copies of what it converts."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


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
