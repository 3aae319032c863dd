"""Style transfer: repaint a photograph in the style of a painting.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", 2016 (arXiv:1508.06576), from
small to large; with the controls of Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", 2017
(arXiv:1611.07865).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamcli.engine import PIXELS
from dreamcli.engine.ascent import LBFGS, Adam, Rule
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import noise
from dreamcli.engine.objectives import Objective, TotalVariation, WeightedSum
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import Parameterization, Pixels
from dreamcli.engine.style import DISTANCES, ContentDistance, Statistics, StyleDistance, smoothed
from dreamcli.engine.transforms import Jitter
from dreamcli.errors import check
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import StyleInput
from dreamcli.settings.style import StyleSettings

from .artwork import Artwork, Inputs, OnStep, value_of
from .colors import grey, matched, recolored
from .memory import activations_for
from .octaves import Canvas, Size, climb
from .pixels import scaled_size, to_pixels, to_tensor

TEXTURE_CONTRAST = 0.1  # of the noise that a texture starts from, as a share of a photograph's
SMALLEST_OCTAVE = 96  # pixels on the shorter side
LEARNING_RATE = 0.03
# the squared gradient is averaged over fewer steps than usual, so that patterns nobody asked for fade sooner
BETAS = (0.9, 0.9)
COLOR_WEIGHT = 1.5  # of the picture's own colors, relative to a layer
CONTENT_WEIGHT = 0.06  # of content relative to style, at strength 0.5


def stylize(
    settings: StyleSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Repaint a photograph, or make a texture from noise.

    Args:
        settings, ensemble, compute, on_step: see `dream`.
        inputs: the photograph (None for a texture), and the styles.

    Raises:
        WrongRequest: a layer is unknown, or can't measure style or be masked; or a mask is black everywhere.
    """
    _check_shift(settings, inputs)
    generator = torch.Generator().manual_seed(settings.seed)
    canvas = _Canvas(settings, inputs, generator, compute)
    aim = _Aim(settings, ensemble, inputs, canvas, compute)
    stopped = climb(
        canvas,
        aim.objective,
        aim.activations,
        settings,
        rule=_rule(settings),
        transforms=lambda size: [Jitter(max(size) if settings.seamless else settings.jitter)],
        generator=generator,
        smallest=SMALLEST_OCTAVE,
        on_step=on_step,
    )
    objective = aim.latest
    score = {
        "before": value_of(objective, aim.activations, canvas.before),
        "after": value_of(objective, aim.activations, canvas.image),
    }
    return [Artwork(to_pixels(canvas.finished()), score, stopped)]


def _check_shift(settings: StyleSettings, inputs: Inputs) -> None:
    """Only textures may be shifted: a photograph and a content mask have their place."""
    has_place = inputs.start is not None or any(style.region for style in inputs.references.styles)
    shifted = settings.seamless or settings.jitter
    check(not (shifted and has_place), "seamless and jitter are for textures, not for a photograph or a content mask")


def _rule(settings: StyleSettings) -> Rule:
    return LBFGS() if settings.optimizer == "lbfgs" else Adam(LEARNING_RATE, BETAS)


class _Canvas(Canvas):
    """The painting: a repainted photograph, or a texture.

    Attributes:
        photograph: ``(1, 3, H, W)`` in [0, 1]; None for a texture.
        opaque: the photograph's alpha, ``(1, 1, H, W)`` in [0, 1]; None if it is opaque everywhere.
        target: whose content is kept, at the octave's size; for a texture, the noise it started from.
    """

    def __init__(self, settings: StyleSettings, inputs: Inputs, generator: torch.Generator, compute: Compute) -> None:
        self._generator, self._device = generator, compute.device
        self._keeps_colors = settings.colors == "luminance"
        self.photograph: Tensor | None = None
        self.opaque: Tensor | None = None
        self.target: Tensor | None = None
        self._image: Tensor | None = None
        if inputs.start is None:
            self.size = (settings.size or settings.size_from_noise,) * 2
            return
        pixels, alpha = inputs.start.pixels, inputs.start.alpha
        self.size = scaled_size(pixels.shape[0], pixels.shape[1], settings.size)
        self.photograph = to_tensor(pixels, compute.device)
        if alpha is not None:
            self.opaque = torch.tensor(alpha, device=compute.device)[None, None] / 255

    def begin(self, size: Size) -> Parameterization:
        if self.photograph is not None:
            image = grey(self.photograph) if self._keeps_colors else self.photograph
            self.target = resize(image, size).clamp(0, 1)
        elif self.target is None:
            self.target = noise(1, *size, TEXTURE_CONTRAST, self._generator).to(self._device)
        self._octave = size
        self._painted = Pixels(resize(self.target if self._image is None else self._image, size).clamp(0, 1))
        return self._painted

    def end(self) -> None:
        self._image = self._painted.render().detach()

    def shown(self) -> Tensor:
        return self._completed(self._painted.render())

    def finished(self) -> Tensor:
        return self._completed(resize(self.image, self.size).clamp(0, 1))

    @property
    def image(self) -> Tensor:
        """The painting after the last octave, at that octave's size."""
        assert self._image is not None
        return self._image

    @property
    def before(self) -> Tensor:
        """What the last octave would have started from without the octaves before it."""
        assert self.target is not None
        return resize(self.target, self._octave).clamp(0, 1)

    def _completed(self, image: Tensor) -> Tensor:
        """The painting with what is kept of the photograph: its colors, if asked for, and its transparent parts."""
        if self.photograph is None:
            return image
        size = (image.shape[2], image.shape[3])
        if self._keeps_colors:
            image = recolored(image, resize(self.photograph, size).clamp(0, 1))
        if self.opaque is not None:
            image = torch.where(resize(self.opaque, size) <= 0, resize(self.photograph, size), image)
        return image


@dataclass(frozen=True)
class _Style:
    """A `StyleInput` as tensors.

    Attributes:
        image, mask, region: ``(1, 3, H, W)`` and ``(1, 1, H, W)`` in [0, 1].
        layers: where it is measured, with weights.
        key: what its statistics are remembered by; None if they must not be.
    """

    image: Tensor
    weight: float
    mask: Tensor | None
    region: Tensor | None
    part: str
    layers: tuple[tuple[NetworkLayer, float], ...]
    key: tuple[str, ...] | None

    def size(self, painted: Size, scale: float) -> Size:
        """Its (height, width) for a painting of some size."""
        return scaled_size(self.image.shape[2], self.image.shape[3], round(max(painted) * scale))


class _Aim:
    """What a painting should look like, at every size."""

    def __init__(
        self, settings: StyleSettings, ensemble: Ensemble, inputs: Inputs, canvas: _Canvas, compute: Compute
    ) -> None:
        self._settings, self._canvas, self._memo = settings, canvas, inputs.memo
        self._styles = _styles(settings, ensemble, inputs, canvas.photograph, compute)
        contents = _content_layers(settings, ensemble)
        layers = list(dict.fromkeys(layer for style in self._styles for layer, _ in style.layers))
        _check_layers(layers, contents, inputs)
        self._smoothed = {layer.key for layer in layers if layer.network.card.is_residual}
        sizes = [canvas.size, *(style.size(canvas.size, settings.style_scale) for style in self._styles)]
        self.activations = activations_for((*layers, *contents), compute, max(sizes, key=math.prod))
        self._contents = [] if canvas.photograph is None else contents
        self.latest: Objective  # for the last octave's size

    def objective(self, size: Size) -> Objective:
        """What to climb at one size: less distance from the styles, less from the content, less variation."""
        target = self._canvas.target
        assert target is not None
        seen = self._seen(target)
        strength = self._settings.strength if self._contents else 1.0
        whole = sum(style.weight for style in self._styles)
        terms: list[tuple[float, Objective]] = [(-self._settings.tv, TotalVariation())]
        for style in self._styles:
            terms += self._style_terms(style, size, seen, strength**2 * style.weight / whole)
        for content, of_network in _shares(self._contents):
            distance = ContentDistance(content.key, seen[content.key], self._canvas.opaque)
            terms.append((-CONTENT_WEIGHT * (1 - strength) ** 2 * of_network, distance))
        self.latest = WeightedSum(tuple(terms))
        return self.latest

    def _style_terms(
        self, style: _Style, size: Size, seen: dict[str, Tensor], share: float
    ) -> list[tuple[float, Objective]]:
        """The distances from one style in each of its layers, in units of the target's own distance."""
        statistics = self._settings.statistics
        wanted = self._wanted(style, style.size(size, self._settings.style_scale))
        region = _intersection(style.region, self._canvas.opaque)
        weights = [
            *((layer.key, weight) for layer, weight in style.layers),
            *([(PIXELS, COLOR_WEIGHT)] if style.part != "coarse" else []),
        ]
        total = sum(abs(weight) for _, weight in weights)
        terms: list[tuple[float, Objective]] = []
        for layer, weight in weights:
            found = self._statistics(layer, seen[layer], region)
            baseline = max(float(DISTANCES[statistics](found, wanted[layer])), 1e-9)
            distance = StyleDistance(layer, wanted[layer], statistics, baseline, region, layer in self._smoothed)
            terms.append((-(share * weight / total), distance))
        return terms

    def _wanted(self, style: _Style, size: Size) -> dict[str, Statistics]:
        """The style's statistics at a size, measured once for many photographs."""
        layers = [PIXELS, *(layer.key for layer, _ in style.layers)]

        def measure() -> dict[str, Statistics]:
            seen = self._seen(resize(style.image, size).clamp(0, 1))
            return {layer: self._statistics(layer, seen[layer], style.mask) for layer in layers}

        return self._memo.get((style.key, *layers, size), measure) if style.key else measure()

    def _seen(self, image: Tensor) -> dict[str, Tensor]:
        """The picture and its activations."""
        with torch.no_grad():
            return {PIXELS: image, **self.activations(image)}

    def _statistics(self, layer: str, activation: Tensor, weight: Tensor | None) -> Statistics:
        return Statistics.of(smoothed(activation) if layer in self._smoothed else activation, weight)


def _styles(
    settings: StyleSettings, ensemble: Ensemble, inputs: Inputs, photograph: Tensor | None, compute: Compute
) -> list[_Style]:
    """Prepare each style's pictures and layers."""
    check(bool(inputs.references.styles), "name at least one style")
    parts = _parts(settings, ensemble)
    styles = []
    for number, style in enumerate(inputs.references.styles, 1):
        image = to_tensor(style.picture.pixels, compute.device)
        if photograph is not None and settings.colors == "luminance":
            image = matched(grey(image), grey(photograph))
        elif photograph is not None and settings.colors == "match":
            image = matched(image, photograph)
        mask = _brightness(style.mask, f"style mask {number}", compute)
        region = _brightness(style.region, f"content mask {number}", compute)
        key = _memo_key(style, settings)
        styles.append(_Style(image, style.weight, mask, region, style.part, parts[style.part], key))
    return styles


def _parts(settings: StyleSettings, ensemble: Ensemble) -> dict[str, tuple[tuple[NetworkLayer, float], ...]]:
    """Where style is measured, and with what weight: in all layers, or in the fine or coarse half of each network's."""
    if settings.layers:
        found = [(layer, spec.weight) for spec in settings.layers for layer in ensemble.find(spec)]
    else:
        found = [(ensemble.layer_of(net, name), 1.0) for net in ensemble.networks for name in net.card.style_layers]
    weights = {layer.prefix: layer.weight for layer, _ in found}
    parts: dict[str, list[tuple[NetworkLayer, float]]] = {"all": [], "fine": [], "coarse": []}
    for prefix, of_network in weights.items():
        share = of_network / sum(weights.values())
        own = [(layer, weight * share) for layer, weight in found if layer.prefix == prefix]
        half = len(own) // 2
        parts["all"] += own
        parts["fine"] += own[:half] or own
        parts["coarse"] += own[half:]
    return {part: tuple(layers) for part, layers in parts.items()}


def _content_layers(settings: StyleSettings, ensemble: Ensemble) -> list[NetworkLayer]:
    """Where content is measured, in each network."""
    if settings.content:
        return ensemble.find(LayerSpec(settings.content))
    return [ensemble.layer_of(network, network.card.content_layer) for network in ensemble.networks]


def _shares(layers: list[NetworkLayer]) -> list[tuple[NetworkLayer, float]]:
    """Layers with their networks' weights, scaled so that these add up to 1."""
    whole = sum(layer.weight for layer in layers)
    return [(layer, layer.weight / whole) for layer in layers]


def _memo_key(style: StyleInput[Picture], settings: StyleSettings) -> tuple[str, ...] | None:
    """What identifies a style's pixels; None if its colors follow each photograph's."""
    if settings.colors != "style" or not style.picture.sha256:
        return None
    return style.picture.sha256, style.mask.sha256 if style.mask else ""


def _brightness(mask: Picture | None, name: str, compute: Compute) -> Tensor | None:
    """The brightness of a mask, ``(1, 1, H, W)`` in [0, 1]."""
    if mask is None:
        return None
    check(bool(mask.pixels.any()), f"the {name} is black everywhere, so nothing is left")
    return to_tensor(mask.pixels, compute.device).mean(1, keepdim=True)


def _check_layers(layers: list[NetworkLayer], contents: list[NetworkLayer], inputs: Inputs) -> None:
    """Refuse layers that can't measure style, or can't in a part of the picture."""
    for layer in layers:
        check(len(layer.shape) > 2, f"{layer} is flat: it has no places to measure style over")
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
