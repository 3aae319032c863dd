"""Style by nearest neighbors: each place of a picture is made like the most similar place of the style picture.

Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich, "Neural Neighbor Style Transfer", 2022 (arXiv:2203.13215).
Statistics are averages over the whole picture: a sky may stay flat if the trees have enough strokes for both. Here each
place is compared by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .activations import Captured
from .objectives import Objective, largest_products

_TINY = 1e-12


def hypercolumns(activations: Captured, scales: Mapping[str, float], grid: tuple[int, int]) -> Tensor:
    """Concatenate the features of all layers at each place of a grid: ``(1, C, *grid)`` in float32.

    Args:
        activations: feature maps ``(1, any, any, any)``.
        scales: the layers, and a factor for each one's features.
        grid: (rows, columns).
    """
    maps = [F.interpolate(activations[layer].float(), grid, mode="bilinear") * by for layer, by in scales.items()]
    return torch.cat(maps, 1)


def vectors(columns: Tensor) -> Tensor:
    """Flatten hypercolumns ``(1, C, rows, columns)`` row by row: ``(rows * columns, C)``."""
    return columns[0].flatten(1).T


def nearest(wanted: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Find the most similar candidate for each wanted vector, by cosine similarity.

    Each set is centered on its own mean first, so the dark parts of one picture match the dark parts of another,
    however bright either is.

    Args:
        wanted: ``(P, C)``.
        candidates: ``(M, C)``.

    Returns:
        the best candidate's index and its cosine, ``(P,)`` each.
    """
    known = F.normalize(candidates - candidates.mean(0), dim=1)
    return largest_products(F.normalize(wanted - wanted.mean(0), dim=1), known)


@dataclass(frozen=True)
class NeighborDistance(Objective):
    """The mean cosine distance, from 0 to 2, between the features at each place and those wanted there.

    Attributes:
        scales: see `hypercolumns`.
        wanted: the hypercolumns to approach, ``(1, C, rows, columns)``, each of length 1.
        weight: ``(1, 1, any, any)``: the weight of each part of the image; None for equal weights.
    """

    scales: Mapping[str, float]
    wanted: Tensor
    weight: Tensor | None = None

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        grid = (self.wanted.shape[2], self.wanted.shape[3])
        found = hypercolumns(activations, self.scales, grid)
        cosines = (found * self.wanted).sum(1) / torch.linalg.vector_norm(found, dim=1).clamp(min=_TINY)
        if self.weight is None:
            likeness = cosines.mean()
        else:
            share = F.interpolate(self.weight, grid, mode="area")[:, 0]
            likeness = (cosines * share).sum() / share.sum().clamp(min=_TINY)
        distance: Tensor = 1 - likeness
        return distance
