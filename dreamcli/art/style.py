"""Style transfer: repaint a photograph in the manner of a painting.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", 2016 (arXiv:1508.06576), from
small to large; with the controls of Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", 2017
(arXiv:1611.07865).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dreamcli.engine import PIXELS, STATISTICS
from dreamcli.errors import check
from dreamcli.networks.spec import LayerSpec

from .schedule import check_schedule

if TYPE_CHECKING:
    # torch takes seconds to import, and the command line reads the defaults below for --help
    import torch
    from torch import Tensor

    from dreamcli.engine.activations import Activations
    from dreamcli.engine.ascent import Rule
    from dreamcli.engine.compute import Compute
    from dreamcli.engine.objectives import Objective
    from dreamcli.engine.style import Statistics
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep

SIZE = 512  # pixels, of a texture from noise
TEXTURE_CONTRAST = 0.1  # of the noise that a texture is started from, as a share of a photograph's
SMALLEST = 96  # pixels, of the shorter side of the first octave
OPTIMIZERS = ("adam", "lbfgs")
COLORS = ("style", "luminance", "match")
LEARNING_RATE = 0.03
# with a shorter memory for the gradient's square than is usual, textures that nothing asks for vanish sooner
BETAS = (0.9, 0.9)
COLOR_WEIGHT = 1.5  # of the picture's own colours, beside a layer
CONTENT_WEIGHT = 0.06  # of the content beside the style, at strength 0.5
REMEMBERED = 64  # statistics, of styles at sizes, of some megabytes each


@dataclass(frozen=True, kw_only=True)
class StyleSettings:
    """How to repaint.

    Attributes:
        weights: how much each style counts beside the others, in the order of the roles "style-1" and on.
        layers: where style is measured, with weights; none takes those on the network's card.
        content: the layer where content is measured; empty takes the one on the card.
        statistics: "gram" (how channels go together) or "moments" (their means and covariances, by the
            2-Wasserstein distance).
        strength: from 0 (content alone) to 1 (style alone).
        size: pixels on the longer side of the result; None keeps the photograph's own, without one 512.
        steps: in each octave.
        octaves: how many sizes, each ``octave_scale`` times the one before, up to the full size.
        octave_scale: more than 1.
        tv: how much total variation counts against the picture.
        jitter: pixels that the picture is shifted by at random before each step, at most.
        optimizer: "adam" or "lbfgs".
        colors: "style" takes the style's, "luminance" keeps the photograph's and paints brightness alone,
            "match" gives the style the photograph's colours first.
        style_scale: the size of the style picture, as a share of that of the result.
        seamless: whether the left border continues at the right, and the upper at the lower.
        seed: of the randomness.
    """

    weights: tuple[float, ...] = (1.0,)
    layers: tuple[LayerSpec, ...] = ()
    content: str = ""
    statistics: str = "gram"
    strength: float = 0.5
    size: int | None = None
    steps: int = 120
    octaves: int = 4
    octave_scale: float = 1.414
    tv: float = 0.25
    jitter: int = 0
    optimizer: str = "adam"
    colors: str = "style"
    style_scale: float = 1.0
    seamless: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise WrongRequest for a setting out of its range."""
        check(len(self.weights) > 0, "name one style at least")
        check(all(0 < weight < math.inf for weight in self.weights), "a style's weight must be more than 0")
        check_schedule(self)
        check(0 <= self.tv < math.inf, f"tv must be at least 0, not {self.tv:g}")
        check(0.1 <= self.style_scale <= 10, f"style scale must be from 0.1 to 10, not {self.style_scale:g}")
        for name, known in (("statistics", STATISTICS), ("optimizer", OPTIMIZERS), ("colors", COLORS)):
            value = getattr(self, name)
            check(value in known, f"{name} is one of {', '.join(known)}, not {value!r}")


Picture = TypeVar("Picture")


def style_roles(
    styles: Iterable[Picture],
    weights: Iterable[float] | None,
    fine: Picture | None,
    coarse: Picture | None,
    style_masks: Iterable[Picture],
    content_masks: Iterable[Picture],
) -> tuple[dict[str, Picture], tuple[float, ...]]:
    """Give each picture beside the photograph its role, and the styles their weights (1, if there are none).

    Raises:
        WrongRequest: their numbers don't go together.
    """
    styles, bands = list(styles), {"fine": fine, "coarse": coarse}
    others = {role: picture for role, picture in bands.items() if picture is not None}
    check(bool(styles) != bool(others), "name a style: --style PICTURE, or --fine and --coarse together")
    check(len(others) in (0, 2), "fine and coarse go together")
    for role, group in (("style", styles), ("style-mask", list(style_masks)), ("content-mask", list(content_masks))):
        check(len(group) in (0, len(styles)), f"there are {len(group)} {role}s for {len(styles)} styles: one for each")
        others |= {f"{role}-{number}": picture for number, picture in enumerate(group, 1)}
    shares = (1.0,) * (len(styles) or 2) if weights is None else tuple(weights)
    check(len(shares) == (len(styles) or 2), f"there are {len(shares)} weights for {len(styles)} styles: one for each")
    return others, shares


@dataclass(frozen=True)
class _Style:
    """One style: its picture at any size, and where it counts."""

    role: str
    image: Tensor
    weight: float
    mask: Tensor | None
    region: Tensor | None
    layers: tuple[LayerSpec, ...]

    def size(self, painted: tuple[int, int], scale: float) -> tuple[int, int]:
        """Its (height, width) beside what is painted in such a size."""
        from .artwork import scaled_size

        return scaled_size(self.image.shape[2], self.image.shape[3], round(max(painted) * scale))


def stylize(
    settings: StyleSettings, network: Network, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Repaint a photograph, or make a texture from noise.

    Args:
        settings: how.
        network: whose features count.
        inputs: the photograph (None for a texture), and under ``others`` the styles: "style-1" and on, or "fine"
            and "coarse"; with "style-mask-1" and on (bright where the style is to be learnt from), and
            "content-mask-1" and on (bright where it is to be painted).
        compute: on what device, at what precision.
        on_step: called after every step.

    Returns:
        the one picture.

    Raises:
        WrongRequest: a layer is unknown, or has no places to measure or to mask; or a mask is black everywhere.
    """
    import torch

    from dreamcli.engine.ascent import ascend
    from dreamcli.engine.octaves import octave_sizes, resize
    from dreamcli.engine.parameterization import Pixels
    from dreamcli.engine.transforms import Jitter

    from .artwork import Artwork, in_octave, to_pixels, value_of

    shifted = settings.seamless or settings.jitter
    placed = inputs.start is not None or any(role.startswith("content-mask") for role in inputs.others)
    check(
        not (shifted and placed), "seamless and jitter are for textures: a photograph or a content mask has its place"
    )
    generator = torch.Generator().manual_seed(settings.seed)
    subject = _Subject.of(settings, inputs, compute)
    aim = _Aim.of(settings, network, inputs, subject, compute)
    sizes = octave_sizes(*subject.size, settings.octaves, settings.octave_scale, SMALLEST)
    target: Tensor | None = None
    image: Tensor | None = None

    def so_far() -> Tensor:
        return subject.finished(climbed.render())

    for octave, now in enumerate(sizes, 1):
        target = subject.target(now, target, generator)
        image = resize(target if image is None else image, now).clamp(0, 1)
        objective = aim.objective(now, target)
        climbed = Pixels(image)
        shift = max(now) if settings.seamless else settings.jitter
        ascent = ascend(
            climbed,
            objective,
            aim.activations,
            steps=settings.steps,
            rule=_rule(settings),
            transforms=[Jitter(shift)] if shift else [],
            generator=generator,
            on_step=in_octave(on_step, settings.steps, octave, sizes, so_far),
        )
        image = climbed.render().detach()
        if ascent.stopped != "done":
            break
    assert target is not None
    assert image is not None
    score = {
        "before": value_of(objective, aim.activations, resize(target, now).clamp(0, 1)),
        "after": value_of(objective, aim.activations, image),
    }
    result = subject.finished(resize(image, subject.size).clamp(0, 1))
    return [Artwork(to_pixels(result), score, ascent.stopped)]


@dataclass(frozen=True)
class _Subject:
    """What is painted: a photograph, or a texture.

    Attributes:
        size: (height, width) of the result.
        device: where it is made.
        photograph: ``(1, 3, H, W)`` in [0, 1]; None for a texture.
        opaque: its alpha, ``(1, 1, H, W)`` in [0, 1]; None if it is opaque everywhere.
        keeps_colors: whether brightness alone is painted.
    """

    size: tuple[int, int]
    device: torch.device
    photograph: Tensor | None = None
    opaque: Tensor | None = None
    keeps_colors: bool = False

    @classmethod
    def of(cls, settings: StyleSettings, inputs: Inputs, compute: Compute) -> _Subject:
        import torch

        from .artwork import scaled_size, to_tensor

        if inputs.start is None:
            return cls((settings.size or SIZE,) * 2, compute.device)
        size = scaled_size(inputs.start.shape[0], inputs.start.shape[1], settings.size)
        opaque = None if inputs.alpha is None else torch.tensor(inputs.alpha, device=compute.device)[None, None] / 255
        photograph = to_tensor(inputs.start, compute.device)
        return cls(size, compute.device, photograph, opaque, settings.colors == "luminance")

    def target(self, size: tuple[int, int], before: Tensor | None, generator: torch.Generator) -> Tensor:
        """What an octave keeps the content of; for a texture, noise, which stays as it was ``before``."""
        from dreamcli.engine.natural import noise
        from dreamcli.engine.octaves import resize

        if self.photograph is None:
            return noise(1, *size, TEXTURE_CONTRAST, generator).to(self.device) if before is None else before
        image = _grey(self.photograph) if self.keeps_colors else self.photograph
        return resize(image, size).clamp(0, 1)

    def finished(self, image: Tensor) -> Tensor:
        """What was painted, with what of the photograph is kept: its colours, if they are, and what is transparent."""
        import torch

        from dreamcli.engine.octaves import resize

        if self.photograph is None:
            return image
        size = (image.shape[2], image.shape[3])
        if self.keeps_colors:
            image = _recoloured(image, resize(self.photograph, size).clamp(0, 1))
        if self.opaque is not None:
            image = torch.where(resize(self.opaque, size) <= 0, resize(self.photograph, size), image)
        return image


def _check_layers(layers: Iterable[str], content: str, network: Network, inputs: Inputs) -> None:
    """Refuse layers whose style can't be measured, or not in a part of the picture alone."""
    shapes, model = network.plan.shapes, network.card.name
    for layer in layers:
        check(len(shapes[layer]) > 2, f"layer {layer} of {model} is flat: it has no places to measure style over")
    transparent = inputs.alpha is not None
    masked = [*layers] if transparent or any("-mask-" in role for role in inputs.others) else []
    for layer in [*masked, content] if transparent else masked:
        rule = f"layer {layer} of {model} has no rows and columns, so neither masks nor transparency go with it"
        check(len(shapes[layer]) == 4, rule)


def _rule(settings: StyleSettings) -> Rule:
    from dreamcli.engine.ascent import LBFGS, Adam

    return LBFGS() if settings.optimizer == "lbfgs" else Adam(LEARNING_RATE, BETAS)


def _styles(
    settings: StyleSettings, network: Network, inputs: Inputs, photograph: Tensor | None, compute: Compute
) -> list[_Style]:
    """Gather each style's picture, mask, region and layers."""
    from .artwork import to_tensor

    specs = settings.layers or tuple(LayerSpec(name) for name in network.card.style_layers)
    half = len(specs) // 2
    fine = {"fine": specs[:half] or specs, "coarse": specs[half:]}
    roles = [role for role in inputs.others if role.startswith("style-") and "mask" not in role]
    roles.sort(key=lambda role: int(role.removeprefix("style-")))  # a record sorts them by their letters
    roles += [role for role in ("fine", "coarse") if role in inputs.others]
    weights = dict(zip(roles, settings.weights, strict=False))
    styles = []
    for role in roles:
        number = role.removeprefix("style-")
        image = to_tensor(inputs.others[role], compute.device)
        if photograph is not None and settings.colors == "luminance":
            image = _matched(_grey(image), _grey(photograph))
        elif photograph is not None and settings.colors == "match":
            image = _matched(image, photograph)
        mask, region = (_mask(f"{kind}-mask-{number}", inputs, compute) for kind in ("style", "content"))
        styles.append(_Style(role, image, weights.get(role, 1.0), mask, region, fine.get(role, specs)))
    check(bool(styles), "name one style at least")
    return styles


def _mask(role: str, inputs: Inputs, compute: Compute) -> Tensor | None:
    """The brightness of a mask, ``(1, 1, H, W)`` in [0, 1]; None if there is none of this role."""
    from .artwork import to_tensor

    mask = inputs.others.get(role)
    if mask is None:
        return None
    check(bool(mask.any()), f"the {role.replace('-', ' ')} is black everywhere, so nothing is left")
    return to_tensor(mask, compute.device).mean(1, keepdim=True)


@dataclass(frozen=True)
class _Aim:
    """What a painting is to be like, at every size.

    Attributes:
        settings: how much of what.
        network: whose layers.
        styles: the manners to paint in.
        content: the layer where content is measured; empty for a texture, which has none.
        opaque: where the photograph is not transparent, as of `_Subject`.
        activations: gives the layers of all of them.
        cache: the styles' statistics that were measured already.
    """

    settings: StyleSettings
    network: Network
    styles: list[_Style]
    content: str
    opaque: Tensor | None
    activations: Activations
    cache: dict[Any, Any]

    @classmethod
    def of(cls, settings: StyleSettings, network: Network, inputs: Inputs, subject: _Subject, compute: Compute) -> _Aim:
        from .memory import activations_for

        styles = _styles(settings, network, inputs, subject.photograph, compute)
        content = network.layer(settings.content or network.card.content_layer)
        layers = dict.fromkeys(network.layer(spec.layer) for style in styles for spec in style.layers)
        _check_layers(layers, content, network, inputs)
        sizes = [subject.size, *(style.size(subject.size, settings.style_scale) for style in styles)]
        activations = activations_for(network, (*layers, content), compute, max(sizes, key=math.prod))
        # colours that follow the photograph make each photograph's style another
        cache = inputs.cache if settings.colors == "style" else {}
        content = "" if subject.photograph is None else content
        return cls(settings, network, styles, content, subject.opaque, activations, cache)

    def objective(self, size: tuple[int, int], target: Tensor) -> Objective:
        """What to climb at one size: less distance from the styles, less from the content, less variation.

        Args:
            size: (height, width) of what is painted.
            target: what the content is kept of, in this size.
        """
        from dreamcli.engine.objectives import TotalVariation, WeightedSum
        from dreamcli.engine.style import DISTANCES, ContentDistance, StyleDistance

        settings, network = self.settings, self.network
        seen = self._seen(target)
        whole = sum(style.weight for style in self.styles)
        strength = settings.strength if self.content else 1.0
        terms: list[tuple[float, Objective]] = [(-settings.tv, TotalVariation())]
        for style in self.styles:
            wanted = self._wanted(style, style.size(size, settings.style_scale))
            region = _together(style.region, self.opaque)
            weights = [(network.layer(spec.layer), spec.weight) for spec in style.layers]
            if style.role != "coarse":
                weights.append((PIXELS, COLOR_WEIGHT))
            total = sum(abs(weight) for _, weight in weights)
            for layer, weight in weights:
                own = self._statistics(layer, seen[layer], region)
                baseline = max(float(DISTANCES[settings.statistics](own, wanted[layer])), 1e-9)
                share = strength**2 * style.weight / whole * weight / total
                distance = StyleDistance(
                    layer, wanted[layer], settings.statistics, baseline, region, self._is_smoothed(layer)
                )
                terms.append((-share, distance))
        if self.content:
            weight = CONTENT_WEIGHT * (1 - strength) ** 2
            terms.append((-weight, ContentDistance(self.content, seen[self.content], self.opaque)))
        return WeightedSum(tuple(terms))

    def _wanted(self, style: _Style, size: tuple[int, int]) -> dict[str, Statistics]:
        """Measure a style at a size in its layers, once for many photographs."""
        from dreamcli.engine.octaves import resize

        key = (style.role, size)
        if key not in self.cache:
            if len(self.cache) >= REMEMBERED:
                del self.cache[next(iter(self.cache))]  # the oldest
            seen = self._seen(resize(style.image, size).clamp(0, 1))
            layers = [PIXELS, *(self.network.layer(spec.layer) for spec in style.layers)]
            self.cache[key] = {layer: self._statistics(layer, seen[layer], style.mask) for layer in layers}
        return self.cache[key]  # type: ignore[no-any-return]

    def _seen(self, image: Tensor) -> dict[str, Tensor]:
        """The picture, and what the layers make of it."""
        import torch

        with torch.no_grad():
            return {PIXELS: image, **self.activations(image)}

    def _is_smoothed(self, layer: str) -> bool:
        return self.network.card.is_residual and layer != PIXELS

    def _statistics(self, layer: str, activation: Tensor, weight: Tensor | None) -> Statistics:
        from dreamcli.engine.style import Statistics, smoothed

        return Statistics.of(smoothed(activation) if self._is_smoothed(layer) else activation, weight)


def _together(region: Tensor | None, opaque: Tensor | None) -> Tensor | None:
    """What is in a style's region and opaque, too; either may be everything."""
    from dreamcli.engine.octaves import resize

    if region is None or opaque is None:
        return opaque if region is None else region
    return resize(region, (opaque.shape[2], opaque.shape[3])).clamp(0, 1) * opaque


def _grey(image: Tensor) -> Tensor:
    """The brightness of an image, as grey."""
    weights = image.new_tensor((0.299, 0.587, 0.114)).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)


def _matched(image: Tensor, to: Tensor) -> Tensor:
    """Give an image the mean and the covariance of another's colours (Gatys et al., 2017)."""
    import torch

    def moments(picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pixels = picture[0].flatten(1).cpu().double()  # not every device has float64
        mean = pixels.mean(1, keepdim=True)
        covariance = (pixels - mean) @ (pixels - mean).T / pixels.shape[1]
        values, vectors = torch.linalg.eigh(covariance + 1e-6 * torch.eye(3))
        return mean, (vectors * values.sqrt()) @ vectors.T, (vectors / values.sqrt()) @ vectors.T

    mean, _, whitening = moments(image)
    wanted_mean, colouring, _ = moments(to)
    pixels = colouring @ whitening @ (image[0].flatten(1).cpu().double() - mean) + wanted_mean
    return pixels.float().to(image.device).view(image.shape).clamp(0, 1)


def _recoloured(result: Tensor, photograph: Tensor) -> Tensor:
    """Give the result the photograph's colours, keeping its own brightness."""
    return (photograph + _grey(result) - _grey(photograph)).clamp(0, 1)
