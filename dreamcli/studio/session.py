"""Networks held open on a device, and everything that can be made with them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from torch import nn

from dreamcli.art import features
from dreamcli.art.artwork import Inputs, OnStep
from dreamcli.art.pixels import scaled_size
from dreamcli.art.recipes import RECIPES
from dreamcli.art.score import most_active, top
from dreamcli.engine.memory import is_out_of_memory
from dreamcli.engine.trace import Layer
from dreamcli.errors import DreamcliError, Hint, WrongRequest, check
from dreamcli.files.reading import Picture
from dreamcli.files.record import Job
from dreamcli.networks.catalog import AUTO
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.base import Schedule, Settings
from dreamcli.settings.classify import ClassifySettings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References, style_inputs
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import BoostSettings, ClassSettings

from .opening import OpenNetworks
from .pictures import ImageLike, ReadInput, Result, read_image
from .results import finished, jobs_for, score_of

BUDGET_SHARE_AFTER_FAILURE = 1 / 8  # of the memory budget, for a second try once memory has run out

LayerLike = str | Iterable[str] | None
S = TypeVar("S", bound=Settings)


class Session:
    """Networks held open on a device. Only the first picture waits for them to load.

    >>> with dreamcli.Session("vgg16") as session:  # doctest: +SKIP
    ...     session.dream("photo.jpg", layer="mid").save("dream.png")
    ...     session.visualize_class("goldfish")[0].save("goldfish.png")

    Args:
        model: the name of a network, ``FILE.py:CLASS``, or a module of your own that maps ``(N, 3, H, W)`` to logits.
            A module is copied. Several networks climb together: ``"A+B*0.5"``. By default, each form has its own.
        weights: a state dict of your own for a named model, ``.safetensors`` or ``.pth``.
        mean, std: of the red, green and blue that your module expects; ImageNet's by default.
        labels: the names of your module's classes.
        device: auto, cpu, cuda or mps.
        precision: auto, float32 or bfloat16.
        judge: ``MODEL`` or ``MODEL=WEIGHTS``: another network that chooses among attempts, or else says what it sees.
            "auto", for class images: an efficientnet_lite chooses, another says what it sees. "none" for no judge.

    Raises:
        WrongRequest: the model or the device is unknown.
        DreamcliError: the weights can't be loaded.
    """

    def __init__(
        self,
        model: str | nn.Module | None = None,
        *,
        weights: str | os.PathLike[str] | None = None,
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        labels: Sequence[str] = (),
        device: str = "auto",
        precision: str = "auto",
        judge: str | None = AUTO,
    ) -> None:
        path = Path(weights) if weights else None
        self._open = OpenNetworks(model, path, mean, std, labels, device, precision, judge)

    def ensemble(self, form: type[Settings]) -> Ensemble:
        """The networks that make this art form."""
        return self._open.of(form).ensemble

    def chooser(self, settings: Settings) -> Network | None:
        """The judge that chooses among attempts; None if there is none."""
        return self._open.chooser_of(settings)

    def witness(self, settings: Settings) -> Network | None:
        """The judge that says what it sees in the results; None if there is none."""
        return self._open.witness_of(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks."""
        vars(self).clear()

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
            image: a path, a Pillow image, or an array ``(height, width, 3)`` of uint8; None for noise.
            layer: one or several of ``[NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]``, where LAYER is ``low``, ``mid``,
                ``high`` or the name of a layer.
            guide: a picture whose features to climb towards.
            mask: a picture that is bright where the image may change.
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
        references = References(guide, mask, like=tuple(like))
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
        return self._make(chosen, image, References(mask=mask, like=tuple(like)), on_step)

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
        inputs = style_inputs(styles, weights, fine, coarse, style_masks, content_masks)
        return self._make(_settings(StyleSettings, layer, settings), image, References(styles=inputs), on_step)[0]

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
        opened = self._open.of(FeatureSettings)
        return features.feature_maps(settings, opened.ensemble, read_image(image).picture.pixels, opened.compute)

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
        pixels = read_image(image).picture.pixels
        opened = self._open.of(ClassifySettings)
        network, compute = opened.ensemble.only, opened.compute
        if layer:
            found = most_active(network, opened.ensemble.find(LayerSpec(layer))[0].name, pixels, count, compute)
        else:
            network.check_classes()
            found = top(network.on(compute.device), pixels, count, compute)
        if not found or not all(math.isfinite(value) for _, value in found):
            raise DreamcliError("the network's answer is not finite: its numbers grow too large")
        return found

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
        read = references.map(read_image)
        self.check(settings, read)
        results = self.make(settings, None if image is None else read_image(image), read, on_step)
        if any(result.record.stopped == "interrupted" for result in results):
            raise KeyboardInterrupt
        return results

    def check(self, settings: Settings, references: References[ReadInput]) -> None:
        """Check that the networks have the layers and channels that are asked for.

        Raises:
            WrongRequest: they don't, or a guide is combined with a channel, or there are too many networks.
        """
        ensemble = self.ensemble(type(settings))
        if not isinstance(settings, Schedule):
            _ = ensemble.only  # several networks climb together, but are shown one at a time
        for spec in settings.layer_specs:
            ensemble.find(spec)
            guided = references.guide is not None and spec.channel is not None
            check(not guided, "a guide works on whole layers: leave out the channel")

    def jobs(self, settings: Settings, start: Picture | None, references: References[ReadInput]) -> list[Job]:
        """Return one job per output: everything that determines the picture."""
        opened, chooser = self._open.of(type(settings)), self.chooser(settings)
        return jobs_for(settings, opened.ensemble, opened.compute, chooser, start, references)

    def result_size(self, settings: Settings, start: Picture | None) -> tuple[int, int] | None:
        """The (height, width) in pixels that a result will have; None for a contact sheet, which has no fixed size."""
        if settings.is_sheet:
            return None
        if start is None:
            side = settings.size or settings.size_from_noise
            return side, side
        return scaled_size(start.pixels.shape[0], start.pixels.shape[1], settings.size)

    def make(
        self,
        settings: Settings,
        start: ReadInput | None = None,
        references: References[ReadInput] = References(),  # noqa: B008 (frozen)
        on_step: OnStep | None = None,
        jobs: list[Job] | None = None,
    ) -> list[Result]:
        """Make the pictures that settings describe. Transparency stays as it was.
        If memory runs out, they are made once more in smaller tiles.

        Args:
            settings: what to make, and how.
            start: the input; None for noise.
            references: the pictures besides it.
            on_step: called after every step.
            jobs: what `jobs` returned, if it was called before.

        Raises:
            DreamcliError: it can't be made.
        """
        picture = start.picture if start else None
        opened, chooser = self._open.of(type(settings)), self.chooser(settings)
        inputs = Inputs(picture, references.map(lambda each: each.picture), chooser, opened.memo)
        smaller = replace(opened.compute, budget=int(opened.compute.budget * BUDGET_SHARE_AFTER_FAILURE))
        notes: tuple[str, ...] = ()
        for compute in (opened.compute, smaller):
            try:
                artworks = RECIPES[settings.command](settings, opened.ensemble, inputs, compute, on_step)
                break
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                cause = error.with_traceback(None)  # the traceback holds on to the first attempt's memory
                notes = ("memory ran out, so it was made in smaller tiles",)
        else:
            raise DreamcliError("not enough memory for a picture of this size", Hint.SMALLER) from cause
        jobs = jobs or self.jobs(settings, picture, references)
        results, witness = [], self.witness(settings)
        for artwork, job in zip(artworks, jobs, strict=True):
            score = score_of(artwork, settings, opened.ensemble, witness)
            results.append(finished(artwork, settings, job, score, start, references, notes))
        return results


def _settings(form: type[S], layer: LayerLike, values: Mapping[str, object]) -> S:
    """Settings from a Python call, where layers are texts."""
    layers = [layer] if isinstance(layer, str) else None if layer is None else list(layer)
    try:
        return form.from_json({**values, **({} if layers is None else {"layers": layers})})
    except ValueError as error:
        raise WrongRequest(str(error)) from error
