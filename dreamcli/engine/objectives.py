"""What to climb: objectives that can be added, scaled and negated.

A weight means the same on every layer of every network: energy is a logarithm, so one unit is an e-fold increase of
the activations; a channel or a neuron is in units of ``scale``, usually the `rms` of its whole layer on the starting
image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .activations import Captured, channel

_TINY = 1e-12
MAX_PRODUCTS = 2**25  # computed at once: 128 MB of float32
QUANTILES = 16
SAMPLED_ROWS = 28  # about this many rows and columns of a larger map stand for all of it


class Objective(ABC):
    """Something to maximize: ``objective(activations, image)`` is a scalar, the mean over the batch.

    Objectives form an algebra: ``a + b``, ``a - b``, ``0.5 * a``, ``-a`` and ``sum([a, b])``.
    """

    @abstractmethod
    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        """Return the value, a scalar tensor, for the ``{layer: activation}`` of an image ``(N, 3, H, W)``."""

    def __add__(self, other: Objective | float) -> Objective:
        if other == 0:  # sum() starts from 0
            return self
        if not isinstance(other, Objective):
            raise TypeError(f"an objective can only be added to another objective, not to {other!r}")
        return WeightedSum(((1.0, self), (1.0, other)))

    __radd__ = __add__

    def __sub__(self, other: Objective) -> Objective:
        return self + -other

    def __mul__(self, weight: float) -> Objective:
        return WeightedSum(((float(weight), self),))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return -1.0 * self


@dataclass(frozen=True)
class WeightedSum(Objective):
    """``sum(weight * objective)`` over its terms."""

    terms: tuple[tuple[float, Objective], ...]

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        return torch.stack([weight * term(activations, image) for weight, term in self.terms]).sum()


@dataclass(frozen=True)
class Apiece(Objective):
    """A separate objective for each of several equal parts of a batch, in order.

    The value is their sum, so each image climbs as it would alone.
    """

    objectives: tuple[Objective, ...]

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        count = len(self.objectives)
        parts = {layer: activation.chunk(count) for layer, activation in activations.items()}
        values = [
            objective({layer: chunks[index] for layer, chunks in parts.items()}, some)
            for index, (objective, some) in enumerate(zip(self.objectives, image.chunk(count), strict=True))
        ]
        return torch.stack(values).sum()


@dataclass(frozen=True)
class LayerEnergy(Objective):
    """The logarithm of a layer's RMS activation: DeepDream's "more of what the layer already sees".

    Mordvintsev et al. (2015) climb ``1/2 ||a||^2``. The logarithm has the same gradient up to a factor, and that
    factor makes layers comparable.

    Attributes:
        stands_out: count only how each channel differs from its mean over all places, so that an even pattern over
            all of a sky gains nothing.
    """

    layer: str
    stands_out: bool = False

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        activation = activations[self.layer]
        energy: Tensor = _MeanSquare.apply(activation)
        if self.stands_out and activation.dim() == 4:
            means = activation.mean((2, 3), dtype=torch.float32)
            energy = (energy - means.square().mean(1)).clamp(min=0)
        return 0.5 * (energy + _TINY).log().mean()


class _MeanSquare(torch.autograd.Function):
    """The mean square of each image's activation, ``(N, ...)`` to ``(N,)`` in float32.

    Sums in float32 without the float32 copies of the whole layer that autograd would make forward and backward:
    several times faster in bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, activation: Tensor) -> Tensor:
        ctx.save_for_backward(activation)
        norm: Tensor = torch.linalg.vector_norm(activation, dim=tuple(range(1, activation.dim())), dtype=torch.float32)
        return norm.square() / activation[0].numel()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        activation: Tensor = ctx.saved_tensors[0]
        factor = gradients[0] * (2 / activation[0].numel())
        return activation * factor.to(activation.dtype).view(-1, *[1] * (activation.dim() - 1))


@dataclass(frozen=True)
class Channel(Objective):
    """The mean of one channel, in units of ``scale``."""

    layer: str
    channel: int
    scale: float = 1.0

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        plane = channel(activations[self.layer], self.channel).float()
        return plane.reshape(len(plane), -1).mean(1).mean() / self.scale


@dataclass(frozen=True)
class Neuron(Objective):
    """One neuron of a channel, in units of ``scale``.

    Attributes:
        y, x: its place, as shares in [0, 1) of the map's height and width, so that it stays put when the image is
            resized.
    """

    layer: str
    channel: int
    y: float
    x: float
    scale: float = 1.0

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        plane = channel(activations[self.layer], self.channel).float()
        if plane.dim() != 3:
            raise ValueError(f"layer {self.layer} has no rows and columns: use a channel without @Y,X")
        row, column = int(self.y * plane.shape[1]), int(self.x * plane.shape[2])
        return plane[:, row, column].mean() / self.scale


@dataclass(frozen=True)
class Guide(Objective):
    """The mean dot product of the features at each position with their best match among a guide's features.

    The "guided dreaming" of Mordvintsev et al., 2015. A value of 1 means features like the guide's everywhere.

    Attributes:
        features: ``(M, C)``: the guide's activations at each of its positions.
    """

    layer: str
    features: Tensor

    @classmethod
    def of(cls, layer: str, activation: Tensor, alpha: Tensor | None = None) -> Guide:
        """Take the features from the guide's activation ``(1, C, H, W)``, ``(1, L, C)`` or ``(1, C)``.

        ``alpha`` is the guide's, ``(1, 1, any, any)``; None if it is opaque. Transparent parts are left out.
        """
        return cls(layer, visible_positions(activation.detach().float(), alpha)[0])

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        positions = positions_of(activations[self.layer].float())
        with torch.no_grad():
            index, _ = largest_products(positions.flatten(0, 1), self.features)
            matches = self.features[index].view(positions.shape)
        return (positions * matches).sum(2).mean() / self.features.square().sum(1).mean()


def largest_products(wanted: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Find the known vector with the largest dot product for each wanted one.

    It works in blocks, to bound the memory.

    Args:
        wanted: ``(P, C)``.
        known: ``(M, C)``.

    Returns:
        the known vector's index, and the product: ``(P,)`` each.
    """
    blocks = [(some @ known.T).max(1) for some in torch.split(wanted, max(1, MAX_PRODUCTS // len(known)))]
    return torch.cat([block.indices for block in blocks]), torch.cat([block.values for block in blocks])


@dataclass(frozen=True)
class Alignment(Objective):
    """How strongly each place has the features that are wanted there: the dot product times the squared cosine.

    The dot product alone is raised by large features of any kind, the cosine alone by the right mixture of faint ones;
    their product asks for the wanted mixture, exaggerated. The mean over all places; 1 means the wanted features as
    they are. As in the caricatures of Lucid (Olah et al., 2018).

    Attributes:
        wanted: an activation of the layer, as large as those that it is compared with; or, for the same features
            everywhere, ``(1, C)``.
    """

    layer: str
    wanted: Tensor

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        found, wanted = positions_of(activations[self.layer].float()), positions_of(self.wanted.float())
        products = (found * wanted).sum(2)
        lengths = torch.linalg.vector_norm(found, dim=2) * torch.linalg.vector_norm(wanted, dim=2)
        cosines = (products / lengths.clamp(min=_TINY)).clamp(min=0.1)  # a gradient even where they disagree
        value: Tensor = (products * cosines.square()).mean() / wanted.square().sum(2).mean().clamp(min=_TINY)
        return value


def visible_positions(activation: Tensor, alpha: Tensor | None) -> Tensor:
    """The `positions_of` one image's activation that are at least half as opaque as the most opaque one.

    ``alpha`` is ``(1, 1, any, any)``. If it is None, or there are no rows and columns, all positions are taken.
    """
    positions = positions_of(activation)
    if alpha is None or activation.dim() != 4:
        return positions
    return positions[:, brightest(alpha, (activation.shape[2], activation.shape[3]))]


def brightest(weight: Tensor, size: tuple[int, int]) -> Tensor:
    """Where a weight ``(1, 1, any, any)`` is at least half its maximum at this (rows, columns): a mask, row by row."""
    values = F.interpolate(weight, size, mode="area").flatten()
    return values >= values.max() / 2


def positions_of(activation: Tensor) -> Tensor:
    """Reshape an activation ``(N, C, H, W)``, ``(N, L, C)`` or ``(N, C)`` to ``(N, positions, C)``."""
    if activation.dim() == 4:
        return activation.permute(0, 2, 3, 1).flatten(1, 2)
    return activation if activation.dim() == 3 else activation.unsqueeze(1)


@dataclass(frozen=True)
class Diversity(Objective):
    """How different the images of a batch are, from 0 to 1, by the correlations of a layer's channels.

    One minus the mean cosine between the Gram matrices of every two images, as in the diversity term of Olah,
    Mordvintsev and Schubert, "Feature Visualization", 2017. Needs a batch of at least two.
    """

    layer: str

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        positions = positions_of(activations[self.layer].float())
        grams = F.normalize((positions.transpose(1, 2) @ positions).flatten(1), dim=1)
        likeness = grams @ grams.T
        count = len(grams)
        return 1 - (likeness.sum() - likeness.trace()) / (count * (count - 1))


@dataclass(frozen=True)
class TotalVariation(Objective):
    """The mean absolute difference between neighboring pixels; a penalty, to be subtracted."""

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        down = image[:, :, 1:] - image[:, :, :-1]
        right = image[..., 1:] - image[..., :-1]
        # a single row has no neighbors below
        means = [each.abs().mean() for each in (down, right) if each.numel()]
        return sum(means, image.new_zeros(()))


@dataclass(frozen=True)
class L2(Objective):
    """The mean squared deviation of the image from mid-gray; a penalty, to be subtracted."""

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        return (image - 0.5).square().mean()


@dataclass(frozen=True)
class BatchNormStatistics(Objective):
    """How far each channel's mean and deviation over an image are from those in training; a penalty, to be subtracted.

    DeepInversion's prior (Yin et al., 2020, arXiv:1912.08795), but measured after batch normalization, where the mean
    and the deviation over the training images are the layer's bias and weight; so it works on folded layers too.

    Attributes:
        statistics: the means and standard deviations of every layer's channels.
    """

    statistics: Mapping[str, tuple[Tensor, Tensor]]

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        errors = []
        for layer, (mean, deviation) in self.statistics.items():
            found = activations[layer].float()
            variance, middle = torch.var_mean(found, (2, 3), correction=0)
            shift = (middle - mean) / deviation
            spread = (variance + _TINY).sqrt() / deviation - 1
            errors.append((shift.square() + spread.square()).mean())
        return torch.stack(errors).mean()


@dataclass(frozen=True)
class Distributions(Objective):
    """How far the distribution of each channel's values is from that in photographs; a penalty, to be subtracted.

    The mean squared difference of their quantiles, in units of each channel's deviation: the sort matching of Görgün,
    Schiele and Fischer, "VITAL", 2025 (arXiv:2503.22399).

    Attributes:
        wanted: every layer's `quantiles` and its channels' standard deviations, ``(1, C, 1)``, in photographs.
    """

    wanted: Mapping[str, tuple[Tensor, Tensor]]

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        errors = [
            ((quantiles(activations[layer]) - values) / deviation).square().mean()
            for layer, (values, deviation) in self.wanted.items()
        ]
        return torch.stack(errors).mean()


def quantiles(activation: Tensor, alpha: Tensor | None = None) -> Tensor:
    """The values of each channel, sorted, in `QUANTILES` groups of equal size: the mean of each, ``(N, C, QUANTILES)``.

    Of large maps, only every few rows and columns are taken. ``alpha``: see `visible_positions`.
    """
    if activation.dim() == 4:
        stride = max(1, min(activation.shape[2:]) // SAMPLED_ROWS)
        activation = activation[:, :, ::stride, ::stride]
    values = visible_positions(activation.float(), alpha).transpose(1, 2).sort(2).values
    return F.adaptive_avg_pool1d(values, QUANTILES)


def rms(activation: Tensor) -> float:
    """The root mean square of an activation; never zero."""
    return float((activation.detach().float().pow(2).mean() + _TINY).sqrt())
