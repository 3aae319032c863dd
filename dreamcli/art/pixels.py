"""Turn pixels into tensors, and tensors into pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from dreamcli.engine.mps import layout
from dreamcli.engine.octaves import resize, resize_visible
from dreamcli.errors import check
from dreamcli.files.reading import Picture, Pixels


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """Turn ``(H, W, 3)`` uint8 into ``(1, 3, H, W)`` float32 in [0, 1], in the device's `layout`."""
    tensor = torch.tensor(pixels, device=device).permute(2, 0, 1).unsqueeze(0)
    return tensor.float().div_(255).contiguous(memory_format=layout(device))


def to_pixels(image: Tensor) -> Pixels:
    """Turn ``(1, 3, H, W)`` in [0, 1] into ``(H, W, 3)`` uint8, clipped and rounded."""
    levels = image.detach()[0].clamp(0, 1).mul_(255).round_().to(torch.uint8)
    return levels.permute(1, 2, 0).cpu().contiguous().numpy()


def scaled_size(height: int, width: int, longest: int | None) -> tuple[int, int]:
    """The size with ``longest`` pixels on the longer side, in proportion; None changes nothing."""
    if longest is None:
        return height, width
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def scaled_tensor(pixels: Pixels, longest: int | None, device: torch.device) -> Tensor:
    """`to_tensor`, resized to `scaled_size`: ``(1, 3, height, width)`` in [0, 1]."""
    size = scaled_size(pixels.shape[0], pixels.shape[1], longest)
    return resize(to_tensor(pixels, device), size).clamp(0, 1)


def scaled_picture(picture: Picture, longest: int | None, device: torch.device) -> Tensor:
    """As `scaled_tensor`, for a picture that may be transparent. At its own size, hidden colors stay, too."""
    alpha = alpha_tensor(picture, device)
    size = scaled_size(picture.pixels.shape[0], picture.pixels.shape[1], longest)
    if alpha is None or size == picture.pixels.shape[:2]:
        return scaled_tensor(picture.pixels, longest, device)
    return resize_visible(to_tensor(picture.pixels, device), alpha, size)


def alpha_tensor(picture: Picture, device: torch.device) -> Tensor | None:
    """A picture's alpha, ``(1, 1, H, W)`` in [0, 1]; None if it is opaque."""
    return None if picture.alpha is None else torch.tensor(picture.alpha, device=device)[None, None] / 255


def mask_tensor(mask: Picture, device: torch.device) -> Tensor:
    """How much a mask lets through, ``(1, 1, H, W)`` in [0, 1]: its alpha, or its brightness if that doesn't vary.

    Paint programs and background removers save a selection as transparency, whatever color lies in it.
    """
    alpha = alpha_tensor(mask, device)
    if alpha is not None and alpha.min() < alpha.max():
        return alpha
    brightness = to_tensor(mask.pixels, device).mean(1, keepdim=True)
    return brightness if alpha is None else brightness * alpha


def visible_only(picture: Picture, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """A picture to learn from, its transparent parts filled with the mean visible color, and its alpha.

    Returns:
        ``(1, 3, H, W)`` and ``(1, 1, H, W)`` in [0, 1]; the alpha is None if it is opaque.

    Raises:
        WrongRequest: it is transparent everywhere.
    """
    image, alpha = to_tensor(picture.pixels, device), alpha_tensor(picture, device)
    if alpha is None:
        return image, None
    check(bool(alpha.any()), "the picture is transparent everywhere, so there is nothing to learn from")
    mean = (image * alpha).sum((2, 3), keepdim=True) / alpha.sum()
    return mean.lerp(image, alpha), alpha
