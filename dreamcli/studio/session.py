"""Networks held open on a device, and everything that can be made with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from dreamcli.art import features
from dreamcli.art.artwork import NotFinite, OnStep
from dreamcli.art.score import most_active, top
from dreamcli.engine.modes import default_modes
from dreamcli.engine.trace import Layer
from dreamcli.errors import WrongRequest, check
from dreamcli.settings.base import Settings
from dreamcli.settings.caricature import CaricatureSettings
from dreamcli.settings.classify import ClassifySettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.explain import ExplainSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.invert import InvertSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References, style_inputs
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings

from .pictures import ImageLike, Result, file_of, listed, read_image
from .workshop import Workshop

LayerLike = str | Iterable[str] | None
S = TypeVar("S", bound=Settings)


class Session(Workshop):
    """Networks held open on a device. Only the first picture waits for them to load.

    >>> with dreamcli.Session("vgg16") as session:  # doctest: +SKIP
    ...     session.dream("photo.jpg", layer="mid").save("dream.png")
    ...     session.visualize_class("goldfish")[0].save("goldfish.png")

    Args:
        model: the name of a network, ``FILE.py:CLASS``, or a module of your own that maps ``(N, 3, H, W)`` to logits.
            A module is copied; it may take one channel, and may be compiled. Several networks climb together:
            ``"A+B*0.5"``. By default, each form has its own.
        weights: a state dict of your own for a named model, ``.safetensors`` or ``.pth``.
        mean, std: of the red, green and blue that your module expects, or one for all; ImageNet's by default.
        labels: the names of your module's classes.
        device: auto, cpu, cuda or mps.
        precision: auto, float32 or bfloat16.
        judge: ``MODEL`` or ``MODEL=WEIGHTS``: another network that chooses among attempts, or else says what it sees.
            "auto", for class images: an efficientnet_lite chooses, another says what it sees. "none" for no judge.

    Raises:
        WrongRequest: the model or the device is unknown.
        DreamcliError: the weights can't be loaded.
    """

    def dream(
        self,
        image: ImageLike | None = None,
        *,
        layer: LayerLike = None,
        guide: ImageLike | None = None,
        mask: ImageLike | None = None,
        on_step: OnStep | None = None,
        **settings: object,
    ) -> Result:
        """Dream on a photograph (DeepDream, Mordvintsev et al., 2015).

        Args:
            image: a path, the bytes of a file, a file opened for reading bytes, a Pillow image, or an array ``(height,
                width, 3)`` of uint8; None for noise.
            layer: one or several of ``[NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]``, where LAYER is ``low``, ``mid``,
                ``high`` or the name of a layer.
            guide: a picture whose features to climb toward.
            mask: a picture that is bright where the image may change, or opaque if its alpha varies.
            on_step: called with an `dreamcli.art.artwork.Step` after every step.
            **settings: the other fields of `dreamcli.settings.dream.DreamSettings`, such as strength, size or seed.

        Raises:
            WrongRequest: a layer is unknown, or a setting is out of range.
            DreamcliError: a picture can't be read.
        """
        return self._make(_settings(DreamSettings, layer, settings), image, References(guide, mask), on_step)[0]

    def boost(
        self,
        image: ImageLike | None = None,
        *,
        layer: LayerLike = None,
        guide: ImageLike | None = None,
        mask: ImageLike | None = None,
        like: Iterable[ImageLike] = (),
        on_step: OnStep | None = None,
        **settings: object,
    ) -> list[Result]:
        """Boost a layer, a channel or a neuron, in noise or in a picture (Olah et al., "Feature Visualization", 2017).

        ``like`` are photographs to resemble. The other arguments are those of `dream`, with the fields of
        `dreamcli.settings.visualization.BoostSettings`. Returns ``count`` results, or one sheet with ``sheet=True``.
        """
        references = References(guide, mask, like=listed(like))
        return self._make(_settings(BoostSettings, layer, settings), image, references, on_step)

    def visualize_class(
        self,
        *names: str | int,
        image: ImageLike | None = None,
        mask: ImageLike | None = None,
        like: Iterable[ImageLike] = (),
        on_step: OnStep | None = None,
        **settings: object,
    ) -> list[Result]:
        """Draw a class, or several in one picture (Simonyan et al., 2013, arXiv:1312.6034).

        ``names`` are names or indices. The other arguments are those of `boost`, with the fields of
        `dreamcli.settings.visualization.ClassSettings`. Returns ``count`` results, or one sheet with ``sheet=True``.
        """
        classes = [self.ensemble(ClassSettings).class_index(str(name)) for name in names]
        chosen = _settings(ClassSettings, None, {"classes": classes, **settings})
        return self._make(chosen, image, References(mask=mask, like=listed(like)), on_step)

    def stylize(
        self,
        image: ImageLike | None,
        *styles: ImageLike,
        weights: Iterable[float] | None = None,
        fine: ImageLike | None = None,
        coarse: ImageLike | None = None,
        style_masks: Iterable[ImageLike] = (),
        content_masks: Iterable[ImageLike] = (),
        layer: LayerLike = None,
        on_step: OnStep | None = None,
        **settings: object,
    ) -> Result:
        """Repaint a photograph in the style of a picture (Gatys et al., 2016, arXiv:1508.06576).

        Args:
            image: the photograph; None for a texture from noise.
            *styles: the pictures that have the style.
            weights: how much each style counts; all alike by default.
            fine, coarse: instead of ``styles``, the pictures to take the fine texture and the large shapes from.
            style_masks, content_masks: none, or for each style a picture that is bright where the style is learned
                from, or where it is painted.
            layer: where style is measured, ``LAYER[*WEIGHT]``; by default, the layers on the network's card.
            on_step: see `dream`.
            **settings: the other fields of `dreamcli.settings.style.StyleSettings`, such as strength, size or colors.

        Raises:
            WrongRequest, DreamcliError: the numbers of styles, weights and masks differ, and see `dream`.
        """
        inputs = style_inputs(styles, weights, fine, coarse, listed(style_masks), listed(content_masks))
        return self._make(_settings(StyleSettings, layer, settings), image, References(styles=inputs), on_step)[0]

    def invert(
        self, image: ImageLike, *, layer: LayerLike = None, on_step: OnStep | None = None, **settings: object
    ) -> Result:
        """Redraw a photograph from what layers remember of it (Mahendran and Vedaldi, 2015, arXiv:1412.0035).

        The arguments are those of `dream`, with the fields of `dreamcli.settings.invert.InvertSettings`.
        """
        return self._make(_settings(InvertSettings, layer, settings), _given(image), References(), on_step)[0]

    def caricature(
        self, image: ImageLike, *, layer: LayerLike = None, on_step: OnStep | None = None, **settings: object
    ) -> Result:
        """Exaggerate what layers see in a photograph.

        The arguments are those of `dream`, with the fields of `dreamcli.settings.caricature.CaricatureSettings`.
        """
        return self._make(_settings(CaricatureSettings, layer, settings), _given(image), References(), on_step)[0]

    @default_modes()
    def feature_maps(
        self, image: ImageLike, *, layer: LayerLike = None, size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Compute what layers see in a picture.

        Args:
            image, layer: see `dream`; whole layers.
            size: pixels on the longer side of the network's input; None keeps the picture's size.

        Returns:
            ``{layer: (channels, rows, columns) float32}``, by the layers' own names.

        Raises:
            WrongRequest, DreamcliError: a layer has no rows and columns, and see `dream`.
        """
        settings = _settings(FeatureSettings, layer, {"size": size})
        opened, pixels = self._open.of(FeatureSettings), read_image(image).picture.on_white
        with opened.compute.repeatable(0):
            return features.feature_maps(settings, opened.ensemble, pixels, opened.compute)

    def explain(self, image: ImageLike, *names: str | int, layer: LayerLike = None, **settings: object) -> Result:
        """Show where the network looks: which parts of a picture speak for a class.

        Args:
            image: see `dream`.
            *names: classes, by name or index; the likeliest by default.
            layer: what Grad-CAM weighs.
            **settings: the other fields of `dreamcli.settings.explain.ExplainSettings`.

        Returns:
            a sheet, whose ``maps`` are ``{"CLASS, METHOD": (1, rows, columns) float32}``, in [0, 1].

        Raises:
            WrongRequest, DreamcliError: Captum isn't installed, and see `dream`.
        """
        network = self.ensemble(ExplainSettings).only
        classes = [network.class_index(str(name)) for name in names]
        chosen = _settings(ExplainSettings, layer, {"classes": classes, **settings})
        return self._make(chosen, _given(image), References(), None)[0]

    @default_modes()
    def classify(self, image: ImageLike, count: int = 5, *, layer: str | None = None) -> list[tuple[str, float]]:
        """The ``count`` likeliest classes of a picture, with their probabilities.

        Args:
            image: see `dream`.
            count: the number of answers.
            layer: answer with this layer's most active channels, and their mean activations.

        Raises:
            WrongRequest: the layer is unknown.
            DreamcliError: the picture can't be read, or the values aren't finite.
        """
        pixels = read_image(image).picture.on_white
        opened = self._open.of(ClassifySettings)
        network, compute = opened.ensemble.only, opened.compute
        with compute.repeatable(0):
            if layer:
                found = most_active(network, opened.ensemble.find(LayerSpec(layer))[0].name, pixels, count, compute)
            else:
                network.check_classes()
                found = top(network.on(compute.device), pixels, count, compute)
        if not found or not all(math.isfinite(value) for _, value in found):
            raise NotFinite
        return found

    @default_modes()
    def layers(self, size: int | tuple[int, int] | None = None) -> list[Layer]:
        """The network's layers in order: shapes, parameters, receptive fields, multiply-adds.

        Args:
            size: pixels on each side of the input, or (height, width); by default 224, or what the network takes.

        Raises:
            DreamcliError: a picture of this size doesn't fit the network.
        """
        return self.ensemble(FeatureSettings).only.table(size)

    def _make(
        self, settings: Settings, image: ImageLike | None, references: References[ImageLike], on_step: OnStep | None
    ) -> list[Result]:
        """Read the pictures, check the request, and make it; raise KeyboardInterrupt if that was interrupted."""
        inputs = tuple(filter(None, map(file_of, (image, *references.by_role().values()))))
        read = references.map(read_image)
        self.check(settings, read)
        results = self.make(settings, None if image is None else read_image(image), read, on_step)
        if any(result.record.stopped == "interrupted" for result in results):
            raise KeyboardInterrupt
        return [replace(result, inputs=inputs) for result in results]


def _given(image: ImageLike) -> ImageLike:
    check(image is not None, "there is no picture to look at")
    return image


def _settings(form: type[S], layer: LayerLike, values: Mapping[str, object]) -> S:
    """Settings from a Python call, where layers are texts."""
    layers = [layer] if isinstance(layer, str) else None if layer is None else list(layer)
    try:
        return form.from_json({**values, **({} if layers is None else {"layers": layers})})
    except ValueError as error:
        raise WrongRequest(str(error)) from error
