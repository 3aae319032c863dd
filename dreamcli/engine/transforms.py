"""Small random changes to the image before each step, each drawn from a torch.Generator.

They keep the image from fitting one alignment with the network's grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Transform = Callable[[Tensor, torch.Generator], Tensor]  # of an image (N, 3, H, W)


@dataclass(frozen=True)
class Jitter:
    """Roll the image by up to ``pixels`` in each direction, and by at most half its size."""

    pixels: int

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        limits = [min(self.pixels, side // 2) for side in image.shape[2:]]
        shifts = [int(torch.randint(-most, most + 1, (), generator=generator)) for most in limits]
        return _Roll.apply(image, *shifts) if any(shifts) else image


class _Roll(torch.autograd.Function):
    """``image.roll((down, right), (2, 3))`` in half the time that torch takes."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, down: int, right: int) -> Tensor:
        ctx.shifts = down, right
        return _roll(image, down, right)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        down, right = ctx.shifts
        return _roll(gradients[0], -down, -right), None, None


def _roll(image: Tensor, down: int, right: int) -> Tensor:
    rolled = torch.empty_like(image)
    height, width = image.shape[2:]
    row, column = down % height, right % width
    for to_row, of_row in ((slice(row, None), slice(None, height - row)), (slice(row), slice(height - row, None))):
        rolled[:, :, to_row, column:] = image[:, :, of_row, : width - column]
        rolled[:, :, to_row, :column] = image[:, :, of_row, width - column :]
    return rolled


def _between(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


@dataclass(frozen=True)
class Pad:
    """Add a mid-gray border of ``pixels``, so that shapes needn't touch the edge of what the network sees."""

    pixels: int

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Return the ``(N, 3, H + 2 * pixels, W + 2 * pixels)`` image."""
        return F.pad(image, (self.pixels,) * 4, value=0.5)


@dataclass(frozen=True)
class Turn:
    """Rotate and scale about the center, by a random angle and factor.

    Attributes:
        degrees: the largest angle, in either direction.
        scales: the smallest and the largest factor; pixels from outside the image are mid-gray.
    """

    degrees: float = 10.0
    scales: tuple[float, float] = (0.9, 1.1)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        angle = math.radians(_between(-self.degrees, self.degrees, generator))
        scale = _between(*self.scales, generator)
        height, width = image.shape[2:]
        cosine, sine = math.cos(angle) / scale, math.sin(angle) / scale
        # at every step, so in grid_sample's own coordinates, where both sides have length 2; affine_grid and
        # `sampling` would take longer
        down, right = ((torch.arange(side, device=image.device) + 0.5) * (2 / side) - 1 for side in (height, width))
        x = right * cosine - down[:, None] * (sine * height / width)
        y = right * (sine * width / height) + down[:, None] * cosine
        grid = torch.stack([x, y], 2).expand(len(image), height, width, 2)
        return F.grid_sample(image - 0.5, grid, align_corners=False) + 0.5


@dataclass(frozen=True)
class Crop:
    """Enlarge a random square crop to the image's shorter side.

    Attributes:
        shares: the smallest and the largest side of the crop, as a share of the image's shorter side.
    """

    shares: tuple[float, float] = (0.5, 1.0)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Return the square crop, ``(N, 3, S, S)``."""
        height, width = image.shape[2:]
        size = min(height, width)
        side = max(1, round(_between(*self.shares, generator) * size))
        top = int(torch.randint(height - side + 1, (), generator=generator))
        left = int(torch.randint(width - side + 1, (), generator=generator))
        part = image[:, :, top : top + side, left : left + side]
        return F.interpolate(part, (size, size), mode="bilinear", antialias=True)


@dataclass(frozen=True)
class Mirror:
    """Mirror the image left to right, half the time."""

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        return image.flip(3) if int(torch.randint(2, (), generator=generator)) else image


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise of this standard deviation, where 1 is the difference between black and white."""

    deviation: float

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        return image + self.deviation * torch.randn(image.shape, generator=generator).to(image.device)
