"""A network's own filters, and what a classic one does to a picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize_alpha, resize_visible
from dreamcli.errors import WrongRequest, check
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.filters import ALL, FilterSettings

from .artwork import Artwork, Inputs, OnStep
from .features import COLUMNS, RAMP, colored
from .pixels import alpha_tensor, scaled_picture, to_pixels
from .sheet import contact_sheet, heading, matrix_picture, stacked

_GAUSSIAN = tuple(tuple(a * b / 256 for b in (1, 4, 6, 4, 1)) for a in (1, 4, 6, 4, 1))
_UNSHARP = tuple(tuple((2 if a * b == 36 else 0) - a * b / 256 for b in (1, 4, 6, 4, 1)) for a in (1, 4, 6, 4, 1))
# each kernel's weights, and what is added at the end, from 0 (black) to 1
KERNEL_WEIGHTS: Mapping[str, tuple[tuple[tuple[float, ...], ...], float]] = {
    "identity": (((0, 0, 0), (0, 1, 0), (0, 0, 0)), 0.0),
    "edge": (((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)), 0.0),
    "sharpen": (((0, -1, 0), (-1, 5, -1), (0, -1, 0)), 0.0),
    "emboss": (((-2, -1, 0), (-1, 0, 1), (0, 1, 2)), 0.5),
    "box": (((1 / 9,) * 3,) * 3, 0.0),
    "gaussian": (_GAUSSIAN, 0.0),
    "unsharp": (_UNSHARP, 0.0),
}
DENOMINATORS = (1, 9, 256)  # one of them turns a kernel's weights into whole numbers
NARROWEST = 96  # pixels: room for a filter's caption
WIDEST = 1000  # pixels: as many filters of a deeper layer lie side by side as fit
TILE = 240  # pixels: the longer side of the pictures next to the kernels


def show_filters(
    settings: FilterSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, _on_step: OnStep | None = None
) -> list[Artwork]:
    """Show the kernels of convolutions, or what a classic kernel, or each of them, does to a picture.

    The first layer's kernels are shown in color. For a deeper layer, each row is a filter, and each tile in it the
    kernel for one of its input channels.

    Args:
        settings, ensemble, compute: see `dream`.
        inputs: the picture, if a kernel is applied.

    Raises:
        WrongRequest: a layer is unknown or no convolution, or there are several networks.
    """
    if settings.apply:
        assert inputs.start is not None
        if settings.apply == ALL:
            return [Artwork(classic_kernels(inputs.start, settings.size or TILE, compute.device))]
        return [Artwork(convolved(inputs.start, settings.apply, settings.size, compute.device))]
    network = ensemble.only
    convolutions = [name for name, module in network.module.named_modules() if isinstance(module, torch.nn.Conv2d)]
    check(bool(convolutions), f"{network.card.name} has no convolution")
    layers = [ensemble.find(spec)[0].name for spec in settings.layers] or convolutions[:1]
    blocks = []
    for layer in layers:
        inner = [name for name in convolutions if name == layer or name.startswith(f"{layer}.")]
        if not inner:
            some = ", ".join(convolutions[:3])
            raise WrongRequest(f"{layer} isn't a convolution and contains none; the convolutions include {some}")
        weights = {name: network.module.get_parameter(f"{name}.weight") for name in reversed(inner)}
        name = max(weights, key=lambda name: weights[name][0, 0].numel())  # the last of the largest kernels
        title, sheet = _kernels(weights[name].detach().float().cpu().numpy(), name, settings)
        blocks += [title, sheet] if settings.headings else [sheet]
    return [Artwork(stacked(blocks))]


def _kernels(weights: np.ndarray, name: str, settings: FilterSettings) -> tuple[Pixels, Pixels]:
    """A heading, and a sheet of a convolution's ``(filters, channels, height, width)`` weights."""
    filters = weights[: settings.top or len(weights)]
    count = f"{len(weights)}" if len(filters) == len(weights) else f"{len(filters)} of {len(weights)}"
    inputs = f"{weights.shape[1]} channel{'s' * (weights.shape[1] > 1)}"
    shape = f"{name}: {count} filters of {inputs}, {weights.shape[3]}x{weights.shape[2]}"
    captions = [f"{name}:{index}" for index in range(len(filters))]
    strongest = np.abs(filters).max((1, 2, 3), keepdims=True).clip(1e-9)
    shares = 0.5 + 0.5 * filters / strongest
    if weights.shape[1] == 3:
        tiles = [_enlarged((share.transpose(1, 2, 0) * 255).round().astype(np.uint8), 8) for share in shares]
        return heading(f"{shape}; gray is 0"), contact_sheet(tiles, captions, COLUMNS)
    channels = settings.top or weights.shape[1]
    rows = [
        np.concatenate([np.pad(kernel, 1, constant_values=0.5) for kernel in each[:channels]], 1) for each in shares
    ]
    ends = ("most negative", "most positive of each filter")
    # without headings as in version 0.1: small, and one below the other
    factor = max(4, -(-NARROWEST // rows[0].shape[1])) if settings.headings else 4
    tiles = [_enlarged(colored(row, settings.colormap), factor) for row in rows]
    columns = max(1, min(len(tiles), WIDEST // tiles[0].shape[1])) if settings.headings else 1
    return heading(shape, colored(RAMP, settings.colormap), ends), contact_sheet(tiles, captions, columns)


def _enlarged(pixels: Pixels, factor: int) -> Pixels:
    return pixels.repeat(factor, 0).repeat(factor, 1)


def classic_kernels(picture: Picture, size: int, device: torch.device) -> Pixels:
    """A sheet of all classic kernels: each one's weights, and what it makes of a picture, ``size`` pixels long."""
    tiles, captions = [], []
    for name, (weights, offset) in KERNEL_WEIGHTS.items():
        result = convolved(Picture(picture.on_white), name, size, device)
        whole = next(each for each in DENOMINATORS if np.allclose(np.array(weights) * each % 1, 0))
        numbers = [[f"{weight * whole:.0f}" for weight in row] for row in weights]
        matrix = matrix_picture(np.array(weights), numbers, len(result))
        tiles.append(np.concatenate([matrix, result], 1))
        units = f", in units of 1/{whole}" if whole > 1 else ""
        captions.append(name + units + (f", plus {offset:g}" if offset else ""))
    return contact_sheet(tiles, captions, 2)


def convolved(picture: Picture, kernel: str, size: int | None, device: torch.device) -> Pixels:
    """Apply a classic kernel to each color of a picture, with the convolution that networks use."""
    weights, offset = KERNEL_WEIGHTS[kernel]
    image = _shown(picture, size, device)
    weight = torch.tensor(weights, dtype=torch.float32, device=device)
    border = len(weights) // 2
    padded = F.pad(image, (border, border, border, border), mode="replicate")
    return to_pixels(F.conv2d(padded, weight.expand(3, 1, -1, -1), groups=3) + offset)


def _shown(picture: Picture, longest: int | None, device: torch.device) -> Tensor:
    """The colors of a picture, ``(1, 3, height, width)`` in [0, 1]; white where it is transparent."""
    image, alpha = scaled_picture(picture, longest, device), alpha_tensor(picture, device)
    size = (image.shape[2], image.shape[3])
    return image if alpha is None else resize_visible(image, resize_alpha(alpha, size), size)


def worked(picture: Picture, kernel: str, size: int | None, place: tuple[int, int]) -> str:
    """One pixel of a convolution, worked out by hand: patch, kernel, products and sum, for each color.

    Args:
        picture, kernel, size: see `convolved`.
        place: the pixel's row and column, from 0.

    Raises:
        WrongRequest: the picture has no such pixel.
    """
    image = to_pixels(_shown(picture, size, torch.device("cpu"))).astype(float)
    rows, columns = image.shape[:2]
    if place[0] >= rows or place[1] >= columns:
        raise WrongRequest(
            f"the picture has {rows} rows and {columns} columns, from 0; there is no {place[0]},{place[1]}"
        )
    weights, offset = KERNEL_WEIGHTS[kernel]
    border, side = len(weights) // 2, len(weights)
    padded = np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge")
    patch = padded[place[0] : place[0] + side, place[1] : place[1] + side]
    lines = [f"{kernel} at row {place[0]}, column {place[1]}: patch | kernel | products"]
    for number, color in enumerate(("red", "green", "blue")):
        products = patch[..., number] * np.array(weights)
        total = products.sum() + 255 * offset
        lines += ["", color]
        for values, kernel_row, product_row in zip(patch[..., number], weights, products, strict=True):
            parts = [" ".join(f"{value:8.5g}" for value in row) for row in (values, kernel_row, product_row)]
            lines.append("  |  ".join(parts))
        added = f" + {255 * offset:g}" if offset else ""
        lines.append(f"sum{added} = {total:.5g}, shown as {min(255, max(0, round(total)))}")
    return "\n".join(lines)
