"""The colors of images, for style transfer that keeps or matches them."""

from __future__ import annotations

import torch
from torch import Tensor


def brightness(image: Tensor) -> Tensor:
    """The brightness of an image ``(N, 3, H, W)``: ``(N, 1, H, W)`` in the same range."""
    weights = image.new_tensor((0.299, 0.587, 0.114)).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)


def grey(image: Tensor) -> Tensor:
    """The brightness of an image, as a gray image."""
    return brightness(image).expand(-1, 3, -1, -1)


def matched(image: Tensor, to: Tensor, alpha: Tensor | None = None, to_alpha: Tensor | None = None) -> Tensor:
    """Give an image the mean and covariance of another image's colors (Gatys et al., 2017, arXiv:1611.07865).

    Each is measured where it is opaque, by its alpha ``(1, 1, H, W)``; None for everywhere.
    """

    def moments(picture: Tensor, alpha: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        pixels = picture[0].flatten(1).cpu().double()  # not every device has float64
        weight = torch.ones_like(pixels[:1]) if alpha is None else alpha[0].flatten(1).cpu().double()
        mean = (pixels * weight).sum(1, keepdim=True) / weight.sum()
        covariance = (pixels - mean) * weight @ (pixels - mean).T / weight.sum()
        values, vectors = torch.linalg.eigh(covariance + 1e-6 * torch.eye(3))
        return mean, (vectors * values.sqrt()) @ vectors.T, (vectors / values.sqrt()) @ vectors.T

    mean, _, whitening = moments(image, alpha)
    wanted_mean, coloring, _ = moments(to, to_alpha)
    pixels = coloring @ whitening @ (image[0].flatten(1).cpu().double() - mean) + wanted_mean
    return pixels.float().to(image.device).view(image.shape).clamp(0, 1)


def recolored(result: Tensor, photograph: Tensor) -> Tensor:
    """Give the result the photograph's colors and keep its brightness."""
    return (photograph + grey(result) - grey(photograph)).clamp(0, 1)
