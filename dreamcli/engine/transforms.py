"""Small random changes of the image before each step, each drawing from a torch.Generator.

They keep the picture from being fitted to one alignment with the network's grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Transform = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Jitter:
    """Roll the image by up to ``pixels`` each way (at most half of its size), round the border."""

    pixels: int

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Give the ``(N, 3, H, W)`` image, rolled."""
        shifts = []
        for side in image.shape[2:]:
            most = min(self.pixels, side // 2)
            shifts.append(int(torch.randint(-most, most + 1, (), generator=generator)))
        return _Roll.apply(image, *shifts) if any(shifts) else image


class _Roll(torch.autograd.Function):
    """``image.roll((down, right), (2, 3))``, whose own version takes twice as long."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, down: int, right: int) -> Tensor:
        ctx.shifts = down, right
        return _roll(image, down, right)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        down, right = ctx.shifts
        return _roll(gradients[0], -down, -right), None, None


def _roll(image: Tensor, down: int, right: int) -> Tensor:
    row, column = -down % image.shape[2], -right % image.shape[3]
    image = torch.cat([image[:, :, row:], image[:, :, :row]], 2)
    return torch.cat([image[..., column:], image[..., :column]], 3)
