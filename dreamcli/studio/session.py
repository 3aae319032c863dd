"""Networks held open on a device, and everything that can be made with them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from torch import nn

from dreamcli import forms
from dreamcli.art import features
from dreamcli.art.artwork import Inputs, NotFinite, OnStep
from dreamcli.art.pixels import scaled_size
from dreamcli.art.score import most_active, top
from dreamcli.engine.compute import Compute
from dreamcli.engine.modes import default_modes
from dreamcli.engine.trace import Layer
from dreamcli.errors import DreamcliError, WrongRequest, check
from dreamcli.files.clip import Clip
from dreamcli.files.reading import Picture
from dreamcli.files.record import Provenance
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.networks.registry import AUTO, NO_JUDGE
from dreamcli.settings.base import ClimbSettings, Settings
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

from .film import ClipFilm, Film, ZoomFilm
from .networks import Opened, OpenNetworks
from .pictures import ImageLike, ReadInput, Result, file_of, listed, read_image
from .records import picture_of, provenances_of, record_of, score_of

LayerLike = str | Iterable[str] | None
S = TypeVar("S", bound=Settings)


class Session:
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
        blank: download nothing; networks whose weights aren't here have none, and can only be asked what they have.

    Raises:
        WrongRequest: the model or the device is unknown.
        DreamcliError: the weights can't be loaded.
    """

    @default_modes()
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
        blank: bool = False,
    ) -> None:
        try:
            compute = Compute.resolve(device, precision)
        except ValueError as error:
            raise WrongRequest(str(error)) from error
        self._networks: OpenNetworks | None = OpenNetworks(compute, precision != AUTO, judge or NO_JUDGE, blank)
        kind = f"a model is a name or a torch.nn.Module, not {type(model).__name__}"
        check(model is None or isinstance(model, str | nn.Module), kind)
        if isinstance(model, nn.Module):
            check(weights is None, "the module already has its weights")
            self._networks.named = Ensemble.of(zoo.wrap(model, mean=mean, std=std, labels=labels))
            return
        is_plain = mean is None and std is None and not labels
        check(is_plain, "mean, std and labels are for a module; a class has them as attributes")
        check(model is not None or weights is None, "weights need a model")
        if model is not None:
            self._networks.named = zoo.load_all(model, Path(weights) if weights else None, blank=blank)

    @property
    def _open(self) -> OpenNetworks:
        check(self._networks is not None, "the session is closed: its networks are released")
        assert self._networks
        return self._networks

    def opened(self, form: type[Settings]) -> Opened:
        """The networks that make this art form, loaded."""
        return self._open.of(form)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks; nothing can be made any more."""
        self._networks = None

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
            *styles: pictures in the style to paint in.
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
        opened, pixels = self.opened(FeatureSettings), read_image(image).picture.on_white
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
        opened = self.opened(ClassifySettings)
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

    def ensemble(self, form: type[Settings]) -> Ensemble:
        """The networks that make this art form."""
        return self.opened(form).ensemble

    def ensemble_for(self, settings: Settings) -> Ensemble:
        """The networks that make what settings describe, with the layers that their recipe means."""
        return self.ensemble(type(settings)).of_recipe(settings.recipe)

    def compute(self, form: type[Settings]) -> Compute:
        """The device and precision for this art form."""
        return self.opened(form).compute

    def judge(self, settings: Settings) -> Network | None:
        """The network that picks among attempts; None if there is none."""
        return self._open.judge(settings)

    def witness(self, settings: Settings) -> Network | None:
        """The network that says what it sees in the results; None if there is none."""
        return self._open.witness(settings)

    def check(self, settings: Settings, references: References[ReadInput]) -> None:
        """Check that the networks have the layers and channels that are asked for.

        Raises:
            WrongRequest: they don't, or a guide is combined with a channel, or there are too many networks.
        """
        ensemble = self.ensemble_for(settings)
        if not isinstance(settings, ClimbSettings):
            _ = ensemble.only  # several networks climb together, but are shown one at a time
        for spec in settings.layer_specs:
            ensemble.find(spec)
            guided = references.guide is not None and spec.channel is not None
            check(not guided, "a guide works on whole layers: leave out the channel")

    def provenances(
        self, settings: Settings, start: Picture | None, references: References[ReadInput]
    ) -> list[Provenance]:
        """Return one provenance per output: everything that determines the picture."""
        opened, judge = self.opened(type(settings)), self.judge(settings)
        return provenances_of(settings, opened.ensemble, opened.compute, judge, start, references)

    def result_size(self, settings: Settings, start: Picture | None) -> tuple[int, int] | None:
        """The (height, width) in pixels that a result will have; None for a contact sheet, which has no fixed size."""
        if settings.is_sheet:
            return None
        if start is None:
            return (settings.side(None),) * 2
        return scaled_size(start.pixels.shape[0], start.pixels.shape[1], settings.size)

    @default_modes()
    def make(
        self,
        settings: Settings,
        start: ReadInput | None = None,
        references: References[ReadInput] = References(),  # noqa: B008 (frozen)
        on_step: OnStep | None = None,
        provenances: list[Provenance] | None = None,
    ) -> list[Result]:
        """Make the pictures that settings describe. Transparency stays as it was.
        If memory runs out, they are made once more in smaller tiles.

        Args:
            settings: what to make, and how.
            start: the input; None for noise.
            references: the pictures besides it.
            on_step: called after every step.
            provenances: what `provenances` returned, if it was called before.

        Raises:
            DreamcliError: it can't be made.
        """
        picture, ensemble = start.picture if start else None, self.ensemble_for(settings)
        inputs = self.inputs(settings, picture, references)
        seed = settings.seed if isinstance(settings, ClimbSettings) else 0
        recipe = partial(forms.recipe(settings.command), settings, ensemble, inputs)
        height, width = self.result_size(settings, picture) or (settings.side(None),) * 2
        artworks, notes = self.opened(type(settings)).within_memory(seed, height * width, recipe, on_step)
        notes = (*(note for network in ensemble.networks for note in network.notes), *notes)
        provenances = provenances or self.provenances(settings, picture, references)
        results, witness = [], self.witness(settings)
        with self.compute(type(settings)).repeatable(seed):
            for artwork, provenance in zip(artworks, provenances, strict=True):
                made = picture_of(artwork, settings, start)
                score = score_of(artwork, made.on_white, settings, ensemble, witness)
                record = record_of(provenance, start, references, score, artwork.stopped, notes)
                results.append(Result(made, record, artwork.maps))
        return results

    def film(
        self,
        settings: Settings,
        source: Picture | Clip,
        start: ReadInput,
        references: References[ReadInput],
        output: Path,
        overwrite: bool = False,
        keep_frames: bool = False,
    ) -> Film:
        """The film that settings describe: a zoom into a picture, or a video repainted frame by frame.

        Args:
            source, start: what it is made from, and what its record says of that; see `Film`.
            references, output, overwrite, keep_frames: see `Film`.

        Raises:
            WrongRequest: see `Film` and `ZoomFilm`.
        """
        (provenance,) = self.provenances(settings, start.picture, references)
        shared: dict[str, Any] = {
            "session": self, "settings": settings, "start": start, "references": references, "provenance": provenance,
            "output": output, "overwrite": overwrite, "keep_frames": keep_frames,
        }  # fmt: skip
        return ClipFilm(clip=source, **shared) if isinstance(source, Clip) else ZoomFilm(**shared)

    def inputs(self, settings: Settings, start: Picture | None, references: References[ReadInput]) -> Inputs:
        """The inputs of a recipe.

        Raises:
            DreamcliError: the start's transparency should be its mask, and it has none.
        """
        memo, pictures = self.opened(type(settings)).memo, references.map(lambda each: each.picture)
        if isinstance(settings, ClimbSettings) and settings.alpha_mask:
            pictures = replace(pictures, mask=_opaque_part(start))
        if settings.recipe == 1 and start and not pictures.styles:
            start = replace(start, alpha=None)
        return Inputs(start, pictures, self.judge(settings), memo, recipe=settings.recipe)

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
    """Settings from the arguments of a Python call, where layers are strings."""
    layers = [layer] if isinstance(layer, str) else None if layer is None else list(layer)
    try:
        return form.from_json({**values, **({} if layers is None else {"layers": layers})})
    except ValueError as error:
        raise WrongRequest(str(error)) from error


def _opaque_part(picture: Picture | None) -> Picture:
    """A mask of the opaque part of a picture."""
    if picture is None or picture.alpha is None:
        raise DreamcliError("it has no transparency to use as its mask")
    return Picture(np.dstack([picture.alpha] * 3))
