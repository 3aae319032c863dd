"""A small atlas: three layers, one of them with only some channels, and names that need escaping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from dreamcli.atlas.contents import Atlas, ChannelPage, Feed, LayerPages, Row
from dreamcli.engine.trace import Layer, Pair

TILE = 24
COLORS = ((200, 30, 30), (30, 160, 30), (30, 30, 200), (220, 200, 40))  # of the four squares
HOSTILE = "<script>alert(\"boo\")</script> & 'co'"
CLASSES = (('tabby <cat>, "tiger"', 2.5), (HOSTILE, 1.25), ("goldfish", 0.0004))
LAYERS = (("features.0", "low"), ('mixed "5" <b>', "mid"), ("features.7.conv", ""))
FOLDERS = ("features.0", "mixed 5#b%20", "features.7.conv")  # two with dots, and one that URLs have to quote
CHANNELS = ((0, 1, 2), (0, 1, 2, 3), (3, 12))
SHAPES = ((3, 112, 112), (4, 14, 14), (40, 7, 7))
ARITHMETIC = ("rows: floor((224 + 2 x 1 - 3) / 2) + 1 = 112", "parameters: 3 x (3 x 3 x 3) + 3 = 84")


def make_atlas(folder: Path) -> Atlas:
    """The atlas, with its pictures in the folder."""
    layers = tuple(_layer(folder, position) for position in range(len(LAYERS)))
    rows = [row("input.norm", "Norm", (3, 224, 224), 0, 0, (1, 1), (1, 1))]
    for layer in layers:
        conv = row(f"{layer.name}.conv", "Conv2d", layer.shape, 84, 10**9, (3, 3), (2, 2))
        rows.append(replace(conv, window="3x3/2 pad 1", arithmetic=ARITHMETIC))
        relu = row(layer.name, "ReLU", layer.shape, 0, 0, (3, 5), (2, 2))
        rows.append(replace(relu, alias=layer.alias, folder=layer.folder))
    rows.append(row("classifier" + ".very_long_name" * 6, "Linear", (1000,), 1000, 0, None, None))
    return Atlas(
        network=f"net {HOSTILE}",
        about='Trained on "things" & <others>.',
        size=(224, 224),
        tile=TILE,
        parameters=1_234_567,
        multiply_adds=3 * 10**9,
        classes=1000,
        rows=tuple(rows),
        layers=layers,
        version="0.1.0",
    )


def row(
    name: str, kind: str, shape: tuple[int, ...], parameters: int, adds: int, field: Pair | None, stride: Pair | None
) -> Row:
    return Row(Layer(name, kind, shape, None, None, None, parameters, field, stride, adds))


def _layer(folder: Path, position: int) -> LayerPages:
    name, alias = LAYERS[position]
    place = FOLDERS[position]
    before = FOLDERS[position - 1] if position else ""
    (folder / place).mkdir(parents=True)
    if before:
        Image.new("RGB", (TILE, TILE), "gray").save(folder / place / "map.png")
    return LayerPages(
        name=name,
        folder=place,
        alias=alias,
        shape=SHAPES[position],
        parameters=84,
        multiply_adds=10**9,
        field=(3, 5),
        stride=(2, 2),
        map=f"{place}/map.png" if before else "",
        channels=tuple(_channel(folder, place, number, before) for number in CHANNELS[position]),
    )


def _channel(folder: Path, place: str, number: int, before: str) -> ChannelPage:
    drawn = Image.new("RGB", (4 * TILE, TILE))
    for which, color in enumerate(COLORS):
        drawn.paste(color, (which * TILE, 0, (which + 1) * TILE, TILE))
    drawn.save(folder / place / f"{number}.png")
    photos = ""
    if number != 1:
        photos = f"{place}/{number}-photos.png"
        Image.new("RGB", (3 * TILE, 2 * TILE), "gray").save(folder / photos)
    return ChannelPage(
        number=number,
        drawn=f"{place}/{number}.png",
        photos=photos,
        photo_names=(HOSTILE, "a" * 120 + ".jpg", "b.jpg", "c.jpg") if photos else (),
        classes=CLASSES if number != 1 else (),
        feeds=(Feed(2, 0.75), Feed(99, -0.5), Feed(1, -0.25)) if before else (),  # 99 has no page
        before=before,
    )
