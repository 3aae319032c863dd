"""Style as statistics of features, and content as the features themselves: distances, to be subtracted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from . import PIXELS
from .activations import Captured
from .objectives import Objective

_TINY = 1e-12
_MAX_COLORS = 2**20  # to take quantiles of
_RARE = 0.005  # share of a style's colors to leave out at either end


@dataclass(frozen=True)
class Statistics:
    """Statistics of a layer's channels over all positions of each image of a batch.

    Attributes:
        mean: ``(N, C)``, of each channel.
        gram: ``(N, C, C)``, the mean product of every two channels (Gatys, Ecker and Bethge, 2016, arXiv:1508.06576),
            in float32: half precision overflows.
    """

    mean: Tensor
    gram: Tensor

    @classmethod
    def of(cls, activation: Tensor, weight: Tensor | None = None) -> Statistics:
        """Measure an activation ``(N, C, H, W)``, or tokens ``(N, L, C)``.

        ``weight``, ``(N or 1, 1, any, any)``, weighs each part of an image; None for equal weights, and for tokens.
        """
        features = activation.float()
        features = features.transpose(1, 2) if features.dim() == 3 else features.flatten(2)
        if weight is None:
            share = features.new_full((1, 1, features.shape[2]), 1 / features.shape[2])
        else:
            share = F.interpolate(weight, activation.shape[2:], mode="area").flatten(2)
            share = share / share.sum(2, keepdim=True).clamp(min=_TINY)
        weighted = features * share
        return cls(weighted.sum(2), weighted @ features.transpose(1, 2))

    @property
    def covariance(self) -> Tensor:
        """The covariance of the channels, ``(N, C, C)``."""
        return self.gram - self.mean[:, :, None] * self.mean[:, None, :]

    @cached_property
    def root(self) -> Tensor:
        """The square root of the covariance, ``(N, C, C)``."""
        covariance = self.covariance.cpu().double()  # not every device has float64
        values, vectors = torch.linalg.eigh(covariance.nan_to_num(0, 0, 0))
        root: Tensor = (vectors * values.clamp(min=0).sqrt()[:, None]) @ vectors.mT
        return root.float().to(self.gram.device)


def gram_distance(found: Statistics, wanted: Statistics) -> Tensor:
    """The squared Frobenius distance between the Gram matrices (Gatys et al., 2016), the mean over the batch."""
    return (found.gram - wanted.gram).square().sum((1, 2)).mean()


def moment_distance(found: Statistics, wanted: Statistics) -> Tensor:
    """The squared 2-Wasserstein distance between normal distributions with these means and covariances.

    The mean over the batch. Differentiable in ``found`` alone. As a style distance: K. Crowson,
    "style-transfer-pytorch", 2021.
    """
    inner = wanted.root @ found.covariance @ wanted.root
    shift = (found.mean - wanted.mean).square().sum(1)
    traces = _trace(found.covariance) + _trace(wanted.covariance)
    # the small ridge keeps the root's gradient finite where the covariance is singular
    ridge = _TINY + 1e-6 * (_trace(inner) / inner.shape[1]).detach().abs()
    inner = inner + ridge[:, None, None] * torch.eye(inner.shape[1], device=inner.device)
    # on the CPU, since GPUs are slow at it; non-finite values still reach the result through the other terms
    values = torch.linalg.eigvalsh(inner.cpu().nan_to_num(0, 0, 0)).to(inner.device)
    distance: Tensor = (shift + traces - 2 * values.clamp(min=_TINY).sqrt().sum(1)).mean()
    return distance


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)


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
        seen = smoothed(activation) if self.smooth else activation
        return DISTANCES[self.kind](Statistics.of(seen, self.weight), self.wanted) / self.baseline


@dataclass(frozen=True)
class GamutDistance(Objective):
    """How far an image's colors lie outside those of a style: the mean distance from a box around the latter.

    Statistics alone would allow a few colors that the style doesn't have.

    Attributes:
        middle: the style's mean color, ``(3,)``.
        axes: the principal axes of its colors, ``(3, 3)``: columns of length 1.
        low, high: the range of its colors along each axis, ``(3,)``.
        weight: as in `StyleDistance`.
    """

    middle: Tensor
    axes: Tensor
    low: Tensor
    high: Tensor
    weight: Tensor | None = None

    @classmethod
    def of(cls, colors: Tensor, weight: Tensor | None = None) -> GamutDistance:
        """Measure the colors of styles, ``(3, any)``, leaving out the rarest."""
        middle = colors.mean(1)
        centered = colors - middle[:, None]
        axes = torch.linalg.eigh((centered @ centered.T / colors.shape[1]).cpu())[1].to(colors.device)
        stride = math.ceil(colors.shape[1] / _MAX_COLORS)
        along = axes.T @ centered[:, ::stride]
        return cls(middle, axes, along.quantile(_RARE, 1), along.quantile(1 - _RARE, 1), weight)

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        along = torch.einsum("nchw,ca->nahw", image - self.middle.view(3, 1, 1), self.axes)
        outside = along - along.clamp(self.low.view(3, 1, 1), self.high.view(3, 1, 1))
        distance = outside.abs().sum(1, keepdim=True)
        if self.weight is not None:
            share = F.interpolate(self.weight, image.shape[2:], mode="area")
            distance = distance * share / share.mean().clamp(min=_TINY)
        return distance.mean()


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
