"""A camera that zooms into a picture and turns."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def moved(image: Tensor, zoom: float, degrees: float, center: tuple[float, float]) -> Tensor:
    """Enlarge an image and turn it counterclockwise about a place in it; what lies outside is its reflection.

    Args:
        image: ``(N, C, H, W)``.
        zoom: above 0; below 1, it shrinks.
        center: the place's (row, column) in pixels, which stays where it is.
    """
    grid = _sources(image, zoom, degrees, center)
    size = grid.new_tensor((image.shape[3], image.shape[2]))
    grid = (2 * grid + 1) / size - 1
    return F.grid_sample(image, grid.expand(len(image), *grid.shape[1:]), "bicubic", "reflection", align_corners=False)


def inside(image: Tensor, zoom: float, degrees: float, center: tuple[float, float], feather: float) -> Tensor:
    """How far `moved` shows the image itself and not its reflection: ``(1, 1, H, W)``, from 0 (not) to 1.

    Args:
        feather: how wide the soft edge inside the image is, as a share of its shorter side.
    """
    grid = _sources(image, zoom, degrees, center)
    height, width = image.shape[2:]
    column, row = grid.unbind(3)
    edges = [column + 0.5, width - 0.5 - column, row + 0.5, height - 0.5 - row]
    depth = torch.stack(edges).amin(0) / min(height, width)
    share = (depth / max(feather, 1e-6)).clamp(0, 1)
    return (share * share * (3 - 2 * share))[:, None]


def _sources(image: Tensor, zoom: float, degrees: float, center: tuple[float, float]) -> Tensor:
    """Where each pixel of the moved image comes from: ``(1, H, W, 2)`` columns and rows, in pixels."""
    height, width = image.shape[2:]
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle) / zoom, math.sin(angle) / zoom
    down = (torch.arange(height, device=image.device) - center[0])[:, None]
    right = torch.arange(width, device=image.device) - center[1]
    column = right * cosine - down * sine + center[1]
    row = right * sine + down * cosine + center[0]
    return torch.stack([column, row], 2)[None]
