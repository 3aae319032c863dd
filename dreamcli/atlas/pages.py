"""Render an atlas as HTML pages that open from the disk: no server, and no request to anywhere."""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from operator import methodcaller
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from dreamcli.atlas.contents import Atlas, ChannelPage, Feed, LayerPages, Row, channel_count
from dreamcli.files.atomic import write_whole

_Item = TypeVar("_Item")

COPIED = ("style.css", "script.js")  # as they are, from the templates
SEARCH_INDEX = "index.js"
STRIP = 8  # thumbnails of a layer on the network's page
CHANNELS_PER_CLASS = 6  # in the search index: those whose silence costs the class most
BLOCK_WIDTH, BLOCK_HEIGHT = 88, 30  # pixels of the largest block in the diagram


def write_pages(atlas: Atlas, folder: Path) -> list[Path]:
    """Write the pages of an atlas, and the style, script and search index that they share.

    The same atlas gives the same bytes. Its pictures are only linked to, so they may be written before or after.

    Returns:
        The files written, the front page first.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    paths = []
    for name, content in _files(atlas):
        path = folder / name
        write_whole(path, methodcaller("write", content))
        paths.append(path)
    return paths


def _files(atlas: Atlas) -> Iterator[tuple[str, bytes]]:
    """Every file of the atlas: its path in the folder, and its content."""
    render = partial(_render, _environment(), atlas)
    yield render("index.html", "index.html", **_network(atlas))
    for name in COPIED:
        yield name, resources.files(__package__).joinpath("templates", name).read_bytes()
    yield SEARCH_INDEX, f"window.ATLAS = {json.dumps(_search_index(atlas), separators=(',', ':'))};\n".encode()
    by_folder = {layer.folder: layer for layer in atlas.layers}
    for layer, before, after in _with_neighbors(atlas.layers):
        yield render("layer.html", layer_page(layer), layer=layer, previous=before, following=after)
        for channel, left, right in _with_neighbors(layer.channels):
            source = by_folder.get(channel.before)
            yield render(
                "channel.html",
                channel_page(layer, channel.number),
                layer=layer,
                channel=channel,
                previous=left,
                following=right,
                classes=_bars(channel.classes),
                source=source,
                feeds=_feeds(channel.feeds, source),
            )


def layer_page(layer: LayerPages) -> str:
    """The path of a layer's page in the atlas."""
    return f"{layer.folder}/index.html"


def channel_page(layer: LayerPages, number: int) -> str:
    """The path of a channel's page in the atlas."""
    return f"{layer.folder}/{number}.html"


# rendering


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dreamcli.atlas"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"commas": _commas, "size": _size, "pair": _pair, "figure": _figure}
    environment.globals |= {"layer_page": layer_page, "channel_page": channel_page}
    return environment


def _render(environment: Environment, atlas: Atlas, template: str, path: str, **values: object) -> tuple[str, bytes]:
    """A page: its path, and its HTML. Templates link by ``link(PATH)``, with a path in the atlas's folder."""
    root = "../" * path.count("/")
    text = environment.get_template(template).render(atlas=atlas, root=root, link=_linker(path), **values)
    return path, text.encode()


def _linker(page: str) -> Callable[[str], str]:
    """Addresses relative to a page, escaped for URLs."""
    folder = posixpath.dirname(page)
    return lambda path: quote(posixpath.relpath(path, folder or "."))


def _with_neighbors(items: Sequence[_Item]) -> Iterator[tuple[_Item, _Item | None, _Item | None]]:
    """Each item with the one before and the one after."""
    return zip(items, [None, *items], [*items[1:], None], strict=False)


def _commas(number: int) -> str:
    return f"{number:,}"


def _size(sides: Sequence[int | str]) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(map(str, sides))


def _pair(sides: tuple[float, float] | None, otherwise: str) -> str:
    return _size([f"{side:g}" for side in sides]) if sides else otherwise


def _figure(number: float) -> str:
    """A number in three significant digits, with a true minus sign."""
    return f"{number:.3g}".replace("-", "\N{MINUS SIGN}")


# what the pages show


@dataclass(frozen=True)
class _Bar:
    """A labeled bar; its length is in percent of the longest one."""

    label: str
    value: float
    percent: float


@dataclass(frozen=True)
class _FeedBar:
    """A channel of the layer before as a bar, and its page if it has one."""

    number: int
    page: ChannelPage | None
    weight: float
    percent: float


@dataclass(frozen=True)
class _DiagramRow:
    """A row of the layer table with its block, in pixels, and its bars, in percent of the longest."""

    row: Row
    layer: LayerPages | None
    width: int
    height: int
    parameters: float
    multiply_adds: float
    explained: bool


def _network(atlas: Atlas) -> dict[str, object]:
    """What the network's page needs besides the atlas."""
    by_folder = {layer.folder: layer for layer in atlas.layers}
    widest = max((_sides(row.layer.shape)[0] for row in atlas.rows), default=1)
    tallest = max((_sides(row.layer.shape)[1] for row in atlas.rows), default=1)
    most_parameters = max((row.layer.parameters for row in atlas.rows), default=0)
    most_multiply_adds = max((row.layer.multiply_adds for row in atlas.rows), default=0)
    first = next((number for number, row in enumerate(atlas.rows) if row.arithmetic), None)
    rows = [
        _DiagramRow(
            row,
            by_folder.get(row.folder),
            _on_log_scale(_sides(row.layer.shape)[0], widest, BLOCK_WIDTH),
            _on_log_scale(_sides(row.layer.shape)[1], tallest, BLOCK_HEIGHT),
            _percent(row.layer.parameters, most_parameters),
            _percent(row.layer.multiply_adds, most_multiply_adds),
            number == first,
        )
        for number, row in enumerate(atlas.rows)
    ]
    digits = [len(_commas(most)) for most in (most_parameters, most_multiply_adds)]
    return {"rows": rows, "strip": STRIP, "digits": digits}


def _sides(shape: Sequence[int]) -> tuple[int, int]:
    """Channels, and the longer side of each."""
    return channel_count(shape), max(shape[1:], default=1) if len(shape) != 2 else shape[0]


def _on_log_scale(value: int, largest: int, pixels: int) -> int:
    """Between 3 pixels for one and ``pixels`` for the largest."""
    return 3 + round((pixels - 3) * math.log(max(value, 1)) / math.log(max(largest, 2)))


def _percent(value: float, most: float) -> float:
    return round(100 * abs(value) / most, 2) if most else 0.0


def _bars(values: Iterable[tuple[str, float]]) -> list[_Bar]:
    values = list(values)
    most = max((abs(value) for _, value in values), default=0.0)
    return [_Bar(label, value, _percent(value, most)) for label, value in values]


def _feeds(feeds: Sequence[Feed], source: LayerPages | None) -> list[_FeedBar]:
    pages = {channel.number: channel for channel in source.channels} if source else {}
    most = max((abs(feed.weight) for feed in feeds), default=0.0)
    return [_FeedBar(feed.channel, pages.get(feed.channel), feed.weight, _percent(feed.weight, most)) for feed in feeds]


def _search_index(atlas: Atlas) -> dict[str, object]:
    """Layers with their channels, and classes with the channels that matter most to them: [layer, channel]."""
    layers = [
        [layer.name, quote(layer.folder), layer.alias, [channel.number for channel in layer.channels]]
        for layer in atlas.layers
    ]
    falls: dict[str, list[tuple[float, int, int]]] = {}
    for position, layer in enumerate(atlas.layers):
        for channel in layer.channels:
            for name, fall in channel.classes:
                falls.setdefault(name, []).append((-fall, position, channel.number))
    classes = [
        [name, [[position, number] for _, position, number in sorted(found)[:CHANNELS_PER_CLASS]]]
        for name, found in sorted(falls.items())
    ]
    return {"layers": layers, "classes": classes}
