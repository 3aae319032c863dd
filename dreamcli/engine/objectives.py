"""What to climb: objectives that add, scale and negate.

A weight means the same on every layer of every network: energy counts in logarithms, so one unit is an
e-fold growth of the activations; a channel or a neuron counts in units of a scale, for which `rms` of its
whole layer on the picture that one starts from is meant.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .activations import Captured, channel

_TINY = 1e-12


class Objective(ABC):
    """Something to maximise: ``objective(activations, image)`` is a scalar, the mean over the batch.

    Objectives form an algebra: ``a + b``, ``a - b``, ``0.5 * a``, ``-a`` and ``sum([a, b])``.
    """

    @property
    @abstractmethod
    def layers(self) -> tuple[str, ...]:
        """The layers whose activations it needs."""

    @abstractmethod
    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        """Give the value, a scalar tensor, for the ``{layer: activation}`` of an image ``(N, 3, H, W)``."""

    def __add__(self, other: Objective | float) -> Objective:
        # 0 is what sum() starts from
        return self if other == 0 else WeightedSum(((1.0, self), (1.0, _objective(other))))

    __radd__ = __add__

    def __sub__(self, other: Objective) -> Objective:
        return self + -other

    def __mul__(self, weight: float) -> Objective:
        return WeightedSum(((float(weight), self),))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return -1.0 * self


def _objective(value: Objective | float) -> Objective:
    if not isinstance(value, Objective):
        raise TypeError(f"an objective can be added to objectives only, not to {value!r}")
    return value


@dataclass(frozen=True)
class WeightedSum(Objective):
    """``sum(weight * objective)`` of its terms."""

    terms: tuple[tuple[float, Objective], ...]

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(layer for _, term in self.terms for layer in term.layers))

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        values = [weight * term(activations, image) for weight, term in self.terms]
        return torch.stack(values).sum()


@dataclass(frozen=True)
class _OfOneLayer(Objective):
    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        return (self.layer,)


@dataclass(frozen=True)
class LayerEnergy(_OfOneLayer):
    """The logarithm of a layer's RMS activation: DeepDream's "more of what the layer already sees".

    Mordvintsev et al. 2015 climb ``1/2 ||a||^2``; its logarithm has the same gradient up to a factor,
    and the factor is what makes layers comparable.
    """

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        energy: Tensor = _MeanSquare.apply(activations[self.layer])
        return 0.5 * (energy + _TINY).log().mean()


class _MeanSquare(torch.autograd.Function):
    """The mean square of each picture's activation, ``(N, ...)`` to ``(N,)`` in float32.

    Summed in float32 without the float32 copies of the whole layer that autograd would make there and
    back: several times faster in bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, activation: Tensor) -> Tensor:
        ctx.save_for_backward(activation)
        dims = tuple(range(1, activation.dim()))
        norm: Tensor = torch.linalg.vector_norm(activation, dim=dims, dtype=torch.float32)
        return norm.square() / activation[0].numel()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        activation: Tensor = ctx.saved_tensors[0]
        factor = gradients[0] * (2 / activation[0].numel())
        return activation * factor.to(activation.dtype).view(-1, *[1] * (activation.dim() - 1))


@dataclass(frozen=True)
class Channel(_OfOneLayer):
    """The mean of one channel, in units of ``scale``."""

    channel: int
    scale: float = 1.0

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        activation = activations[self.layer].float()
        mean = channel(activation, self.channel).reshape(len(activation), -1).mean(1)
        return mean.mean() / self.scale


@dataclass(frozen=True)
class Neuron(_OfOneLayer):
    """One neuron of a channel, in units of ``scale``.

    Attributes:
        y, x: where it is, as shares in [0, 1) of the map's height and width, so that it stays in place
            when the picture is resized.
    """

    channel: int
    y: float
    x: float
    scale: float = 1.0

    def __call__(self, activations: Captured, image: Tensor) -> Tensor:
        activation = activations[self.layer].float()
        plane = channel(activation, self.channel)
        if plane.dim() != 3:
            raise ValueError(f"layer {self.layer} has no rows and columns: name a channel without @Y,X")
        row, column = int(self.y * plane.shape[1]), int(self.x * plane.shape[2])
        return plane[:, row, column].mean() / self.scale


def rms(activation: Tensor) -> float:
    """The root of the mean square of an activation; never zero."""
    return float((activation.detach().float().pow(2).mean() + _TINY).sqrt())
