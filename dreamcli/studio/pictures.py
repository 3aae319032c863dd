"""What goes into a session, and what comes out: pictures, and pictures with their records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import IOBase
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from dreamcli.errors import DreamcliError, WrongRequest, check
from dreamcli.files.formats import WRITTEN
from dreamcli.files.plan import refuse_overwriting
from dreamcli.files.reading import Picture, read_picture, to_picture
from dreamcli.files.record import Record
from dreamcli.files.resume import look_at, refuse_others
from dreamcli.files.writing import joined, write_picture

# a path, what is in a file, a file opened for reading bytes, a Pillow image, or an array (height, width, 3) of uint8
ImageLike = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | np.ndarray


@dataclass(frozen=True)
class ReadInput:
    """A picture that was read.

    Attributes:
        name: what the record calls it; empty if it came from memory.
    """

    picture: Picture
    name: str


@dataclass(frozen=True)
class Result:
    """A finished picture and its record.

    Attributes:
        record: what it was made from, and how.
        maps: for feature maps, the numbers behind them: ``{layer: (channels, rows, columns) float32}``.
        inputs: the files that it was made from in Python, which `save` doesn't overwrite.
    """

    picture: Picture
    record: Record
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()

    @property
    def image(self) -> Image.Image:
        """The picture as a Pillow image, RGB or RGBA."""
        return Image.fromarray(joined(self.picture))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write a ``.png``, ``.jpg`` or ``.webp`` file that carries the record. It appears whole or not at all.

        Args:
            path: where to write it. The same picture made earlier is replaced, but nothing else.
            overwrite: replace whatever is there, except a file that the picture was made from.

        Raises:
            WrongRequest: the path has another suffix, or is an input.
            DreamcliError: another file is there, or the file can't be written.
        """
        place = Path(path)
        if place.suffix.lower() not in WRITTEN:
            raise WrongRequest(f"{path} must end in {', '.join(WRITTEN)}")
        refuse_overwriting([place], (("an input", each) for each in self.inputs))
        if not overwrite:
            refuse_others(place, look_at(place), self.record.provenance)
        write_picture(place, self.picture, self.record)


def recorded_name(source: Path) -> str:
    """The name of an input in records: the path as typed, but only the file name of an absolute path, for privacy."""
    return source.name if source.is_absolute() else source.as_posix()


def file_of(image: object) -> Path | None:
    """The file that a picture is in, or was opened from, as an absolute path; None if it is in memory only."""
    name = image
    if isinstance(image, ImageFile.ImageFile | np.memmap):
        name = image.filename and os.fsdecode(image.filename)
    elif isinstance(image, IOBase):
        name = getattr(image, "name", None)  # a number, for some
    return Path(os.path.abspath(name)) if isinstance(name, str | os.PathLike) and os.fspath(name) else None


def read_file(path: Path, name: str, read: Callable[[Path], Picture] = read_picture) -> ReadInput:
    """Read a picture from a file; the record calls it ``name``.

    Raises:
        DreamcliError: it can't be read; the message names the file.
    """
    try:
        return ReadInput(read(path), name)
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}", error.hint) from error


def read_image(image: ImageLike) -> ReadInput:
    """Read a picture from a file or from memory.

    Raises:
        WrongRequest: it is something else, or an array of another shape or type.
        DreamcliError: it can't be read.
    """
    if isinstance(image, str | os.PathLike):
        return read_file(Path(image), Path(image).name)
    if isinstance(image, np.ndarray):
        fits = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
        check(fits, f"an array must be (height, width, 3) of uint8, not {image.shape} of {image.dtype}")
        picture = Picture(np.ascontiguousarray(image))
    elif isinstance(image, Image.Image):
        picture = to_picture(image)
    else:
        return ReadInput(read_picture(_contents(image)), "")
    digest = sha256(picture.pixels.tobytes())
    if picture.alpha is not None:
        digest.update(picture.alpha.tobytes())
    return ReadInput(replace(picture, sha256=digest.hexdigest()), "")


def _contents(source: bytes | BinaryIO) -> bytes:
    """What is in a picture's file."""
    check(not isinstance(source, list | tuple), "one picture at a time: call this once for each of the list")
    found = source.read() if hasattr(source, "read") else source
    check(not isinstance(found, str), "the picture's file must be opened for reading bytes, with open(path, 'rb')")
    kinds = "a path, bytes, an open file, a Pillow image or an array of uint8"
    check(isinstance(found, bytes | bytearray | memoryview), f"a picture is {kinds}, not {type(source).__name__}")
    return bytes(found)


def listed(pictures: ImageLike | Iterable[ImageLike]) -> tuple[ImageLike, ...]:
    """A tuple of pictures, from several or a single one."""
    is_one = isinstance(pictures, str | os.PathLike | bytes | Image.Image | np.ndarray) or hasattr(pictures, "read")
    return (pictures,) if is_one else tuple(pictures)  # type: ignore[arg-type, return-value]
