"""A camera that zooms into a picture and turns."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .sampling import depth_inside, sample


def moved(image: Tensor, zoom: float, degrees: float, center: tuple[float, float]) -> Tensor:
    """Enlarge an image and turn it counterclockwise about a place in it; what lies outside is its reflection.

    Args:
        image: ``(N, C, H, W)``.
        zoom: above 0; below 1, it shrinks.
        center: the place's (row, column) in pixels, which stays where it is.
    """
    return sample(image, *_sources(image, zoom, degrees, center), "reflection")


def inside(image: Tensor, zoom: float, degrees: float, center: tuple[float, float], feather: float) -> Tensor:
    """How far `moved` shows the image itself and not its reflection: ``(1, 1, H, W)``, from 0 (not) to 1.

    Args:
        feather: how wide the soft edge inside the image is, as a share of its shorter side.
    """
    depth = depth_inside(image, *_sources(image, zoom, degrees, center)) / min(image.shape[2:])
    share = (depth / max(feather, 1e-6)).clamp(0, 1)
    return (share * share * (3 - 2 * share))[None, None]


def _sources(image: Tensor, zoom: float, degrees: float, center: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Where each pixel of the moved image comes from: columns and rows in pixels, each ``(H, W)``."""
    height, width = image.shape[2:]
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle) / zoom, math.sin(angle) / zoom
    down = (torch.arange(height, device=image.device) - center[0])[:, None]
    right = torch.arange(width, device=image.device) - center[1]
    return right * cosine - down * sine + center[1], right * sine + down * cosine + center[0]
