"""The photographs that channels respond to most, and where in them.

Yosinski et al., "Understanding Neural Networks Through Deep Visualization", 2015 (arXiv:1506.06579).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dreamcli.engine.activations import Captured, channel
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Pixels
from dreamcli.networks.network import Network

from .pixels import to_tensor
from .sheet import grid

SIDE = 224  # pixels, of what the network is shown
ROWS = 3  # of the strongest photographs, and as many columns
DARKEST = 0.35  # the share of its brightness that a photograph keeps where the channel is silent


def squared(pixels: Pixels) -> Pixels:
    """The largest square in the middle of a picture, ``(SIDE, SIDE, 3)``."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def strongest_photographs(
    network: Network, layer: str, channels: Sequence[int], photographs: Sequence[Pixels], tile: int, compute: Compute
) -> list[tuple[Pixels, list[int]]]:
    """The photographs in which a layer's channels are largest anywhere, lit where they are.

    Args:
        photographs: from `squared`.
        tile: pixels on each side of a photograph in the result.

    Returns:
        for each channel, a picture of its strongest photographs, up to nine, three in a row, and their numbers, the
        strongest first; those in which it is nowhere above zero are left out.
    """
    activations = network.activations([layer], compute)

    def seen(number: int) -> list[Tensor]:
        found: Captured = activations(to_tensor(photographs[number], compute.device))
        return [channel(found[layer], index)[0].float().cpu() for index in channels]

    with torch.inference_mode():
        peaks = np.array([[float(values.max()) for values in seen(number)] for number in range(len(photographs))])
        order = np.argsort(-peaks, axis=0, kind="stable")[: ROWS**2]
        places = range(len(channels))
        chosen = [[int(number) for number in order[:, place] if peaks[number, place] > 0] for place in places]
        lit: dict[tuple[int, int], Pixels] = {}
        for number in sorted({number for numbers in chosen for number in numbers}):
            maps = seen(number)
            for place, numbers in enumerate(chosen):
                if number in numbers:
                    lit[place, number] = _lit(photographs[number], maps[place], tile)
    sheets = []
    for place, numbers in enumerate(chosen):
        cells = {divmod(rank, ROWS): lit[place, number] for rank, number in enumerate(numbers)}
        rows = max(1, math.ceil(len(numbers) / ROWS))
        sheets.append((grid(cells, (rows, ROWS), (tile, tile)), numbers))
    return sheets


def _lit(photograph: Pixels, values: Tensor, tile: int) -> Pixels:
    """A photograph, dark where a channel is not above zero, and bright where it is largest."""
    small = np.asarray(Image.fromarray(photograph).resize((tile, tile), Image.Resampling.LANCZOS), float)
    if values.dim() != 2:
        return small.round().astype(np.uint8)  # a channel without rows and columns sees it whole
    shares = (values.clamp(min=0) / values.max()).numpy()
    light = np.asarray(Image.fromarray(shares).resize((tile, tile), Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    return (small * (DARKEST + (1 - DARKEST) * light)).round().astype(np.uint8)
