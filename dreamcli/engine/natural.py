"""What photographs have in common: their colours, and how much of each frequency is in them.

Measured by us on 500 photographs of 256x256 pixels, after ``logit`` of their values (clipped to 0.01 .. 0.99).
"""

from __future__ import annotations

import torch
from torch import Tensor

# red, green and blue of the mean photograph, as logits
MEAN = (0.003, -0.144, -0.439)
# rows: what one standard deviation along each principal axis of the colours does to red, green and blue:
# brightness, orange to blue, green to magenta. They make up 92, 6 and 2 % of the variance.
COLORS = (
    (1.501, 1.523, 1.614),
    (0.512, -0.018, -0.459),
    (0.137, -0.310, 0.165),
)
# amplitudes fall with the frequency as f ** -1.3, alike on all three axes of colour,
FALL = 1.3
# and are larger along rows and columns than along diagonals: times 1 + 0.15 cos(4 * angle)
UPRIGHT = 0.15


def amplitudes(height: int, width: int) -> Tensor:
    """The amplitude of each frequency in a photograph, laid out as by ``torch.fft.rfft2(norm="ortho")``.

    Scaled so that the pixels' variance is 1, and 0 for the mean: ``(height, width // 2 + 1)``.
    """
    down, right = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :]
    frequency = torch.hypot(down, right)
    frequency[0, 0] = torch.inf
    angle = torch.atan2(down, right)
    found: Tensor = frequency**-FALL * (1 + UPRIGHT * (4 * angle).cos())
    # all columns but the first (and the last, of an even width) stand for two
    twice = torch.full_like(right, 2.0)
    twice[0, 0] = 1
    if width % 2 == 0:
        twice[0, -1] = 1
    return found / (found.square() * twice).sum().div(height * width).sqrt()


def to_image(components: Tensor) -> Tensor:
    """Turn ``(N, 3, H, W)`` along the axes of `COLORS` into an RGB image in (0, 1)."""
    axes, mean = components.new_tensor(COLORS), components.new_tensor(MEAN)
    logits: Tensor = axes.T @ components.flatten(2) + mean[:, None]
    return logits.sigmoid().view(components.shape)


def to_components(image: Tensor) -> Tensor:
    """The inverse of `to_image`, for values from 0.01 to 0.99; others are brought there."""
    axes, mean = torch.linalg.inv(image.new_tensor(COLORS)), image.new_tensor(MEAN)
    components: Tensor = axes.T @ (image.clamp(0.01, 0.99).logit().flatten(2) - mean[:, None])
    return components.view(image.shape)


def noise(count: int, height: int, width: int, contrast: float, generator: torch.Generator) -> Tensor:
    """Random images with the frequencies and colours of photographs: ``(count, 3, height, width)`` in (0, 1).

    Args:
        contrast: from 0 (all in the mean photograph's colour) to 1 (as in photographs).
        generator: on the CPU, where they are made.
    """
    white = torch.randn(count, 3, height, width, generator=generator)
    spectrum = torch.fft.rfft2(white, norm="ortho") * amplitudes(height, width)
    components = torch.fft.irfft2(spectrum, (height, width), norm="ortho")
    return to_image(contrast * components)


def high_frequency_share(image: Tensor) -> float:
    """The share of an image's energy, in brightness and without its mean, above a quarter cycle a pixel.

    Args:
        image: ``(1, 3, H, W)``. Photographs have a few thousandths, noise has about 0.8.
    """
    brightness = image.float().mean(1)
    energy = torch.fft.fft2(brightness - brightness.mean()).abs().square()
    down, right = (torch.fft.fftfreq(side, device=image.device) for side in brightness.shape[1:])
    high = torch.hypot(down[:, None], right[None, :]) > 0.25
    return float((energy * high).sum() / energy.sum().clamp(min=1e-12))
