"""What a network sees: feature maps of a picture.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013 (arXiv:1311.2901).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image

from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Pixels
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.features import FeatureSettings
from dreamcli.settings.layer_spec import LayerSpec

from .artwork import Artwork, Inputs, NotFinite, OnStep
from .memory_plan import activations_for
from .pixels import scaled_size, scaled_tensor, to_pixels
from .sheet import contact_sheet, heading, stacked

# stops along each colormap, from the lowest value to the highest; equal steps look equal, to the color-blind as well
COLORMAP_STOPS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "viridis": ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)),
    "magma": ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191)),
    "grey": ((0, 0, 0), (255, 255, 255)),
}
COLUMNS = 8
TILE = 112  # pixels
RAMP = np.linspace(0, 1, 64)
OVERLAY = 0.65  # opacity of a map over the photograph
OVERLAY_MOST = 0.85  # opacity of the highest values, where it follows them


def feature_maps(
    settings: FeatureSettings, ensemble: Ensemble, pixels: Pixels, compute: Compute
) -> dict[str, np.ndarray]:
    """Compute each layer's activation for a picture: ``{layer: (C, H, W) float32}``, by the layers' own names.

    Raises:
        WrongRequest: a layer is unknown, or has no rows and columns, or there are several networks.
        NotFinite: a value is infinite, or not a number.
    """
    network = ensemble.only
    layers = [layer for spec in settings.layers for layer in ensemble.find(spec)]
    with torch.inference_mode():
        image = scaled_tensor(pixels, settings.size, compute.device)
        seen = activations_for(layers, compute, (image.shape[2], image.shape[3]))(image)
    names = list(dict.fromkeys(layer.name for layer in layers))
    for layer in names:
        if seen[layer].dim() != 4:
            raise WrongRequest(f"layer {layer} of {network.card.name} has no rows and columns, so it has no map")
        if not bool(seen[layer].isfinite().all()):
            raise NotFinite
    return {layer: seen[layer][0].float().cpu().numpy() for layer in names}


def show_features(
    settings: FeatureSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, _on_step: OnStep | None = None
) -> list[Artwork]:
    """Lay the feature maps of a picture out on a sheet: the picture, and a block for each layer, from first to last.

    Args:
        settings, ensemble, compute: see `dream`.
        inputs: the picture.

    Raises:
        WrongRequest: a layer or a channel is unknown, a layer has no rows and columns, or there are several networks.
    """
    assert inputs.start is not None
    pixels = inputs.start.on_white
    order = {name: place for place, name in enumerate(ensemble.only.trace.shapes)}
    named = [(spec, ensemble.find(spec)[0].name) for spec in settings.layers]
    maps = feature_maps(settings, ensemble, pixels, compute)
    blocks = [_input(pixels, settings, compute)] if settings.headings else []
    for spec, name in sorted(named, key=lambda pair: order[pair[1]]):
        found = maps[name]
        channels = _channels(spec, settings, found, name)
        # a map of one value has no lowest and highest of its own (in version 0.1, it was dark)
        together = settings.scale == "layer" or (settings.headings and found.shape[1:] == (1, 1))
        span = (float(found.min()), float(found.max())) if together else None
        tiles = [_tile(found[channel], settings, span, pixels if settings.overlay else None) for channel in channels]
        captions = [f"{spec.layer if spec.channel is None else name}:{channel}" for channel in channels]
        if settings.headings:
            ends = ("lowest", "highest of each map") if span is None else (f"{span[0]:.3g}", f"{span[1]:.3g}")
            text = _described(spec, name, found, ensemble.only)
            blocks.append(heading(text, colored(RAMP, settings.colormap), ends))
        blocks.append(contact_sheet(tiles, captions, min(COLUMNS, max(len(tiles), 1))))
    return [Artwork(stacked(blocks), maps=maps)]


def _input(pixels: Pixels, settings: FeatureSettings, compute: Compute) -> Pixels:
    """The picture as the network gets it, reduced to a tile."""
    image = scaled_tensor(pixels, settings.size, compute.device)
    caption = f"input {image.shape[3]}x{image.shape[2]}"
    return contact_sheet([to_pixels(resize(image, scaled_size(image.shape[2], image.shape[3], TILE)))], [caption], 1)


def _described(spec: LayerSpec, name: str, maps: np.ndarray, network: Network) -> str:
    """A layer in words: its maps, and how much of the picture each of their values depends on."""
    alias = "" if spec.layer == name else f"{spec.layer} = "
    down, right = network.trace.fields.get(name) or (None, None)
    seen = f", each value from {right.size}x{down.size} pixels" if down and right else ""
    count, rows, columns = maps.shape
    return f"{alias}{name}: {count} maps of {columns}x{rows}{seen}"


def _channels(spec: LayerSpec, settings: FeatureSettings, maps: np.ndarray, name: str) -> list[int]:
    if spec.channel is not None:
        return [spec.channel]
    if settings.channels:
        if max(settings.channels) >= len(maps):
            raise WrongRequest(f"layer {name} has channels 0 to {len(maps) - 1}; there is no {max(settings.channels)}")
        return list(settings.channels)
    if not settings.top:
        return list(range(len(maps)))
    most_active = np.argsort(-maps.mean((1, 2)), kind="stable")[: settings.top]
    return [int(channel) for channel in most_active]


def _tile(
    values: np.ndarray, settings: FeatureSettings, span: tuple[float, float] | None, photograph: Pixels | None
) -> Pixels:
    low, high = span or (float(values.min()), float(values.max()))
    shares = (values - low) / max(high - low, 1e-9)
    scale = TILE / max(shares.shape)
    size = (max(1, round(shares.shape[1] * scale)), max(1, round(shares.shape[0] * scale)))
    picture = Image.fromarray(colored(shares, settings.colormap))
    if photograph is None:
        return np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    grey = Image.fromarray(photograph).convert("L").convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return np.asarray(Image.blend(grey, picture.resize(size, Image.Resampling.BICUBIC), OVERLAY))


def blended(shares: np.ndarray, photograph: Pixels, colormap: str) -> Pixels:
    """Lay values in [0, 1], ``(height, width)``, over a photograph of the same size: the higher, the more opaque."""
    grey = np.asarray(Image.fromarray(photograph).convert("L"), float)[..., None]
    opacity = OVERLAY_MOST * shares[..., None]
    return (grey * (1 - opacity) + colored(shares, colormap) * opacity).round().astype(np.uint8)


def colored(shares: np.ndarray, colormap: str) -> Pixels:
    """Turn values in [0, 1] into colors, ``(..., 3)`` uint8."""
    stops = np.array(COLORMAP_STOPS[colormap], float)
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(shares, places, stops[:, c]) for c in range(3)], -1).round().astype(np.uint8)
