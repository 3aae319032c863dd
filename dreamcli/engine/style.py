"""Style as statistics of features, and content as the features themselves: distances, to be subtracted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from . import PIXELS
from .activations import Captured
from .objectives import Objective

_TINY = 1e-12


@dataclass(frozen=True)
class Statistics:
    """Statistics of a layer's channels over an image, wherever in it.

    Attributes:
        mean: ``(C,)``, of each channel.
        gram: ``(C, C)``, the mean product of every two channels (Gatys, Ecker and Bethge, 2016, arXiv:1508.06576), in
            float32: half precision overflows.
    """

    mean: Tensor
    gram: Tensor

    @classmethod
    def of(cls, activation: Tensor, weight: Tensor | None = None) -> Statistics:
        """Measure an activation ``(1, C, H, W)``, or tokens ``(1, L, C)``.

        ``weight``, ``(1, 1, any, any)``, weighs each part of the image; None for equal weights, and for tokens.
        """
        features = activation.float()[0]
        features = features.T if features.dim() == 2 else features.flatten(1)
        if weight is None:
            share = features.new_full((1, features.shape[1]), 1 / features.shape[1])
        else:
            share = F.interpolate(weight, activation.shape[2:], mode="area")[0].flatten(1)
            share = share / share.sum().clamp(min=_TINY)
        weighted = features * share
        return cls(weighted.sum(1), weighted @ features.T)

    @property
    def covariance(self) -> Tensor:
        """The covariance of the channels, ``(C, C)``."""
        return self.gram - torch.outer(self.mean, self.mean)

    @cached_property
    def root(self) -> Tensor:
        """The square root of the covariance, ``(C, C)``."""
        values, vectors = torch.linalg.eigh(self.covariance.cpu().double())  # not every device has float64
        root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
        return root.float().to(self.gram.device)


def gram_distance(found: Statistics, wanted: Statistics) -> Tensor:
    """The squared Frobenius distance between the Gram matrices (Gatys et al., 2016)."""
    return (found.gram - wanted.gram).square().sum()


def moment_distance(found: Statistics, wanted: Statistics) -> Tensor:
    """The squared 2-Wasserstein distance between normal distributions with these means and covariances.

    Differentiable in ``found`` alone. As a style distance: K. Crowson, "style-transfer-pytorch", 2021.
    """
    inner = wanted.root @ found.covariance @ wanted.root
    shift = (found.mean - wanted.mean).square().sum()
    traces = found.covariance.diagonal().sum() + wanted.covariance.diagonal().sum()
    # the small ridge keeps the root's gradient finite where the covariance is singular
    ridge = _TINY + 1e-6 * inner.diagonal().mean().detach().abs()
    values = torch.linalg.eigvalsh(inner + ridge * torch.eye(len(inner), device=inner.device))
    distance: Tensor = shift + traces - 2 * values.clamp(min=_TINY).sqrt().sum()
    return distance


DISTANCES = {"gram": gram_distance, "moments": moment_distance}


def smoothed(activation: Tensor) -> Tensor:
    """Flatten the peaks of an activation by a softmax over all of it, scaled to a mean of 1.

    Residual networks, whose activations are sparse and large, need this for style (Wang, Li and Vasconcelos, 2021,
    arXiv:2104.05623).
    """
    flat = activation.float().flatten(1)
    return (flat.softmax(1) * flat.shape[1]).view(activation.shape)


@dataclass(frozen=True)
class StyleDistance(Objective):
    """The distance between an image's statistics in a layer and a style's, in units of ``baseline``.

    Attributes:
        layer: the layer's name, or `PIXELS`.
        wanted: the style's statistics.
        kind: "gram" or "moments".
        baseline: the distance at the start, so that all layers, styles and networks weigh the same.
        weight: ``(1, 1, any, any)``: the weight of each part of the image; None for equal weights.
        smooth: whether the activations are `smoothed`.
    """

    layer: str
    wanted: Statistics
    kind: str
    baseline: float = 1.0
    weight: Tensor | None = None
    smooth: bool = False

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        activation = image if self.layer == PIXELS else activations[self.layer]
        found = Statistics.of(smoothed(activation) if self.smooth else activation, self.weight)
        return DISTANCES[self.kind](found, self.wanted) / self.baseline


@dataclass(frozen=True)
class ContentDistance(Objective):
    """The mean squared difference from a photograph's features in a layer, relative to their variance.

    Attributes:
        wanted: the photograph's activation, ``(1, C, H, W)``.
        weight: as in `StyleDistance`.
    """

    layer: str
    wanted: Tensor
    weight: Tensor | None = None

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        wanted = self.wanted.float()
        squares = (activations[self.layer].float() - wanted).square()
        scale = wanted.var(correction=0).clamp(min=_TINY)
        if self.weight is None:
            return squares.mean() / scale
        share = F.interpolate(self.weight, squares.shape[2:], mode="area")
        return (squares * share).mean() / share.mean().clamp(min=_TINY) / scale
