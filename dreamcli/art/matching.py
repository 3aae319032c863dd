"""Match each place of a photograph with the most similar place of the styles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from dreamcli.engine.activations import Captured
from dreamcli.engine.neighbors import NeighborDistance, hypercolumns, nearest, vectors
from dreamcli.engine.objectives import brightest
from dreamcli.engine.octaves import resize

from .colors import brightness
from .octaves import Size
from .styles import Style, StyleLayers

MAX_STRIDE = 16  # pixels; a deeper layer's vectors cover too many places
STRIDE = 2  # pixels between the places that are matched; more in large pictures
MAX_PLACES = 2**16  # to bound the memory
MAX_CANDIDATES = 2**13  # of all styles together
TURNS = 4  # quarter turns of each style to choose from, so its strokes can follow the photograph's edges
KEPT = 0.75  # the photograph's share in what is matched; the rest is the painting so far
TONE = 0.5  # the weight of a place's brightness in matching, relative to its features
# how a style's weight counts in the choice between styles: e times the weight is worth this much cosine
PREFERENCE = 0.1


def matched_places(
    styles: Sequence[Style],
    sizes: Sequence[Size],
    photograph: Tensor,
    painted: Tensor | None,
    opaque: Tensor | None,
    activations: Callable[[Tensor], Captured],
) -> list[tuple[float, NeighborDistance]]:
    """Match every place of a photograph with one of the styles', for one octave.

    As in "Neural Neighbor Style Transfer" (see `NeighborDistance`), which matches features of VGG16 alone.

    Args:
        styles, sizes: the styles, and their (height, width) in pixels in this octave.
        photograph: ``(1, 3, H, W)`` in [0, 1].
        painted: what the previous octaves made of it, at the same size; None in the first.
        opaque: the photograph's alpha, ``(1, 1, any, any)`` in [0, 1]; None if it is opaque everywhere.

    Returns:
        a distance for each group of styles that have the same layers, with the group's share of the weight.
    """
    with torch.no_grad():
        seen = activations(photograph if painted is None else _blended(photograph, painted))
        groups: dict[StyleLayers, list[tuple[Style, Size]]] = {}
        for style, size in zip(styles, sizes, strict=True):
            groups.setdefault(style.layers, []).append((style, size))
        whole = sum(style.weight for style in styles)
        tones = _tones(photograph, _grid((photograph.shape[2], photograph.shape[3])))
        return [
            (sum(style.weight for style, _ in group) / whole, _matched(group, seen, tones, opaque, activations))
            for group in groups.values()
        ]


def _blended(photograph: Tensor, painted: Tensor) -> Tensor:
    """Mix some of what has been painted into the photograph, but keep its finest detail."""
    size = (photograph.shape[2], photograph.shape[3])

    def coarse(image: Tensor) -> Tensor:
        return resize(resize(image, (math.ceil(size[0] / 2), math.ceil(size[1] / 2))), size)

    return (photograph + (1 - KEPT) * (coarse(painted) - coarse(photograph))).clamp(0, 1)


def _grid(size: Size) -> tuple[int, int]:
    """The rows and columns of places in a picture of this size."""
    stride = max(STRIDE, math.sqrt(size[0] * size[1] / MAX_PLACES))
    return max(1, round(size[0] / stride)), max(1, round(size[1] / stride))


def _tones(image: Tensor, grid: tuple[int, int]) -> Tensor:
    """The brightness of each place of a grid, ``(1, 1, *grid)``."""
    return F.interpolate(brightness(image), grid, mode="area")


def _keys(columns: Tensor, tones: Tensor) -> Tensor:
    """The vectors to compare in matching: the features of places, ``(P, C)``, and their brightness, ``(P,)``.

    Features know shapes better than tones: without the brightness, a white cup would be painted in patches of every
    color.
    """
    centered = columns - columns.mean(0)
    length = torch.linalg.vector_norm(centered, dim=1).mean()
    relative = (tones - tones.mean()) / tones.std(correction=0).clamp(min=1e-4)
    return torch.cat([centered, TONE * length * relative[:, None]], 1)


def _matched(
    group: list[tuple[Style, Size]],
    seen: Captured,
    tones: Tensor,
    opaque: Tensor | None,
    activations: Callable[[Tensor], Captured],
) -> NeighborDistance:
    every = group[0][0].layers
    layers = [(layer, weight) for layer, weight in every if layer.stride <= MAX_STRIDE] or every
    # all layers count the same, whatever the scale of their values
    scales = {layer.key: weight / float(seen[layer.key].float().norm(dim=1).mean()) for layer, weight in layers}
    grid = (tones.shape[2], tones.shape[3])
    places = vectors(hypercolumns(seen, scales, grid))
    keys = _keys(places, tones.flatten())
    heaviest = max(style.weight for style, _ in group)
    wanted, best = torch.zeros_like(places), places.new_full((len(places),), -torch.inf)
    for style, size in group:
        candidates, known = _candidates(style, size, scales, MAX_CANDIDATES // len(group), activations)
        index, likeness = nearest(keys, known)
        likeness = likeness + PREFERENCE * math.log(style.weight / heaviest)
        if style.region is not None:
            # cosines differ by 2 at most, so a clearly brighter region always wins
            likeness = likeness + 10 * F.interpolate(style.region, grid, mode="area").flatten().log().clamp(min=-10)
        better = likeness > best
        wanted[better], best[better] = candidates[index[better]], likeness[better]
    columns = F.normalize(wanted, dim=1).T.reshape(1, -1, *grid)
    return NeighborDistance(scales, columns, painted_weight([style for style, _ in group], grid, opaque))


def _candidates(
    style: Style, size: Size, scales: dict[str, float], limit: int, activations: Callable[[Tensor], Captured]
) -> tuple[Tensor, Tensor]:
    """A style's vectors, ``(up to limit, C)``, sampled evenly over the picture in all turns, and their keys."""
    image = resize(style.image, size).clamp(0, 1)
    found, tones = [], []
    for turns in range(TURNS):
        turned = torch.rot90(image, turns, (2, 3)).contiguous()
        grid = _grid((turned.shape[2], turned.shape[3]))
        columns = vectors(hypercolumns(activations(turned), scales, grid))
        chosen = torch.arange(len(columns), device=columns.device)
        if style.mask is not None:
            chosen = chosen[brightest(torch.rot90(style.mask, turns, (2, 3)), grid)]
        count = min(len(chosen), limit // TURNS)
        chosen = chosen[torch.linspace(0, len(chosen) - 1, count, device=columns.device).round().long()]
        found.append(columns[chosen])
        tones.append(_tones(turned, grid).flatten()[chosen])
    candidates = torch.cat(found)
    return candidates, _keys(candidates, torch.cat(tones))


def painted_weight(styles: list[Style], grid: tuple[int, int], opaque: Tensor | None) -> Tensor | None:
    """How much each place is painted: the brightest region's value there, times the opacity; None for fully."""
    regions = [style.region for style in styles]
    weight = None
    if all(region is not None for region in regions):
        weight = torch.stack([F.interpolate(region, grid, mode="area") for region in regions if region is not None])
        weight = weight.amax(0)
    if opaque is None:
        return weight
    shown = F.interpolate(opaque, grid, mode="area")
    return shown if weight is None else weight * shown
