"""Style transfer: repaint a photograph in the style of a painting.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", 2016 (arXiv:1508.06576), from
small to large; with the controls of Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", 2017
(arXiv:1611.07865).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dreamcli.engine import PIXELS
from dreamcli.engine.ascent import LBFGS, Adam
from dreamcli.engine.compute import Compute
from dreamcli.engine.neighbors import NeighborDistance
from dreamcli.engine.objectives import Objective, TotalVariation, WeightedSum
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import LaplacianPyramid, Parameterization, Pixels
from dreamcli.engine.style import ContentDistance, GamutDistance, Statistics, StyleDistance, smoothed
from dreamcli.engine.transforms import Jitter
from dreamcli.errors import WrongRequest, check
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.style import StyleSettings

from .artwork import Artwork, Inputs, OnStep, value_of
from .matching import matched_places, painted_weight
from .memory_plan import activations_for
from .octaves import Size, climb_octaves
from .painting import PaintedOctave, Painting
from .pixels import to_pixels
from .styles import Style, style_layers, styles_of

MOMENTS_WEIGHT = 1.0  # of all layers' statistics together, relative to the neighbors
GAMUT_WEIGHT = 1.0  # of colors that the styles don't have, relative to the neighbors
CONTENT_WEIGHT = 0.06  # of content relative to style, at strength 0.5


@dataclass(frozen=True)
class StyleMethod:
    """How to paint, which depends on what is compared.

    Attributes:
        smallest: pixels on the shorter side of the first octave, at least.
        color_weight: of the picture's own colors, relative to one layer, or to the neighbors.
        has_neighbors: whether each place is compared with its nearest neighbors in the styles. Statistics are then
            added for contrast and large shapes, which no single place shows.
    """

    parameterize: Callable[[Tensor], Parameterization]
    learning_rate: float
    betas: tuple[float, float]
    smallest: int
    color_weight: float
    has_neighbors: bool


# the squared gradient is averaged over fewer steps than usual, so that patterns nobody asked for fade sooner
_AS_A_WHOLE = StyleMethod(Pixels, 0.03, (0.9, 0.9), 96, 1.5, False)
_BY_PLACES = StyleMethod(LaplacianPyramid, 0.005, (0.9, 0.99), 40, 1.0, True)


def stylize(
    settings: StyleSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Repaint a photograph, or make a texture from noise.

    Args:
        settings, ensemble, compute, on_step: see `dream`.
        inputs: the photograph (None for a texture), and the styles.

    Raises:
        WrongRequest: a layer is unknown, or can't measure style or be masked; a mask is black everywhere; a texture
            should be made of neighbors; or a network has no max pooling to replace.
    """
    _check_shift(settings, inputs)
    statistics = _statistics(settings, ensemble, inputs)
    method = _BY_PLACES if statistics == "neighbors" else _AS_A_WHOLE
    settings = replace(settings, statistics="moments" if method.has_neighbors else statistics)
    if inputs.start is None:
        settings = replace(settings, strength=1.0)  # there is no photograph to keep
    if settings.average_pooling:
        ensemble = ensemble.with_average_pooling()
    generator = torch.Generator().manual_seed(settings.seed)
    canvas = Painting(settings, inputs, generator, compute, method.parameterize)
    style = StyleObjective(settings, method, ensemble, inputs, canvas, compute)
    climbed = climb_octaves(
        canvas,
        style.of,
        style.activations,
        settings,
        optimizer=LBFGS(clips=settings.recipe == 1)
        if settings.optimizer == "lbfgs"
        else Adam(method.learning_rate * _faded(settings), method.betas),
        transforms=lambda size: [Jitter(max(size) if settings.seamless else settings.jitter)],
        generator=generator,
        smallest=method.smallest,
        on_step=on_step,
    )
    if climbed.last:
        octave, objective = climbed.last
    else:
        octave = canvas.begin(canvas.size)
        objective = style.of(octave)
    ends = {"before": octave.before, "after": octave.before if canvas.image is None else canvas.image}
    score = {name: value_of(objective, style.activations, image) for name, image in ends.items()}
    return [Artwork(to_pixels(canvas.finished()), score, climbed.stopped)]


def _check_shift(settings: StyleSettings, inputs: Inputs) -> None:
    """Only textures may be shifted: a photograph or a content mask must stay in place."""
    has_place = inputs.start is not None or any(style.region for style in inputs.references.styles)
    shifted = settings.seamless or settings.jitter
    check(not (shifted and has_place), "seamless and jitter are for textures, not for a photograph or a content mask")


def _statistics(settings: StyleSettings, ensemble: Ensemble, inputs: Inputs) -> str:
    """What to compare: if it is left open, neighbors for a photograph whose layers all have rows and columns."""
    flat = [layer for layer, _ in style_layers(settings, ensemble)["all"] if len(layer.shape) != 4]
    if settings.statistics == "auto":
        return "moments" if inputs.start is None or flat else "neighbors"
    if settings.statistics == "neighbors":
        check(inputs.start is not None, "neighbors need a photograph: a texture has no positions to match")
        if flat:
            raise WrongRequest(f"{flat[0]} has no rows and columns, so it has no positions to match")
    return settings.statistics


class StyleObjective:
    """What a painting should look like, at every size."""

    def __init__(
        self,
        settings: StyleSettings,
        method: StyleMethod,
        ensemble: Ensemble,
        inputs: Inputs,
        canvas: Painting,
        compute: Compute,
    ) -> None:
        self._settings, self._method, self._canvas, self._memo = settings, method, canvas, inputs.memo
        self._styles = styles_of(settings, ensemble, inputs, canvas.photograph, canvas.opaque, compute)
        contents = _content_layers(settings, ensemble)
        layers = list(dict.fromkeys(layer for style in self._styles for layer, _ in style.layers))
        _check_layers(layers, contents, inputs)
        self._smoothed = {layer.key for layer in layers if layer.network.card.is_residual}
        sizes = [canvas.size, *(style.size(canvas.size, settings.style_scale) for style in self._styles)]
        self.activations = activations_for((*layers, *contents), compute, max(sizes, key=math.prod))
        self._contents = [] if canvas.photograph is None else contents

    def of(self, octave: PaintedOctave) -> Objective:
        """What to climb in an octave: less distance from the styles, less from the content, less variation."""
        size, seen = octave.size, self._seen(octave.target)
        strength = self._settings.strength
        whole = sum(style.weight for style in self._styles)
        terms: list[tuple[float, Objective]] = [(-self._settings.tv * _faded(self._settings) ** 2, TotalVariation())]
        if self._method.has_neighbors:
            distances = [*self._neighbors(octave), *self._gamut(size)]
            terms += [(-(strength**2) * share, distance) for share, distance in distances]
        for style in self._styles:
            terms += self._style_terms(style, size, seen, strength**2 * style.weight / whole)
        for content, of_network in _shares(self._contents):
            distance = ContentDistance(content.key, seen[content.key], self._canvas.opaque)
            terms.append((-CONTENT_WEIGHT * (1 - strength) ** 2 * of_network, distance))
        return WeightedSum(tuple(terms))

    def _neighbors(self, octave: PaintedOctave) -> list[tuple[float, NeighborDistance]]:
        sizes = [style.size(octave.size, self._settings.style_scale) for style in self._styles]
        opaque = self._canvas.opaque
        return matched_places(self._styles, sizes, octave.target, octave.current, opaque, self.activations)

    def _gamut(self, size: Size) -> list[tuple[float, GamutDistance]]:
        """How far the colors are from those of the styles; coarse ones don't count."""
        styles = [style for style in self._styles if style.part != "coarse"]
        if not styles:
            return []
        colors = torch.cat([style.colors(style.size(size, self._settings.style_scale)) for style in styles], 1)
        return [(GAMUT_WEIGHT, GamutDistance.of(colors, painted_weight(styles, size, self._canvas.opaque)))]

    def _style_terms(
        self, style: Style, size: Size, seen: dict[str, Tensor], share: float
    ) -> list[tuple[float, Objective]]:
        """The distances from one style in each of its layers, in units of the target's own distance."""
        wanted = self._wanted(style, style.size(size, self._settings.style_scale))
        region = _intersection(style.region, self._canvas.opaque)
        terms: list[tuple[float, Objective]] = []
        for layer, weight in self._weights(style).items():
            smooth = layer in self._smoothed
            distance = StyleDistance(layer, wanted[layer], self._settings.statistics, 1.0, region, smooth)
            with torch.no_grad():
                baseline = max(float(distance(seen, seen[PIXELS])), 1e-9)
            terms.append((-share * weight, replace(distance, baseline=baseline)))
        return terms

    def _weights(self, style: Style) -> dict[str, float]:
        """The weights of a style's statistics in its layers, by name, and in the picture's colors.

        They add up to 1, except alongside neighbors, which have a weight of 1 themselves.
        """
        colors = {PIXELS: self._method.color_weight} if style.part != "coarse" else {}
        whole = sum(abs(weight) for _, weight in style.layers)
        if self._method.has_neighbors:
            return {layer.key: MOMENTS_WEIGHT * weight / whole for layer, weight in style.layers} | colors
        weights = {layer.key: weight for layer, weight in style.layers} | colors
        return {layer: weight / (whole + sum(colors.values())) for layer, weight in weights.items()}

    def _wanted(self, style: Style, size: Size) -> dict[str, Statistics]:
        """The style's statistics at a size, measured once for many photographs."""
        layers = [PIXELS, *(layer.key for layer, _ in style.layers)]

        def measure() -> dict[str, Statistics]:
            seen = self._seen(resize(style.image, size).clamp(0, 1))
            return {layer: self._statistics(layer, seen[layer], style.mask) for layer in layers}

        key = (style.key, self._settings.average_pooling, *layers, size)
        return self._memo.get(key, measure) if style.key else measure()

    def _seen(self, image: Tensor) -> dict[str, Tensor]:
        """The picture and its activations."""
        with torch.no_grad():
            return {PIXELS: image, **self.activations(image)}

    def _statistics(self, layer: str, activation: Tensor, weight: Tensor | None) -> Statistics:
        return Statistics.of(smoothed(activation) if layer in self._smoothed else activation, weight)


def _faded(settings: StyleSettings) -> float:
    """The factor for steps and variation: less than 1 for a style fainter than usual, to keep the photograph sharp."""
    return min(1.0, settings.strength / StyleSettings.strength) if settings.recipe > 1 else 1.0


def _content_layers(settings: StyleSettings, ensemble: Ensemble) -> list[NetworkLayer]:
    """Where content is measured, in each network."""
    if settings.content:
        return ensemble.find(LayerSpec(settings.content))
    return [ensemble.layer_of(network, network.card.content_layer) for network in ensemble.networks]


def _shares(layers: list[NetworkLayer]) -> list[tuple[NetworkLayer, float]]:
    """Layers with their networks' weights, scaled so that these add up to 1."""
    whole = sum(layer.weight for layer in layers)
    return [(layer, layer.weight / whole) for layer in layers]


def _check_layers(layers: list[NetworkLayer], contents: list[NetworkLayer], inputs: Inputs) -> None:
    """Refuse layers that can't measure style, or can't be masked where that is needed."""
    for layer in layers:
        check(len(layer.shape) > 2, f"{layer} has no rows and columns to measure style over")
    transparent = inputs.start is not None and inputs.start.alpha is not None
    masked = layers if transparent or any(s.mask or s.region for s in inputs.references.styles) else []
    for layer in [*masked, *contents] if transparent else masked:
        rule = f"{layer} has no rows and columns, so it can't be combined with masks or transparency"
        check(len(layer.shape) == 4, rule)


def _intersection(region: Tensor | None, opaque: Tensor | None) -> Tensor | None:
    """Where a style's region is opaque; None stands for everywhere."""
    if region is None or opaque is None:
        return opaque if region is None else region
    return resize(region, (opaque.shape[2], opaque.shape[3])).clamp(0, 1) * opaque
