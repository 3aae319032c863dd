"""A frozen network that processes large images in tiles, with the same result as for the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from .activations import Activations, InputFormat
from .compute import Compute
from .field import Field
from .footprint import is_out_of_memory
from .mps import layout
from .trace import Trace, first_line

TILES_IN_ROOM = 4  # a tile takes a quarter of the memory: the rest is for the layers' maps of the whole image
MIN_TILE = 128  # pixels on a side, without the margin that its units see


@dataclass(frozen=True)
class Cut:
    """One tile along one axis, in pixels.

    Attributes:
        start, stop: the tile itself; the tiles of an image cover each pixel once.
        first, last: the pixels that the network is fed, inclusive: the tile and the margin that its units see.
        is_last: whether the image ends here, so that any units after ``stop`` belong to this tile, too.
    """

    start: int
    stop: int
    first: int
    last: int
    is_last: bool

    def units(self, stride: Fraction | int, origin: int = 0) -> slice:
        """The tile's units in a layer's map with this stride, if the map starts at the pixel ``origin``."""
        return slice(int((self.start - origin) / stride), None if self.is_last else int((self.stop - origin) / stride))


def cuts(length: int, side: int, fields: list[Field]) -> list[Cut]:
    """Cut one axis into as few tiles as possible, of about equal length.

    Args:
        length: of the axis, in pixels.
        side: the most pixels to feed the network at once; exceeded if a tile would be smaller than `MIN_TILE`.
        fields: what the layers' units see.
    """
    # every layer of the whole image has a unit that starts where a tile starts
    step = math.lcm(*(field.step for field in fields))
    before = max(field.before for field in fields)
    beyond = max(field.beyond for field in fields)
    least = max(last for field in fields for _, last in field.spans) + 1  # without padding, no unit sees less
    # maps that were reduced and enlarged again only fit each other where the sides are whole steps
    grid = step if any(field.others for field in fields) else 1
    count = math.ceil(length / max(side - before - beyond, MIN_TILE))
    # a step may be larger than a tile
    edges = [*dict.fromkeys(length * index // count // step * step for index in range(count)), length]
    found = []
    for start, stop in pairwise(edges):
        end = length if stop == length else min(length, math.ceil((stop + beyond) / grid) * grid)
        first = max(0, min(start - before, end - least) // step * step)
        found.append(Cut(start, stop, first, end - 1, stop == length))
    return found


Tile = tuple[Cut, Cut]  # down, right


class TileError(Exception):
    """A network can't process an image in tiles."""


def _fits(shape: Sequence[int], fields: tuple[Field, Field], tile: Tile) -> bool:
    """Whether a layer's map of a tile has the units that follow from its fields."""
    if len(shape) != 4:
        return False
    for units, field, cut in zip(shape[2:], fields, tile, strict=True):
        fed = cut.last + 1 - cut.first
        covered = float(units * field.stride)
        is_cut_off = cut.is_last or cut.stop + field.beyond > cut.last + 1  # by the end of the image
        if covered < cut.stop - cut.first and not is_cut_off:
            return False
        # at the ends, padding adds units, or the lack of it takes some away
        if abs(covered - fed) > field.size + field.step:
            return False
    return True


class TiledActivations(Activations):
    """`Activations` that processes a large image in tiles, with the same result in less memory.

    Each tile is fed with the margin that its units see, and starts where a unit of the whole image starts. So every
    unit has the same value as in the whole image, and the same gradient: there are no seams to hide. Only the layers
    asked for are kept; everything in between is recomputed tile by tile for the gradient (Chen et al., "Training Deep
    Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174), which costs one more forward pass.

    Args:
        network, input_format, compute, trace: as in `Activations`.
        fields: the layers, and what a unit of each sees, (down, right).
        room: pixels; images of at most this many pixels are processed whole, larger ones in tiles of a quarter of it.
    """

    def __init__(
        self,
        network: nn.Module,
        fields: Mapping[str, tuple[Field, Field]],
        input_format: InputFormat,
        compute: Compute,
        trace: Trace,
        room: int,
    ) -> None:
        super().__init__(network, fields, input_format, compute, trace)
        self._fields = tuple(fields[layer] for layer in self.layers)
        self._room = room

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """As in `Activations`; every layer is a feature map ``(N, C, H, W)``."""
        count, _, height, width = image.shape
        if count * height * width <= self._room:
            return super().__call__(image)
        side = math.isqrt(self._room // (TILES_IN_ROOM * count))
        rows, columns = (
            cuts(length, side, [fields[axis] for fields in self._fields]) for axis, length in enumerate((height, width))
        )
        grid = [[(row, column) for column in columns] for row in rows]
        return dict(zip(self.layers, _Tiled.apply(image, grid, self), strict=True))

    def of_tile(self, image: Tensor, tile: Tile) -> list[Tensor]:
        """The layers' activations in one tile, for the pixels that the network is fed.

        Raises:
            TileError: the network doesn't take the tile, or gives maps of another size than its layers' fields say.
        """
        # a ReLU that is dead in a tile may be alive in the whole image: no gradient is redirected
        try:
            with torch._C.DisableTorchFunction():
                seen = super().__call__(image.contiguous(memory_format=layout(image.device)))
        except Exception as error:  # it may be anybody's network
            if is_out_of_memory(error):
                raise
            raise TileError(f"a tile of {_pixels(image)} doesn't go through: {first_line(error)}") from error
        row, column = tile
        for layer, fields in zip(self.layers, self._fields, strict=True):
            if not _fits(shape := seen[layer].shape, fields, tile):
                raise TileError(f"layer {layer} has the shape {_times(shape[1:])} for a tile of {_pixels(image)}")
        return [
            seen[layer][:, :, row.units(down.stride, row.first), column.units(right.stride, column.first)]
            for layer, (down, right) in zip(self.layers, self._fields, strict=True)
        ]

    def in_tile(self, maps: Sequence[Tensor | None], tile: Tile) -> list[Tensor | None]:
        """The part of the whole image's maps that belongs to one tile."""
        row, column = tile
        return [
            None if whole is None else whole[:, :, row.units(down.stride), column.units(right.stride)]
            for whole, (down, right) in zip(maps, self._fields, strict=True)
        ]


class _Tiled(torch.autograd.Function):
    """The layers' maps of an image, computed tile by tile, forward and backward."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, grid: list[list[Tile]], activations: TiledActivations) -> tuple[Tensor, ...]:
        ctx.save_for_backward(image)
        ctx.set_materialize_grads(False)
        ctx.tiles, ctx.activations = [tile for row in grid for tile in row], activations
        strips = []
        for row in grid:
            parts = [activations.of_tile(_fed(image, tile), tile) for tile in row]
            strips.append([torch.cat(layer, 3) for layer in zip(*parts, strict=True)])
        return tuple(torch.cat(layer, 2) for layer in zip(*strips, strict=True))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, None, None]:
        (image,) = ctx.saved_tensors
        total = torch.zeros_like(image)
        for tile in ctx.tiles:
            fed = _fed(image, tile).detach().requires_grad_()
            with torch.enable_grad():
                seen = ctx.activations.of_tile(fed, tile)
            pairs = zip(seen, ctx.activations.in_tile(gradients, tile), strict=True)
            outputs, wanted = zip(*(pair for pair in pairs if pair[1] is not None), strict=True)
            _fed(total, tile).add_(torch.autograd.grad(outputs, fed, wanted)[0])
        return total, None, None


def _fed(image: Tensor, tile: Tile) -> Tensor:
    """A view of the pixels that the network is fed for a tile."""
    row, column = tile
    return image[:, :, row.first : row.last + 1, column.first : column.last + 1]


def _times(sides: Sequence[int]) -> str:
    return "x".join(map(str, sides))


def _pixels(image: Tensor) -> str:
    return f"{image.shape[3]}x{image.shape[2]} pixels"
