"""What the pages of an atlas say, in plain values. All paths are relative to the atlas's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dreamcli.engine.trace import Layer  # which takes torch


def channel_count(shape: Sequence[int]) -> int:
    """How many channels an output of this shape has: (channels, rows, columns), (tokens, channels) or (channels,)."""
    return shape[-1] if len(shape) == 2 else shape[0] if shape else 1


@dataclass(frozen=True)
class Row:
    """A row of the network's layer table.

    Attributes:
        window: of a convolution or a pool, such as "3x3/2 pad 1"; otherwise empty.
        alias: "low", "mid", "high", several of them, or empty.
        folder: of the layer's pages; empty if it has none.
        arithmetic: how its output size and parameters follow, a line each; may be empty.
    """

    layer: Layer
    window: str = ""
    alias: str = ""
    folder: str = ""
    arithmetic: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A channel of the layer before, and how strongly it feeds a channel.

    Attributes:
        channel: its number.
        weight: the change of the fed channel per change of this one; negative if it holds it back.
    """

    channel: int
    weight: float


@dataclass(frozen=True)
class ChannelPage:
    """A channel of a layer.

    Attributes:
        number: of the channel.
        drawn: the picture of four squares, side by side: what raises it most, what lowers it most, and two
            different ones that raise it.
        photos: the picture of its strongest photographs, three in a row; empty if there are no photographs.
        photo_names: of these, from the strongest, row by row: up to nine.
        classes: whose scores fall most if the channel is silenced, with how far; from the largest.
        feeds: the channels that feed it most, from the strongest.
        before: the folder of the layer whose channels these are; empty if there are none.
    """

    number: int
    drawn: str
    photos: str
    photo_names: tuple[str, ...]
    classes: tuple[tuple[str, float], ...]
    feeds: tuple[Feed, ...]
    before: str


@dataclass(frozen=True)
class LayerPages:
    """A layer whose channels have pages.

    Attributes:
        name: of the layer.
        folder: of its pages: "FOLDER/index.html", and "FOLDER/CHANNEL.html" for each channel.
        alias: "low", "mid", "high", several of them, or empty.
        shape: of its output: (channels, rows, columns), (tokens, channels) or (channels,).
        parameters, multiply_adds: of all that the layer consists of.
        field, stride: in pixels of the picture, (down, right); None if it sees the whole picture.
        map: the picture of its activation atlas, a square; empty if there is none.
        channels: those that have pages, in order; not necessarily all that the layer has.
    """

    name: str
    folder: str
    alias: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    field: tuple[int, int] | None
    stride: tuple[float, float] | None
    map: str
    channels: tuple[ChannelPage, ...]

    @property
    def channel_count(self) -> int:
        """How many channels the layer has."""
        return channel_count(self.shape)


@dataclass(frozen=True)
class Atlas:
    """All of it.

    Attributes:
        network: its name.
        about: a sentence on where the network is from; may be empty.
        size: (height, width) in pixels of the picture that the table is for.
        tile: pixels on each side of the squares in the drawn pictures.
        parameters, multiply_adds: of the whole network.
        classes: how many it tells apart.
        rows: the layer table, in the order of execution.
        layers: those that have pages, in the order of execution.
        version: of dreamcli.
    """

    network: str
    about: str
    size: tuple[int, int]
    tile: int
    parameters: int
    multiply_adds: int
    classes: int
    rows: tuple[Row, ...]
    layers: tuple[LayerPages, ...]
    version: str
