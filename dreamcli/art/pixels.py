"""The way in from pixels, and the way out to them."""

from __future__ import annotations

import torch
from torch import Tensor

from dreamcli.engine.mps import layout
from dreamcli.engine.octaves import resize
from dreamcli.files.reading import Pixels


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
