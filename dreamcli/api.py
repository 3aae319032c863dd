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

from dreamcli.art import features
from dreamcli.art.artwork import OnStep
from dreamcli.art.boost import BoostSettings
from dreamcli.art.dream import DreamSettings
from dreamcli.art.features import FeatureSettings
from dreamcli.art.portrait import PortraitSettings
from dreamcli.art.style import StyleSettings, style_roles
from dreamcli.files.reading import Picture, read_picture, to_picture
from dreamcli.files.record import Record
from dreamcli.files.writing import FORMATS, write_picture
from dreamcli.networks import zoo
from dreamcli.networks.layers import DEFAULT_SIZE, Layer, layer_table
from dreamcli.networks.spec import LayerSpec
from dreamcli.networks.zoo import BUNDLED
from dreamcli.studio import Studio

from . import studio as studios
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
    image: Source | None = None,
    *,
    layer: Layers = "mid",
    guide: Source | None = None,
    mask: Source | None = None,
    judge: str | None = None,
    model: str = BUNDLED,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    on_step: OnStep | None = None,
    **settings: Any,
) -> Result:
    """Dream on a photograph (DeepDream, Mordvintsev et al., 2015).

    Args:
        image: a path, a Pillow image, or an array ``(height, width, 3)`` of uint8; None for noise.
        layer: one or several of ``LAYER[:CHANNEL[@Y,X]][*WEIGHT]``, LAYER being ``low``, ``mid``, ``high``
            or the name of a layer.
        guide: a picture whose features in the layers are climbed towards.
        mask: a picture that is bright where the image may change.
        judge: ``MODEL`` or ``MODEL=WEIGHTS``: a second network, that says what it sees in the result.
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
    chosen = DreamSettings(layers=_specs(layer), **settings)
    studio = _open("dream", chosen, model, weights, device, precision, judge, guide=guide, mask=mask)
    return _make(studio, image, on_step)[0]


def boost(
    image: Source | None = None,
    *,
    layer: Layers = "high",
    guide: Source | None = None,
    mask: Source | None = None,
    judge: str | None = None,
    model: str = BUNDLED,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    on_step: OnStep | None = None,
    **settings: Any,
) -> list[Result]:
    """Boost a layer, a channel or a neuron, in noise or in a picture (Olah et al., "Feature Visualization", 2017).

    Args:
        image, layer, guide, mask, judge, model, weights, device, precision, on_step: as of `dream`.
        **settings: the rest of `dreamcli.art.boost.BoostSettings`, such as count, sheet, size or steps.

    Returns:
        ``count`` results, or with ``sheet=True`` the one contact sheet.

    Raises:
        WrongRequest, DreamcliError: as `dream`.
    """
    chosen = BoostSettings(layers=_specs(layer), **settings)
    studio = _open("boost", chosen, model, weights, device, precision, judge, guide=guide, mask=mask)
    return _make(studio, image, on_step)


def visualize_class(
    *names: str | int,
    image: Source | None = None,
    mask: Source | None = None,
    judge: str | None = None,
    model: str = BUNDLED,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    on_step: OnStep | None = None,
    **settings: Any,
) -> list[Result]:
    """Draw a class, or several in one picture (Simonyan et al., 2013, arXiv:1312.6034).

    Args:
        *names: of the classes, or their numbers.
        image: to start from; None for noise.
        mask, judge, model, weights, device, precision, on_step: as of `dream`.
        **settings: the rest of `dreamcli.art.portrait.PortraitSettings`, such as count, sheet, size or steps.

    Returns:
        ``count`` results, or with ``sheet=True`` one contact sheet, on which each class has a picture of its own.

    Raises:
        WrongRequest: an unknown class, and as `dream`.
        DreamcliError: as `dream`.
    """
    chosen = PortraitSettings(classes=(0,), **settings)
    studio = _open("class", chosen, model, weights, device, precision, judge, mask=mask)
    classes = tuple(studio.network.class_index(str(name)) for name in names)
    return _make(studio.with_settings(replace(studio.settings, classes=classes)), image, on_step)


def stylize(
    image: Source | None,
    *styles: Source,
    weights: Iterable[float] | None = None,
    fine: Source | None = None,
    coarse: Source | None = None,
    style_masks: Iterable[Source] = (),
    content_masks: Iterable[Source] = (),
    layer: Layers = (),
    judge: str | None = None,
    model: str = BUNDLED,
    model_weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    on_step: OnStep | None = None,
    **settings: Any,
) -> Result:
    """Repaint a photograph in the manner of a picture (Gatys et al., 2016, arXiv:1508.06576).

    Args:
        image: the photograph; None for a texture from noise.
        *styles: in whose manner.
        weights: of the styles beside each other; all alike by default.
        fine: instead of ``styles``: the picture whose fine texture is taken,
        coarse: and the one whose large shapes are.
        style_masks: for each style a picture that is bright where it is to be learnt from; or none.
        content_masks: for each style a picture that is bright where it is to be painted; or none.
        layer: where style is measured, ``LAYER[*WEIGHT]``; by default where the model's card says.
        model_weights: a state dict of your own.
        judge, model, device, precision, on_step: as of `dream`.
        **settings: the rest of `dreamcli.art.style.StyleSettings`, such as strength, size or colors.

    Raises:
        WrongRequest: the numbers of styles, weights and masks differ, and as `dream`.
        DreamcliError: as `dream`.
    """
    others, shares = style_roles(styles, weights, fine, coarse, style_masks, content_masks)
    chosen = StyleSettings(weights=shares, layers=_specs(layer), **settings)
    studio = _open("style", chosen, model, model_weights, device, precision, judge, **others)
    return _make(studio, image, on_step)[0]


def feature_maps(
    image: Source,
    *,
    layer: Layers = ("low", "mid", "high"),
    size: int | None = None,
    model: str = BUNDLED,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> dict[str, np.ndarray]:
    """Give what layers see in a picture.

    Args:
        image: a path, a Pillow image, or an array ``(height, width, 3)`` of uint8.
        layer: one or several, by alias or name.
        size: pixels on the longer side of what the network is shown; None for the picture's own.
        model, weights, device, precision: as of `dream`.

    Returns:
        ``{layer: (channels, rows, columns) float32}``, by the layers' own names.

    Raises:
        WrongRequest: an unknown layer, or one without rows and columns; and as `dream`.
        DreamcliError: as `dream`.
    """
    settings = FeatureSettings(layers=_specs(layer), size=size)
    studio = _open("features", settings, model, weights, device, precision)
    return features.feature_maps(settings, studio.network, _read(image).picture.pixels, studio.compute)


def layers(model: str = BUNDLED, size: int | tuple[int, int] | None = None) -> list[Layer]:
    """Give a network's layers in order, without its weights: shapes, parameters, receptive fields, multiply-adds.

    Args:
        model: as of `dream`.
        size: pixels of the picture that goes through: on each side, or (height, width); by default 224, or what the
            network takes.

    Raises:
        WrongRequest: an unknown model.
        DreamcliError: a picture of this size does not go through.
    """
    network = zoo.skeleton(model)
    side = size or network.input_format.fixed or DEFAULT_SIZE
    return layer_table(network.module, (side, side) if isinstance(side, int) else side)


def _open(
    command: str,
    settings: Any,
    model: str,
    weights: str | os.PathLike[str] | None,
    device: str,
    precision: str,
    judge: str | None = None,
    **others: Source | None,
) -> Studio:
    """Open a studio; ``others`` are pictures with a part of their own, by role, as far as there are any."""
    return Studio.open(
        command,
        settings,
        model=model,
        weights=Path(weights) if weights else None,
        device=device,
        precision=precision,
        others={role: _read(image) for role, image in others.items() if image is not None},
        judge=judge,
    )


def _make(studio: Studio, image: Source | None, on_step: OnStep | None) -> list[Result]:
    made = studio.make(None if image is None else _read(image), on_step)
    if any(record.stopped == "interrupted" for _, record in made):
        raise KeyboardInterrupt
    return [Result(picture, record) for picture, record in made]


def _specs(layer: Layers) -> tuple[LayerSpec, ...]:
    try:
        return tuple(LayerSpec.parse(text) for text in ((layer,) if isinstance(layer, str) else layer))
    except ValueError as error:
        raise WrongRequest(str(error)) from error


def _read(image: Source) -> studios.Source:
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        try:
            return studios.Source(read_picture(path), path.name)
        except DreamcliError as error:
            raise DreamcliError(f"{path}: {error}") from error
    if isinstance(image, Image.Image):
        picture = to_picture(image)
    elif image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        picture = Picture(np.ascontiguousarray(image))
    else:
        raise WrongRequest(f"an array must be (height, width, 3) of uint8, not {image.shape} of {image.dtype}")
    digest = sha256(picture.pixels.tobytes()).hexdigest()
    return studios.Source(replace(picture, sha256=digest), "")
