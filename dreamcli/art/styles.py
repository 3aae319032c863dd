"""The styles of a painting: their pictures, masks and layers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import brightest
from dreamcli.engine.octaves import resize
from dreamcli.errors import check
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.references import StyleInput
from dreamcli.settings.style import StyleSettings

from .artwork import Inputs
from .colors import grey, matched
from .octaves import Size
from .pixels import mask_tensor, scaled_size, visible_only

StyleLayers = tuple[tuple[NetworkLayer, float], ...]  # with their weights


@dataclass(frozen=True)
class Style:
    """A `StyleInput` as tensors.

    Attributes:
        image, mask, region: ``(1, 3, H, W)`` and ``(1, 1, H, W)`` in [0, 1].
        layers: where it is measured, with weights.
        key: the key that its statistics are remembered by; None if they must not be.
    """

    image: Tensor
    weight: float
    mask: Tensor | None
    region: Tensor | None
    part: str
    layers: StyleLayers
    key: tuple[str, ...] | None

    def size(self, painted: Size, scale: float) -> Size:
        """Its (height, width) for a painting of some size."""
        return scaled_size(self.image.shape[2], self.image.shape[3], round(max(painted) * scale))

    def colors(self, size: Size) -> Tensor:
        """Its colors at this size, where its mask is bright: ``(3, any)``."""
        image = resize(self.image, size).clamp(0, 1)[0].flatten(1)
        return image if self.mask is None else image[:, brightest(self.mask, size)]


def styles_of(
    settings: StyleSettings,
    ensemble: Ensemble,
    inputs: Inputs,
    photograph: Tensor | None,
    opaque: Tensor | None,
    compute: Compute,
) -> list[Style]:
    """Prepare each style's pictures and layers, for a photograph with the alpha ``opaque``."""
    check(bool(inputs.references.styles), "name at least one style")
    parts = style_layers(settings, ensemble)
    styles = []
    for number, style in enumerate(inputs.references.styles, 1):
        image, alpha = visible_only(style.picture, compute.device)
        if photograph is not None and settings.colors == "luminance":
            image = matched(grey(image), grey(photograph), alpha, opaque)
        elif photograph is not None and settings.colors == "match":
            image = matched(image, photograph, alpha, opaque)
        mask = _mask(style.mask, f"style mask {number}", compute)
        if alpha is not None:
            # what is transparent isn't learned from
            mask = alpha if mask is None else alpha * resize(mask, (alpha.shape[2], alpha.shape[3])).clamp(0, 1)
            check(bool(mask.any()), f"the style mask {number} covers nothing of the style but its transparent part")
        region = _mask(style.region, f"content mask {number}", compute)
        key = _memo_key(style, settings)
        styles.append(Style(image, style.weight, mask, region, style.part, parts[style.part], key))
    return styles


def style_layers(settings: StyleSettings, ensemble: Ensemble) -> dict[str, StyleLayers]:
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


def _memo_key(style: StyleInput[Picture], settings: StyleSettings) -> tuple[str, ...] | None:
    """What identifies a style's pixels; None if its colors follow each photograph's, or it has no digest."""
    if settings.colors != "style" or not style.picture.sha256:
        return None
    return style.picture.sha256, style.mask.sha256 if style.mask else ""


def _mask(mask: Picture | None, name: str, compute: Compute) -> Tensor | None:
    """A mask as a tensor, ``(1, 1, H, W)`` in [0, 1].

    Raises:
        WrongRequest: it lets nothing through.
    """
    if mask is None:
        return None
    found = mask_tensor(mask, compute.device)
    check(bool(found.any()), f"the {name} is black everywhere, so nothing is left")
    return found
