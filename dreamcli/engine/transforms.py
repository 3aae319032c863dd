"""Small random changes of the image before each step, each drawing from a torch.Generator.

They keep the picture from being fitted to one alignment with the network's grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
        return image.roll(shifts, (2, 3)) if any(shifts) else image
