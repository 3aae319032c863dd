"""The Python API: the art forms as functions from a picture to a picture."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dreamcli.art.artwork import OnStep
from dreamcli.art.dream import DreamSettings
from dreamcli.files.reading import Picture, read_picture, to_picture
from dreamcli.files.record import Record
from dreamcli.files.writing import FORMATS, write_picture
from dreamcli.networks.spec import LayerSpec
from dreamcli.networks.zoo import BUNDLED
from dreamcli.studio import Studio

from .errors import DreamcliError, WrongRequest

Source = str | os.PathLike[str] | Image.Image | np.ndarray
Layers = str | Iterable[str]


@dataclass(frozen=True)
class Result:
    """A picture that was made.

    Attributes:
        picture: its pixels and alpha.
        record: what it was made of, and how.
    """

    picture: Picture
    record: Record

    @property
    def image(self) -> Image.Image:
        """The picture as a Pillow image, RGB or RGBA."""
        pixels, alpha = self.picture.pixels, self.picture.alpha
        return Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a ``.png``, ``.jpg`` or ``.webp`` file, with its record, whole or not at all.

        Raises:
            DreamcliError: it can't be written there.
        """
        if Path(path).suffix.lower() not in FORMATS:
            raise WrongRequest(f"{path} must end in {', '.join(FORMATS)}")
        write_picture(Path(path), self.picture, self.record)


def dream(
    image: Source,
    *,
    layer: Layers = "mid",
    model: str = BUNDLED,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    on_step: OnStep | None = None,
    **settings: Any,
) -> Result:
    """Dream on a photograph (DeepDream, Mordvintsev et al., 2015).

    Args:
        image: a path, a Pillow image, or an array ``(height, width, 3)`` of uint8.
        layer: one or several of ``LAYER[:CHANNEL[@Y,X]][*WEIGHT]``, LAYER being ``low``, ``mid``, ``high``
            or the name of a layer.
        model: the bundled network, or any of torchvision's classification networks by its name there.
        weights: a state dict of your own, ``.safetensors`` or ``.pth``.
        device: auto, cpu, cuda or mps.
        precision: auto, float32 or bfloat16.
        on_step: called with an `dreamcli.art.artwork.Step` after every step.
        **settings: the rest of `dreamcli.art.dream.DreamSettings`: minimize, size, steps, octaves,
            octave_scale, strength, color, jitter, seed.

    Raises:
        WrongRequest: an unknown layer, model or device, or a setting out of its range.
        DreamcliError: the picture or the weights can't be read.
    """
    layers = (layer,) if isinstance(layer, str) else tuple(layer)
    try:
        specs = tuple(LayerSpec.parse(text) for text in layers)
    except ValueError as error:
        raise WrongRequest(str(error)) from error
    studio = Studio.open(
        "dream",
        DreamSettings(layers=specs, **settings),
        model=model,
        weights=Path(weights) if weights else None,
        device=device,
        precision=precision,
    )
    picture, source = _read(image)
    made, record = studio.make(picture, source, on_step)
    if record.stopped == "interrupted":
        raise KeyboardInterrupt
    return Result(made, record)


def _read(image: Source) -> tuple[Picture, str]:
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        try:
            return read_picture(path), path.name
        except DreamcliError as error:
            raise DreamcliError(f"{path}: {error}") from error
    if isinstance(image, Image.Image):
        picture = to_picture(image)
    elif image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        picture = Picture(np.ascontiguousarray(image))
    else:
        raise WrongRequest(f"an array must be (height, width, 3) of uint8, not {image.shape} of {image.dtype}")
    return replace(picture, sha256=sha256(picture.pixels.tobytes()).hexdigest()), ""
