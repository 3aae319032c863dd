"""The schedule of sizes: an image is dreamed small first, then larger and larger."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def octave_sizes(height: int, width: int, octaves: int, scale: float, minimum: int) -> list[tuple[int, int]]:
    """The (height, width) of every octave in pixels, from the smallest up to the size given.

    Each is ``scale`` times the previous one. Octaves whose shorter side would be less than ``minimum`` are skipped,
    except for the full size.
    """
    sizes = [(height, width)]
    shrunk = 1.0
    for _ in range(octaves - 1):
        shrunk /= scale
        size = round(height * shrunk), round(width * shrunk)
        if min(size) < max(minimum, 1):
            break
        sizes.append(size)
    return list(dict.fromkeys(reversed(sizes)))


def growing_sizes(height: int, width: int, smallest: int, scale: float) -> list[tuple[int, int]]:
    """The (height, width) of as many octaves as it takes from ``smallest`` pixels on the longer side to the full size.

    Each is about ``scale`` times the previous one.
    """
    longest = max(height, width)
    count = math.ceil(max(0.0, math.log(longest / smallest)) / math.log(scale))
    shrunk = [(smallest / longest) ** (step / max(1, count)) for step in range(count, -1, -1)]
    return [(max(1, round(height * part)), max(1, round(width * part))) for part in shrunk]


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize ``(N, C, H, W)`` to ``size`` (height, width), bicubic and antialiased; may overshoot slightly."""
    if tuple(image.shape[2:]) == size:
        return image
    return F.interpolate(image, size, mode="bicubic", antialias=True)


def resize_alpha(alpha: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize ``(N, 1, H, W)`` to ``size`` (height, width), bilinear and antialiased: it never overshoots."""
    return alpha if tuple(alpha.shape[2:]) == size else _bilinear(alpha, size)


def resize_visible(image: Tensor, alpha: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize an image with its pixels weighted by their alpha, so that hidden colors don't bleed over edges.

    Args:
        image: ``(N, 3, H, W)`` in [0, 1], not multiplied by its alpha.
        alpha: ``(N, 1, H, W)`` in [0, 1].

    Returns:
        ``(N, 3, *size)`` in [0, 1], white where it is transparent.
    """
    if tuple(image.shape[2:]) == size:
        return torch.where(alpha > 0, image, 1)
    opacity, weighted = resize_alpha(alpha, size), _bilinear(image * alpha, size)
    return torch.where(opacity > 0, weighted / opacity.clamp(min=1e-6), 1).clamp(0, 1)


def over_white(image: Tensor, alpha: Tensor | None) -> Tensor:
    """An image as it looks on white."""
    return image if alpha is None else image * alpha + (1 - alpha)


def _bilinear(image: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(image, size, mode="bilinear", antialias=True)
