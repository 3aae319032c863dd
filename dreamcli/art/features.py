"""What a network sees: feature maps of a picture, the network's own filters, and what a convolution does.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013 (arXiv:1311.2901).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamcli.errors import WrongRequest, check
from dreamcli.networks.spec import LayerSpec

from .schedule import check_size

if TYPE_CHECKING:
    # these take their time to import, and the command line reads the defaults below for --help
    import numpy as np
    import torch

    from dreamcli.engine.compute import Compute
    from dreamcli.files.reading import Pixels
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep

SCALES = ("each", "layer")
# stops along each colormap, from the lowest value to the highest
COLORMAPS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "viridis": ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)),
    "magma": ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191)),
    "grey": ((0, 0, 0), (255, 255, 255)),
}
COLUMNS = 8
TILE = 112  # pixels
OVERLAY = 0.65  # how much the map counts over the photograph
# the classic 3x3 (and larger) kernels: their weights, and what is added in the end, from 0 (black) to 1
KERNELS: Mapping[str, tuple[tuple[tuple[float, ...], ...], float]] = {
    "identity": (((0, 0, 0), (0, 1, 0), (0, 0, 0)), 0.0),
    "edge": (((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)), 0.0),
    "sharpen": (((0, -1, 0), (-1, 5, -1), (0, -1, 0)), 0.0),
    "emboss": (((-2, -1, 0), (-1, 0, 1), (0, 1, 2)), 0.5),
    "box": (((1 / 9,) * 3,) * 3, 0.0),
    "gaussian": (tuple(tuple(a * b / 256 for b in (1, 4, 6, 4, 1)) for a in (1, 4, 6, 4, 1)), 0.0),
    "unsharp": (
        tuple(tuple((2 if a * b == 36 else 0) - a * b / 256 for b in (1, 4, 6, 4, 1)) for a in (1, 4, 6, 4, 1)),
        0.0,
    ),
}


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """How to show feature maps.

    Attributes:
        layers: whose; a spec with a channel shows that channel alone.
        channels: which channels of every layer; empty takes the most active.
        top: how many of the most active, by their mean; 0 for all.
        scale: "each" map spans the whole colormap, or they share one over the "layer".
        colormap: one of COLORMAPS.
        overlay: whether the maps are laid over the photograph.
        size: pixels on the longer side of what the network is shown; None for the picture's own.
    """

    layers: tuple[LayerSpec, ...] = (LayerSpec("low"), LayerSpec("mid"), LayerSpec("high"))
    channels: tuple[int, ...] = ()
    top: int = 16
    scale: str = "each"
    colormap: str = "viridis"
    overlay: bool = False
    size: int | None = None

    @property
    def sheet(self) -> bool:
        """That the result is a contact sheet."""
        return True

    def __post_init__(self) -> None:
        """Raise WrongRequest for a setting out of its range."""
        check(len(self.layers) > 0, "layers must name one layer at least")
        check(all(spec.position is None for spec in self.layers), "a feature map has no position: leave out the @Y,X")
        check(all(spec.weight == 1 for spec in self.layers), "a feature map has no weight: leave out the *WEIGHT")
        check(self.top >= 0, f"top must be at least 0, not {self.top}")
        check(self.scale in SCALES, f"scale is one of {', '.join(SCALES)}, not {self.scale!r}")
        check(self.colormap in COLORMAPS, f"colormap is one of {', '.join(COLORMAPS)}, not {self.colormap!r}")
        check_size(self.size)


def feature_maps(
    settings: FeatureSettings, network: Network, pixels: Pixels, compute: Compute
) -> dict[str, np.ndarray]:
    """Give each layer's activation for a picture: ``{layer: (C, H, W) float32}``, by the layers' own names.

    Args:
        settings: for the layers and the size.
        network: whose layers.
        pixels: the picture.
        compute: on what device, at what precision.

    Raises:
        WrongRequest: a layer is unknown, or has no rows and columns.
    """
    import torch

    from .artwork import find_layer, scaled_tensor
    from .memory import activations_for

    layers = tuple(dict.fromkeys(find_layer(spec, network) for spec in settings.layers))
    with torch.inference_mode():
        image = scaled_tensor(pixels, settings.size, compute.device)
        seen = activations_for(network, layers, compute, (image.shape[2], image.shape[3]))(image)
    for layer in layers:
        if seen[layer].dim() != 4:
            raise WrongRequest(
                f"layer {layer} of {network.card.name} has no rows and columns, so there is no map of it"
            )
    return {layer: seen[layer][0].float().cpu().numpy() for layer in layers}


def show_features(
    settings: FeatureSettings, network: Network, inputs: Inputs, compute: Compute, _on_step: OnStep | None = None
) -> list[Artwork]:
    """Lay the feature maps of a picture out on a sheet, a block of rows for each layer, from first to last.

    Args:
        settings: which, and how.
        network: that sees.
        inputs: the picture.
        compute: on what device, at what precision.

    Raises:
        WrongRequest: a layer or a channel is unknown, or a layer has no rows and columns.
    """
    from .artwork import Artwork, find_layer
    from .sheet import contact_sheet, stacked

    assert inputs.start is not None
    order = {name: place for place, name in enumerate(network.plan.shapes)}
    specs = sorted(settings.layers, key=lambda spec: order[find_layer(spec, network)])
    maps = feature_maps(settings, network, inputs.start, compute)
    blocks = []
    for spec in specs:
        name = find_layer(spec, network)
        found = maps[name]
        chosen = _chosen(spec, settings, found, name)
        span = (float(found.min()), float(found.max())) if settings.scale == "layer" else None
        tiles = [_tile(found[c], settings, span, inputs.start if settings.overlay else None) for c in chosen]
        captions = [f"{spec.layer if spec.channel is None else name}:{c}" for c in chosen]
        blocks.append(contact_sheet(tiles, captions, min(COLUMNS, max(len(tiles), 1))))
    return [Artwork(stacked(blocks))]


def _chosen(spec: LayerSpec, settings: FeatureSettings, maps: np.ndarray, name: str) -> list[int]:
    import numpy as np

    if spec.channel is not None:
        return [spec.channel]
    if settings.channels:
        if max(settings.channels) >= len(maps):
            raise WrongRequest(f"layer {name} has channels 0 to {len(maps) - 1}; there is no {max(settings.channels)}")
        return list(settings.channels)
    if not settings.top:
        return list(range(len(maps)))
    return np.argsort(-maps.mean((1, 2)), kind="stable")[: settings.top].tolist()  # type: ignore[no-any-return]


def _tile(
    values: np.ndarray, settings: FeatureSettings, span: tuple[float, float] | None, photograph: Pixels | None
) -> Pixels:
    import numpy as np
    from PIL import Image

    low, high = span or (float(values.min()), float(values.max()))
    shares = (values - low) / max(high - low, 1e-9)
    scale = TILE / max(shares.shape)
    size = (max(1, round(shares.shape[1] * scale)), max(1, round(shares.shape[0] * scale)))
    picture = Image.fromarray(colored(shares, settings.colormap))
    if photograph is None:
        return np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    grey = Image.fromarray(photograph).convert("L").convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return np.asarray(Image.blend(grey, picture.resize(size, Image.Resampling.BICUBIC), OVERLAY))


def colored(shares: np.ndarray, colormap: str) -> Pixels:
    """Turn values in [0, 1] into colours, ``(..., 3)`` uint8."""
    import numpy as np

    stops = np.array(COLORMAPS[colormap], float)
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(shares, places, stops[:, c]) for c in range(3)], -1).round().astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class FilterSettings:
    """How to show a convolution's filters, or to apply a classic one.

    Attributes:
        layers: convolutions; none takes the network's first.
        top: how many filters of each, and how many channels of each filter; 0 for all.
        colormap: for filters that are not of colours.
        apply: one of KERNELS, to be applied to a picture; empty shows filters.
        size: pixels on the longer side of the picture that a kernel is applied to; None for its own.
    """

    layers: tuple[LayerSpec, ...] = ()
    top: int = 32
    colormap: str = "grey"
    apply: str = ""
    size: int | None = None

    @property
    def sheet(self) -> bool:
        """Whether the result is a contact sheet."""
        return not self.apply

    def __post_init__(self) -> None:
        """Raise WrongRequest for a setting out of its range."""
        plain = all(spec.channel is None and spec.weight == 1 for spec in self.layers)
        check(plain, "filters are shown of whole layers: leave out the channel and the weight")
        check(self.top >= 0, f"top must be at least 0, not {self.top}")
        check(self.colormap in COLORMAPS, f"colormap is one of {', '.join(COLORMAPS)}, not {self.colormap!r}")
        check(not self.apply or self.apply in KERNELS, f"a kernel is one of {', '.join(KERNELS)}, not {self.apply!r}")
        check_size(self.size)


def show_filters(
    settings: FilterSettings, network: Network, inputs: Inputs, compute: Compute, _on_step: OnStep | None = None
) -> list[Artwork]:
    """Show the kernels of convolutions, or what a classic kernel makes of a picture.

    The first layer's kernels are shown in colour. Of a deeper one, each row is a filter, and each of its tiles
    the kernel for one channel of what it takes.

    Args:
        settings: which, and how.
        network: whose filters.
        inputs: the picture, if a kernel is applied.
        compute: on what device.

    Raises:
        WrongRequest: a layer is unknown or no convolution.
    """
    import torch

    from .artwork import Artwork, find_layer
    from .sheet import stacked

    if settings.apply:
        assert inputs.start is not None
        return [Artwork(convolved(inputs.start, settings.apply, settings.size, compute.device))]
    convolutions = [name for name, module in network.module.named_modules() if isinstance(module, torch.nn.Conv2d)]
    check(bool(convolutions), f"{network.card.name} has no convolution")
    layers = [find_layer(spec, network) for spec in settings.layers] or convolutions[:1]
    blocks = []
    for layer in layers:
        inner = [name for name in convolutions if name == layer or name.startswith(f"{layer}.")]
        if not inner:
            raise WrongRequest(f"{layer} is no convolution, and has none inside; such as {', '.join(convolutions[:3])}")
        weights = {name: network.module.get_parameter(f"{name}.weight") for name in reversed(inner)}
        name = max(weights, key=lambda name: weights[name][0, 0].numel())  # the last of those with most to see
        blocks.append(_kernels(weights[name].detach().float().cpu().numpy(), name, settings))
    return [Artwork(stacked(blocks))]


def _kernels(weights: np.ndarray, name: str, settings: FilterSettings) -> Pixels:
    """A sheet of a convolution's ``(filters, channels, height, width)`` weights."""
    import numpy as np

    from .sheet import contact_sheet

    count = settings.top or len(weights)
    filters = weights[:count]
    strongest = np.abs(filters).max((1, 2, 3), keepdims=True).clip(1e-9)
    shares = 0.5 + 0.5 * filters / strongest
    if weights.shape[1] == 3:
        tiles = [
            np.repeat(np.repeat((s.transpose(1, 2, 0) * 255).round().astype(np.uint8), 8, 0), 8, 1) for s in shares
        ]
        return contact_sheet(tiles, [f"{name}:{i}" for i in range(len(tiles))], COLUMNS)
    channels = settings.top or weights.shape[1]
    rows = [
        colored(np.concatenate([np.pad(k, 1, constant_values=0.5) for k in one[:channels]], 1), settings.colormap)
        for one in shares
    ]
    tiles = [row.repeat(4, 0).repeat(4, 1) for row in rows]
    return contact_sheet(tiles, [f"{name}:{i}" for i in range(len(tiles))], 1)


def convolved(pixels: Pixels, kernel: str, size: int | None, device: torch.device) -> Pixels:
    """Apply a classic kernel to each colour of a picture, by the convolution that networks use."""
    import torch
    from torch.nn import functional as F

    from .artwork import scaled_tensor, to_pixels

    weights, offset = KERNELS[kernel]
    image = scaled_tensor(pixels, size, device)
    weight = torch.tensor(weights, dtype=torch.float32, device=device)
    border = len(weights) // 2
    padded = F.pad(image, (border, border, border, border), mode="replicate")
    return to_pixels(F.conv2d(padded, weight.expand(3, 1, -1, -1), groups=3) + offset)
