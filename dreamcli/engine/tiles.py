"""A frozen network that takes large pictures in tiles, and gives what it would give for the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from .activations import Activations, InputFormat, Outline
from .compute import Compute
from .field import Field

TILES_IN_ROOM = 4  # so small are tiles beside pictures that go whole: the rest of the memory is for what stays whole
SMALLEST_TILE = 128  # pixels on a side, beside what its units see beyond it


@dataclass(frozen=True)
class Cut:
    """One tile along one axis, in pixels.

    Attributes:
        start, stop: the tile itself; together the tiles of a picture cover each pixel once.
        first, last: of what the network is fed, which is the tile with all that its units see beyond it.
        is_last: whether the picture ends here, so that units behind ``stop`` belong to it, too.
    """

    start: int
    stop: int
    first: int
    last: int
    is_last: bool

    @property
    def fed(self) -> slice:
        """What the network is fed, of the picture."""
        return slice(self.first, self.last + 1)

    def units(self, stride: int, origin: int = 0) -> slice:
        """The tile's units in the map of a layer with this stride that begins at the pixel ``origin``."""
        return slice((self.start - origin) // stride, None if self.is_last else (self.stop - origin) // stride)


def cuts(length: int, side: int, fields: list[Field]) -> list[Cut]:
    """Cut one axis into the fewest tiles of about equal length.

    Args:
        length: of the axis, in pixels.
        side: the most that the network is fed at once, in pixels, if that leaves `SMALLEST_TILE`.
        fields: what the layers' units see.
    """
    # where a tile begins, every layer begins with a unit of its own, as it does in the whole
    stride = math.lcm(*(field.stride for field in fields))
    before = max(0, *(-field.first for field in fields))
    beyond = max(0, *(field.last - field.stride for field in fields))
    count = math.ceil(length / max(side - before - beyond, SMALLEST_TILE))
    edges = [length * index // count // stride * stride for index in range(count)] + [length]
    found = []
    for start, stop in pairwise(edges):
        first = max(0, (start - before) // stride * stride)
        last = length - 1 if stop == length else min(length - 1, stop + beyond)
        found.append(Cut(start, stop, first, last, stop == length))
    return found


Tile = tuple[Cut, Cut]  # down, right


class TiledActivations(Activations):
    """`Activations` that goes through a large picture in tiles, with the same result in less memory.

    Each tile is fed together with all that its units see beyond it, and begins where a unit of the whole does. So
    every unit is what it is in the whole picture, and so is its gradient: there are no seams to hide. Only the
    layers asked for are kept; what lies between is computed once more, tile by tile, for the gradient (Chen et al.,
    "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174), which costs one more forward pass.

    Args:
        network, layers, input_format, compute, plan: as of `Activations`.
        fields: what a unit of each layer sees, (down, right).
        room: pixels; pictures that have no more in all go through whole, larger ones in tiles of a quarter of it.
    """

    def __init__(
        self,
        network: nn.Module,
        fields: Mapping[str, tuple[Field, Field]],
        input_format: InputFormat,
        compute: Compute,
        plan: Outline,
        room: int,
    ) -> None:
        super().__init__(network, fields, input_format, compute, plan)
        self._fields = tuple(fields[layer] for layer in self.layers)
        self._room = room

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """As of `Activations`; every layer is a feature map ``(N, C, H, W)``."""
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
        """The layers' activations in one tile, for what of the picture the network is to be fed."""
        # a ReLU that is dead in a tile need not be dead in the picture: none is rescued
        with torch._C.DisableTorchFunction():
            seen = super().__call__(image.contiguous(memory_format=torch.channels_last))
        row, column = tile
        return [
            seen[layer][:, :, row.units(down.stride, row.first), column.units(right.stride, column.first)]
            for layer, (down, right) in zip(self.layers, self._fields, strict=True)
        ]

    def in_tile(self, maps: Sequence[Tensor | None], tile: Tile) -> list[Tensor | None]:
        """What belongs to one tile in the layers' maps for the whole picture."""
        row, column = tile
        return [
            None if whole is None else whole[:, :, row.units(down.stride), column.units(right.stride)]
            for whole, (down, right) in zip(maps, self._fields, strict=True)
        ]


class _Tiled(torch.autograd.Function):
    """The layers' maps for a picture, computed tile by tile, there and back."""

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
    """The part of a picture that the network is fed for a tile: a view."""
    row, column = tile
    return image[:, :, row.fed, column.fed]
