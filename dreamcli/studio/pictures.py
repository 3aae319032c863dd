"""Pictures on their way into a session, and out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.files.formats import WRITTEN
from dreamcli.files.reading import Picture, read_picture, to_picture
from dreamcli.files.record import Record
from dreamcli.files.writing import write_picture

# a path, a Pillow image, or an array (height, width, 3) of uint8
ImageLike = str | os.PathLike[str] | Image.Image | np.ndarray


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
    """

    picture: Picture
    record: Record
    maps: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def image(self) -> Image.Image:
        """The picture as a Pillow image, RGB or RGBA."""
        pixels, alpha = self.picture.pixels, self.picture.alpha
        return Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``.png``, ``.jpg`` or ``.webp`` file that carries the record. It appears whole or not at all.

        Raises:
            WrongRequest: the path has another suffix.
            DreamcliError: the file can't be written.
        """
        if Path(path).suffix.lower() not in WRITTEN:
            raise WrongRequest(f"{path} must end in {', '.join(WRITTEN)}")
        write_picture(Path(path), self.picture, self.record)


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
        WrongRequest: it is an array of another shape or type.
        DreamcliError: the file can't be read.
    """
    if isinstance(image, str | os.PathLike):
        return read_file(Path(image), Path(image).name)
    if isinstance(image, Image.Image):
        picture = to_picture(image)
    elif image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        picture = Picture(np.ascontiguousarray(image))
    else:
        raise WrongRequest(f"an array must be (height, width, 3) of uint8, not {image.shape} of {image.dtype}")
    digest = sha256(picture.pixels.tobytes()).hexdigest()
    return ReadInput(replace(picture, sha256=digest), "")
