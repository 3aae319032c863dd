"""The schedule of sizes: an image is dreamed small first, then larger and larger."""

from __future__ import annotations

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


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize ``(N, C, H, W)`` to ``size`` (height, width), bicubic and antialiased; may overshoot slightly."""
    if tuple(image.shape[2:]) == size:
        return image
    return F.interpolate(image, size, mode="bicubic", antialias=True)
