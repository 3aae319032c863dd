"""The styles of a painting: their pictures, masks and layers, made ready."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.errors import check
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.references import StyleInput
from dreamcli.settings.style import StyleSettings

from .artwork import Inputs
from .colors import grey, matched
from .octaves import Size
from .pixels import scaled_size, to_tensor

StyleLayers = tuple[tuple[NetworkLayer, float], ...]  # with their weights


@dataclass(frozen=True)
class Style:
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
    layers: StyleLayers
    key: tuple[str, ...] | None

    def size(self, painted: Size, scale: float) -> Size:
        """Its (height, width) for a painting of some size."""
        return scaled_size(self.image.shape[2], self.image.shape[3], round(max(painted) * scale))

    def colors(self, size: Size) -> Tensor:
        """Its colors at this size, where its mask is bright: ``(3, any)``."""
        image = resize(self.image, size).clamp(0, 1)[0].flatten(1)
        if self.mask is None:
            return image
        bright = F.interpolate(self.mask, size, mode="area").flatten()
        return image[:, bright >= bright.max() / 2]


def styles_of(
    settings: StyleSettings, ensemble: Ensemble, inputs: Inputs, photograph: Tensor | None, compute: Compute
) -> list[Style]:
    """Prepare each style's pictures and layers."""
    check(bool(inputs.references.styles), "name at least one style")
    parts = style_layers(settings, ensemble)
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
