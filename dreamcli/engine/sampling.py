"""Sampling an image at places between its pixels."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def sample(image: Tensor, columns: Tensor, rows: Tensor, outside: Literal["border", "reflection"]) -> Tensor:
    """An image ``(N, C, H, W)`` at columns and rows in pixels, each ``(h, w)``, by bicubic interpolation.

    Args:
        outside: what lies beyond the edges: the edge repeated, or the image's reflection.
    """
    height, width = image.shape[2:]
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], 2)
    return F.grid_sample(image, grid.expand(len(image), *grid.shape), "bicubic", outside, align_corners=False)


def depth_inside(image: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """How far places ``(h, w)`` are from the nearest edge of an image, in pixels; below 0, they are outside."""
    height, width = image.shape[2:]
    edges = [columns + 0.5, width - 0.5 - columns, rows + 0.5, height - 0.5 - rows]
    return torch.stack(edges).amin(0)
