"""Draw the style pictures next to this file, by rules: ``uv run python samples/styles/render.py``."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

Rng = np.random.Generator
Array = np.ndarray
SIZE = 640
BIG = 2 * SIZE  # all is drawn at twice the size, then halved
Y, X = np.mgrid[0:BIG, 0:BIG] / BIG
INKS = ["#120e10", "#f6eeda", "#8c121e", "#148c92", "#e2ae3e", "#183c60", "#ce5422"]


def field(rng: Rng, across: int, down: int | None = None) -> Array:
    """Smooth random values in [0, 1], (BIG, BIG), with about this many hills across, and down if not as many."""
    small = Image.fromarray((rng.random(((down or across) + 1, across + 1)) * 255).astype(np.uint8))
    return np.asarray(small.resize((BIG, BIG), Image.Resampling.BICUBIC)) / 255


def tints(codes: str) -> Array:
    """Colors, (count, 3), from their hexadecimal codes."""
    return np.array([ImageColor.getrgb(f"#{code}") for code in codes.split()], dtype=float)


def ramp(values: Array, codes: str) -> Array:
    """Turn values in [0, 1] into colors along a ramp, (..., 3)."""
    colors = tints(codes)
    return np.stack([np.interp(values, np.linspace(0, 1, len(colors)), channel) for channel in colors.T], -1)


def cover(under: Array, amount: Array, color: Array) -> Array:
    """Lay a color over a picture, as densely as the amount in [0, 1] says."""
    return np.asarray(under + np.clip(amount, 0, 1)[..., None] * (color - under))


def blur(values: Array, radius: float) -> Array:
    """Values in [0, 1], (BIG, BIG), smoothed."""
    image = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=float) / 255


def finish(picture: Array, height: Array, depth: float) -> Image.Image:
    """The picture in its final size, its relief lit from the upper left."""
    slope = np.tanh(np.add(*np.gradient(height)) * depth)[..., None]
    lit = np.clip(picture * (1 + 0.34 * slope) + 62 * np.clip(slope, 0, 1) ** 3, 0, 255).astype(np.uint8)
    return Image.fromarray(lit).resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def stroke(rng: Rng, paint: Array, middle: Array, shape: Array, turns: Array, colors: Array) -> None:
    """Lay half-mixed paint on the picture and its height, from one angle to another: streaks along it, a ragged rim."""
    low, high = (np.clip((middle + side * (np.hypot(*shape) + 6)).astype(int), 0, BIG) for side in (-1, 1))
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]] - middle[::-1, None, None]
    along = (x * np.cos(turns[0]) + y * np.sin(turns[0])) / shape[0]
    across = (y * np.cos(turns[0]) - x * np.sin(turns[0])) / shape[1]
    across -= 0.5 * np.sin(turns[1] - turns[0]) * along**2 * shape[0] / shape[1]
    rows = np.linspace(-1.6, 1.6, int(12 + 0.9 * shape[1]))
    streak, ragged = (np.interp(across, rows, rng.normal(0, 1, len(rows))) for _ in range(2))
    across += np.interp(along, rows, rng.normal(0, 0.10, len(rows)))
    inside = (np.abs(along + 0.12 * ragged) < 1) & (np.abs(across) < 1)
    mix = np.clip(0.5 + 0.45 * streak + 0.3 * along, 0, 1)[..., None]
    part = paint[low[1] : high[1], low[0] : high[0]]
    height = 0.35 * (part[..., 3] + 1) + 0.7 * across**6 + 0.8 * along.clip(0, 1) ** 8 + 0.1 * (along + streak)
    part[inside] = np.concatenate([colors[0] + mix * (colors[1] - colors[0]), height[..., None]], -1)[inside]


def lay(rng: Rng, under: Array, turn: Array, loose: Array, layers: list[tuple[int, float, float]]) -> Array:
    """Paint a picture over in layers of strokes that follow the angles: its colors and the height of the paint."""
    paint = np.dstack([under, 0.4 + 0.1 * field(rng, 90)])
    for count, long, wide in layers:
        for middle in rng.random((count, 2)) * BIG:
            x, y = middle.astype(int)
            ahead = middle + 0.5 * long * np.array([np.cos(turn[y, x]), np.sin(turn[y, x])])
            columns, rows = np.clip([middle, ahead], 0, BIG - 1).astype(int).T
            colors = under[rows, columns] + rng.normal(0, 8, (2, 3)) + rng.normal(0, 16, (2, 1))
            turns = turn[rows, columns] + rng.normal(0, loose[y, x])
            shape = rng.uniform(0.7, 1.2, 2) * (long * (1 - 0.6 * np.sin(turns[1] - turns[0]) ** 2), wide)
            stroke(rng, paint, middle, shape, turns, colors)
    return paint


def strokes(rng: Rng) -> Image.Image:
    """Oil: thick strokes that swirl around a low moon and its stars, over a bay at dusk."""
    right, down, glow = np.full_like(X, 0.55), 0.5 * np.sin(5 * X + 3 * Y + 1), np.zeros_like(X)
    tone = 0.30 + 0.30 * (field(rng, 4, 7) - 0.5) + 0.13 * np.sin(34 * (Y + 0.09 * np.sin(5 * X + 1)))
    whirls = [(68, 22, 19, 1, 0.1), (24, 37, 15, -1, 10.5), (24, 8, 9, 1, 0.1), (96, 46, 10, -1, 0.1)]
    whirls += [(93, 9, 5, 1, 3.6), (46, 8, 4, -1, 3), (50, 43, 4, 1, 2.6), (6, 19, 4, 1, 3)]
    for cx, cy, reach, way, shine in np.array(whirls) * (0.01, 0.01, 0.01, 1, 0.01):
        away, angle = np.hypot(X - cx, Y - cy), np.arctan2(Y - cy, X - cx)
        pull = np.exp(-((away / reach) ** 2))
        push = way * 5 * pull / (away + 0.01)
        right, down = right - push * (Y - cy), down + push * (X - cx)
        tone += pull * (0.22 + 0.32 * np.sin(away * 95 - 2 * way * angle))
        glow = np.maximum(glow, np.exp(-((away / shine) ** 2)) * (0.86 + 0.14 * np.cos(away * 190)))
    dusk = np.exp(-(((Y - 0.60) / 0.13) ** 2)) * (0.35 + 0.9 * field(rng, 5, 12))
    under = ramp(tone, "060a22 0e1c54 163e92 2c70b2 78b2be e2e2b2")
    under = cover(under, dusk.clip(0, 0.9), ramp(tone + 0.2, "2e1e5c 783878 de6868 faa86e ffd896"))
    under = cover(under, glow > 0.12, ramp(glow, "1e3e8c 5a8496 d6b054 f8c442 ffe896 fffade"))
    turn = np.arctan2(down, right)
    shore = 0.59 + 0.05 * np.sin(7 * X + 0.6) + 0.025 * np.sin(19 * X)
    hills = ramp(0.8 * field(rng, 9) + 2 * (shore - Y), "113 225 448")
    hills = cover(hills, (field(rng, 90) > 0.84) & (Y > 0.60), tints("ffbe50"))
    path = np.exp(-(((X - 0.24) / (0.03 + 0.30 * (Y - 0.62))) ** 2)) * (0.6 + 0.5 * np.sin(150 * Y + 9 * np.sin(9 * X)))
    sea = cover(ramp(0.2 + 0.6 * field(rng, 5, 22) + np.sin(70 * Y) / 9, "002 125 149 37b 8bb d66"), path, tints("fc5"))
    meadow = ramp(0.6 * field(rng, 56, 14) + 0.4 * field(rng, 9), "060c1a 0c2c34 1e5446 8c8c40 ec963e c83c3c")
    water, bank = 0.65 + 0.012 * np.sin(9 * X), 0.88 - 0.09 * np.sin(3.4 * X - 0.6)
    grass = -1.4 + 0.8 * np.sin(7 * X + 6 * Y) * field(rng, 6)
    slope, swell = 0.5 * np.cos(7 * X + 0.6), 0.22 * np.sin(16 * X + 26 * Y)
    for edge, color, way in ((shore, hills, slope), (water, sea, swell), (bank, meadow, grass)):
        under, turn = cover(under, edge < Y, color), np.where(edge < Y, way, turn)
    layers = [(1400, 84.0, 20.0), (2200, 60.0, 12.0), (2400, 40.0, 7.5), (1000, 26.0, 5.0)]
    paint = lay(rng, under, turn, np.full_like(X, 0.05), layers)
    return finish(paint[..., :3], blur(paint[..., 3] / 2.2, 1.0), 14)


def impasto(rng: Rng) -> Image.Image:
    """Palette knife: a poppy field by the water at sunset, in slabs of lit paint."""
    sun = np.hypot(X - 0.63, (Y - 0.36) * 1.15) * 1.5 + 0.22 * (field(rng, 3, 9) - 0.5)
    sky = ramp(sun, "fff6be ffce60 fa923e de5c54 8e4c82 424284 283268")
    far = 0.42 - 0.05 * np.cos(7 * X - 0.8) - 0.012 * np.sin(23 * X)
    under = cover(sky, far < Y, ramp(field(rng, 9, 5), "2c2858 54427c 965c82 304670"))
    lake = np.abs(X - 0.63) * 1.6 + 0.5 * (field(rng, 4, 26) - 0.5) + 0.1
    under = cover(under, Y > 0.455, ramp(lake, "ffe296 faa054 b06886 3e6896 1c4270 142c54"))
    shore = 0.60 + 0.05 * np.sin(4 * X + 2.6) + 0.012 * np.sin(21 * X)
    under = cover(under, shore < Y, ramp(field(rng, 12) + 0.6 * Y - 0.45, "d4be54 7e963a 32683c 16423a 0c222c"))
    turn, loose = np.where(shore < Y, -1.25, 0.0), np.where((Y < 0.455) | (shore < Y), 0.5, 0.12)
    paint = lay(rng, under, turn, loose, [(900, 86.0, 28.0), (1000, 56.0, 18.0), (1000, 30.0, 10.0)])
    lights, reds = tints("fffade ffe896 ffd060"), tints("ce181c ec3a1e 960c22 fa602c de3c4a")
    for spread in np.linspace(32, 2, 130):
        middle = np.array((0.63, 0.36)) * BIG + rng.normal(0, spread, 2) * (1, 0.8)
        middle[1] += rng.choice((0, 0, 1)) * rng.uniform(0.11, 0.22) * BIG  # a third of them are reflections
        stroke(rng, paint, middle, rng.uniform(8, 20, 2) * (1.3, 0.5), rng.normal(0, 0.3, 2), rng.choice(lights, 2))
    for depth in np.sort(rng.random(330) ** 1.3):
        middle = np.array([rng.random(), 0.64 + 0.38 * depth]) * BIG
        for _ in range(rng.integers(2, 5)):
            spot, size = middle + rng.normal(0, 3 + 11 * depth, 2), (6 + 27 * depth) * rng.uniform(0.7, 1.2, 2)
            stroke(rng, paint, spot, size * (1, 0.7), rng.normal(0, 0.7, 2), rng.choice(reds, 2))
        stroke(rng, paint, middle, np.full(2, 2 + 6 * depth), np.full(2, 9 * depth), tints("120c1a 321428"))
    return finish(paint[..., :3], blur(paint[..., 3] / 2.2, 1.2), 16)


def panes(rng: Rng) -> tuple[Array, Array, Array]:
    """The window: for each point its shape, its pane within the shape, and the number of its tint."""
    cell = np.floor(8 * X + 4 * field(rng, 7)) + 20 * np.floor(8 * Y + 4 * field(rng, 7))
    away, angle = np.hypot(X - 0.5, Y - 0.34), np.arctan2(Y - 0.34, X - 0.5)
    ray = np.floor((angle + 0.22 * np.sin(3 * angle) + 0.5 * away) * 22 / (2 * np.pi)).astype(int)
    ring = np.digitize(away + 0.02 * np.sin(5 * angle) + 0.03 * np.sin(2.4 * ray), [0.25, 0.32, 0.39, 0.47, 0.56, 0.67])
    shape, pane, tint = ray % 2, ray * 9 + ring, np.clip(ring + ray % 2, 0, 5)
    layers = []  # what lies over the sky: where, its panes and its tints
    for layer, (reach, count) in enumerate([(0.195, 15), (0.145, 13), (0.098, 9), (0.052, 5), (0.02, 1)]):
        turned = (angle / (2 * np.pi) + 0.4 * away) * count + 0.3 * layer
        petal = away < reach * (0.84 + 0.26 * np.abs(np.sin(np.pi * turned)) ** 0.7)
        layers.append((petal, np.floor(turned).astype(int) % count, np.full_like(ray, 6 + layer)))
    for layer in range(5):
        crest = 0.59 + 0.07 * layer + 0.045 * np.sin(X * (7 - layer) + 1.9 * layer) + 0.016 * np.sin(23 * X + layer)
        strip = np.where(crest + 0.025 > Y, np.floor(11 * X + 0.4 * layer) + 200, cell).astype(int)
        layers.append((crest < Y, strip, 11 + (layer + (crest + 0.025 < Y)) % 3))
    leaves = [(0.47, 1.04, -0.22, 0.64, 0.075, -0.5, 14), (0.38, 1.05, -0.82, 0.42, 0.06, -0.4, 15)]
    leaves += [(0, 0.9, lean, 0.3 - 0.02 * lean, 0.062, 0.3 * np.sin(lean), 16) for lean in (1.33, 0.93, 0.47, 0)]
    for out, foot, lean, long, wide, bend, color in leaves:
        for side in (-1, 1):
            x, y, turn = X - 0.5 - side * out, Y - foot, side * lean - 1.57
            along = (x * np.cos(turn) + y * np.sin(turn)) / long
            across = y * np.cos(turn) - x * np.sin(turn) - side * bend * long * (along - along**2)
            inside = (along > 0) & (np.abs(across) < wide * np.sin(np.pi * along.clip(0, 1)) ** 0.8)
            part = 2 * np.floor(along * (3 if color == 16 else 6) - np.abs(across) * 14).astype(int) + (across > 0)
            layers.append((inside, part, color + part % 2 * (color == 16)))
    for index, (inside, part, color) in enumerate(layers):
        shape, pane, tint = (np.where(inside, *both) for both in ((index + 2, shape), (part, pane), (color, tint)))
    return shape, pane, tint


def glass(rng: Rng) -> Image.Image:
    """Stained glass: a lily before the sun and the waves, in leaded panes of pulled glass that glow."""
    shape, pane, tint = panes(rng)
    rows, columns = (np.clip((v + 0.016 * (field(rng, 12) - 0.5)) * BIG, 0, BIG - 1).astype(int) for v in (Y, X))
    shape, which, tint = (part[rows, columns] for part in (shape, (shape * 769 + pane * 31) % 4093, tint))
    colors = tints("f96 b57 639 24b 139 015 b12 e51 f92 fc4 ffb 17a 2aa 138 173 683 b25 f9a")
    color = colors[tint] * (1 + 0.22 * rng.normal(0, 1, (4093, 1)))[which] + rng.normal(0, 17, (4093, 3))[which]
    pulled = 0.45 * field(rng, 3, 44) + 0.3 * field(rng, 12, 150) + 0.25 * field(rng, 60)
    place = (X + 1j * Y) * np.exp(1j * np.pi * rng.random(4093))[which] * BIG  # each pane is cut at its own angle
    streak = pulled[place.real.astype(int) % BIG, place.imag.astype(int) % BIG] - 0.5
    bubble = field(rng, 80)
    streak += 0.25 * (field(rng, 5) - 0.5) - 0.25 * (np.abs(bubble - 0.96) < 0.03) + 0.25 * (bubble > 0.99)
    color = color * (1.1 + 1.9 * streak)[..., None]
    thin, thick = (np.hypot(*np.gradient(part.astype(float))) > 0 for part in (which, shape))
    lead = np.maximum(blur(thin, 3) / (0.09 + 0.12 * field(rng, 16)), blur(thick, 5) / (0.05 + 0.08 * field(rng, 16)))
    color *= (1.30 - 2.3 * blur(thin, 16)).clip(0.45)[..., None]
    color += 60 * np.stack([blur(channel / 255, 22) for channel in np.moveaxis(color, -1, 0)], -1) ** 2
    color = 255 * (1 - np.exp(-((np.clip(color, 0, 500) / 158) ** 1.3)))
    color = cover(color, (lead - 1) * 2.5 + 0.5, tints("1a181c") + 14 * field(rng, 200)[..., None])
    return finish(color, blur(lead / 3, 1.5), 7)


def still(rng: Rng) -> tuple[Array, Array, Array]:
    """A still life: its darkness in [0, 1], the angle around its forms, and a number for each thing."""
    away, fold = np.hypot(X - 1.05, Y + 0.15), np.arctan2(Y + 0.15, 1.05 - X) + 0.14 * field(rng, 4)
    drape = 0.024 * away * np.sin(19 * fold + 3 * np.sin(8 * fold + away) + 2 * away) + 0.004 * np.sin(61 * fold)
    thing = (0.66 + 0.03 * np.sin(5 * X + 1) < Y).astype(int)
    deep = np.where(thing, 0.010 * np.sin(20 * Y + 5 * X + 4 * np.sin(4.5 * X)), drape)
    dark = np.where(thing, 0.10 + np.clip((Y - 0.88) * 1.4, 0, 1), 0.075 + 0.25 * X - 0.2 * Y)
    things = [(0.83, 0.14, 0.72, "bottle"), (0.35, 0.17, 0.78, "vase"), (0.66, 0.47, 0.81, "")]
    things += [(0.51, 0.68, 0.90, ""), (0.19, 0.62, 0.91, "pear"), (0.86, 0.72, 0.88, "")]
    for index, (cx, top, base, kind) in enumerate(things):
        sag = 0.02 * np.sqrt(np.clip(1 - ((X - cx) / 0.13) ** 2, 0, 1)) * (kind in ("vase", "bottle"))
        t = np.clip((Y - sag - top) / (base - top), 0, 1)
        bulge = np.sqrt(t - t**2) * (base - top)
        if kind == "vase":
            bulge = 0.056 + 0.11 * np.exp(-(((t - 0.55) / 0.25) ** 2)) + 0.05 * np.exp(-200 * t**2) + 0.02 * t**20
        elif kind == "bottle":
            bulge = 0.032 + 0.055 / (1 + np.exp(-(t - 0.42) * 30)) + 0.012 * np.exp(-((t / 0.04) ** 2))
        elif kind == "pear":
            bulge *= 0.62 + 0.24 * np.tanh((t - 0.47) * 6)
        inside = (np.abs(X - cx) < bulge) & (t > 0) & (t < 1)
        away = ((X - cx - 0.12) / 0.20) ** 2 + ((Y - base + 0.01) / 0.05) ** 2
        dark = np.where(inside, 0.06, dark + 0.46 * np.exp(-(away.clip(0, 30) ** 1.4)))
        deep = np.where(inside, np.sqrt(np.clip(bulge**2 - (X - cx) ** 2, 0, 1)), deep)
        thing = np.where(inside, 2 + index, thing)
    down, right = np.gradient(deep * BIG)
    facing = (0.55 * right + 0.45 * down + 0.62) / np.sqrt(1 + down**2 + right**2) / 0.95
    dark += 0.92 * (1 - np.clip(facing, 0, 1)) ** 1.15 - 0.30 * np.clip(-facing, 0, 1)
    return np.clip(dark, 0, 1), np.arctan2(right, -down), thing


def hatching(rng: Rng) -> Image.Image:
    """Pencil: a still life in graphite, sanguine and white chalk, hatched along and across its forms."""
    dark, form, thing = still(rng)
    grain = 0.55 * field(rng, 420) + 0.45 * field(rng, 150)
    layers = [(24, 0.08, -0.85, 104), (27, 0.24, None, 80), (24, 0.42, -0.25, 84), (25, 0.58, 0.75, 76)]
    layers += [(26, 0.74, 1.5, 64), (22, -0.13, -0.85, 56)]  # the last in white
    bare = [np.ones_like(X) for _ in range(3)]
    for count, level, angle, long in layers:
        sheets = [Image.new("L", (BIG, BIG), 255) for _ in bare]
        pens = [ImageDraw.Draw(sheet) for sheet in sheets]
        for cell in rng.permutation(count**2):
            middle = (np.array(divmod(cell, count)) + rng.random(2)) * BIG / count
            mx, my = middle.astype(int)
            turn = (form[my, mx] if angle is None else angle) + rng.normal(0, 0.08)
            way, bend, pitch = np.array([np.cos(turn), np.sin(turn)]), rng.normal(0, 7), rng.uniform(6.5, 9.5)
            pen = pens[2 if level < 0 else int(thing[my, mx] in (3, 6) and level < 0.55)]
            for row in range(-5, 6):
                half = long / 2 * rng.uniform(0.7, 1.15)
                steps = np.linspace(-half, half, 7)[:, None] + rng.normal(0, 5)
                curve = bend * (1 - (steps / half) ** 2) + row * pitch + rng.normal(rng.normal(0, 0.9), 0.35, (7, 1))
                dots = middle + steps * way + curve * way[::-1] * (-1, 1)
                px, py = np.clip(dots, 0, BIG - 1).astype(int).T
                tone = np.sign(level) * (dark[py, px] - np.abs(level))
                press = np.clip(0.24 + 0.9 * tone, 0, 0.66) * (tone > 0) * (thing[py, px] == thing[my, mx])
                press *= np.linspace(1.1, 0.65, 7) * rng.uniform(0.8, 1.15) * (1.5 if level < 0 else 1)
                for k in np.flatnonzero(press[:6] > 0.04):
                    pen.line((*dots[k], *dots[k + 1]), int(255 * (1 - press[k])), 3 if press[k] > 0.45 else 2)
        bare = [before * np.asarray(sheet) / 255 for before, sheet in zip(bare, sheets, strict=True)]
    for shift in ((0, 0), (3, 2), (-2, 3)):
        edge = blur(np.roll(np.hypot(*np.gradient(thing)) > 0, shift, (0, 1)), 1.3)
        bare[0] *= 1 - np.clip(edge * 1.6 * (field(rng, 22) - 0.15), 0, 0.8)
    paper = tints("e2d1b0") + (20 * grain + 12 * field(rng, 4) - 16)[..., None]
    for code, before, smudge in zip(("22232a", "96361a", "fffdf6"), bare, (0.14, 0.14, 0), strict=True):
        paper = cover(paper, (1 - before) * (0.70 + 0.75 * grain) + smudge * blur(1 - before, 9), tints(code))
    return finish(paper, grain, 0.7)


def pack(rng: Rng, tries: int, low: float, high: float, gap: float) -> list[list[float]]:
    """Circles (x, y, radius) of very different sizes, none on another."""
    found = np.zeros((0, 3))
    for (x, y), want in zip(rng.random((tries, 2)) * BIG, np.linspace(1, 0, tries) ** 3, strict=True):
        room = np.min(np.hypot(found[:, 0] - x, found[:, 1] - y) - found[:, 2] - gap, initial=high * want + low)
        if room >= low:
            found = np.vstack([found, (x, y, room)])
    return found.tolist()


def disc(rng: Rng, pen: ImageDraw.ImageDraw, x: float, y: float, r: float) -> None:
    """Rings, an eye or a flower."""
    order = [INKS[k] for k in rng.permutation(len(INKS))]
    kind, turn, petals = rng.integers(3) if r > 9 else 0, rng.random() * 3, rng.integers(5, 10)
    for part, color in ((1, INKS[0]), (0.9, order[0]), (0.68 * (kind == 0), order[1])):
        pen.circle((x, y), part * r, color)
    almond = r * np.exp(1j * turn) * np.array([np.cos(t) + 0.62j * np.sin(t) ** 3 for t in np.linspace(0, 6.3, 40)])
    for part, color in ((0.86, order[1]), (0.7, order[4])) if kind == 1 else ():
        pen.polygon([(x + part * z.real, y + part * z.imag) for z in almond], color)
    for z in 0.58 * r * np.exp(1j * (turn + np.arange(petals) * 2 * np.pi / petals)) if kind == 2 else ():
        pen.circle((x + z.real, y + z.imag), 1.7 * r / petals, order[1])
    pen.circle((x, y), 0.3 * r, order[2])
    pen.circle((x, y), 0.14 * r, order[3])


def blocks(rng: Rng, pen: ImageDraw.ImageDraw) -> None:
    """Upright rectangles with smaller ones, bars or triangles in them, all over the sheet."""
    for left, right in pairwise(np.cumsum(rng.uniform(28, 74, 40)) - 60):
        rows = np.cumsum((right - left) * rng.choice([0.7, 1, 1.6, 2.4, 3.2], 80)) - rng.uniform(60, 200)
        for top, bottom in pairwise(rows[rows < BIG + 200]):
            order = [INKS[k] for k in rng.choice(7, 3, replace=False, p=[0.3, 0.22, 0.1, 0.05, 0.24, 0.04, 0.05])]
            x0, y0, x1, y1 = np.array([left + 2, top + 2, right - 2, bottom - 2]) + rng.normal(0, 1.5, 4)
            pen.rectangle((x0, y0, x1, y1), order[0])
            kind, inset = rng.integers(4), 0.2 * min(x1 - x0, y1 - y0)
            for k in (1, 1.8) if kind < 2 else ():
                pen.rectangle((x0 + k * inset, y0 + k * inset, x1 - k * inset, y1 - k * inset), order[round(k)])
            half, high = ((x1 - x0) / 2 - 6, 6) if kind == 2 else (0, 14)
            for bar in np.arange(y0 + 6, y1 - 14, high + 6) if kind > 1 else ():
                tips = [((x0 + x1) / 2 - half, bar), ((x0 + x1) / 2 + half, bar)]
                pen.polygon([*tips, (x1 - 6, bar + high), (x0 + 6, bar + high)], order[1])


def ornament(rng: Rng) -> Image.Image:
    """Gold: a wing of rectangles and eyes on gold leaf with curls, over a meadow of flowers."""
    leaf = ramp(field(rng, 7) / 2 + field(rng, 40) / 3 + field(rng, 200) / 6, "684212 b07a24 d8a438 eec862 fff0b6")
    sheets = [Image.fromarray(leaf.astype(np.uint8)) for _ in range(3)] + [Image.new("RGB", (BIG, BIG), "#143c34")]
    curls, tiles, eyes, flowers = (ImageDraw.Draw(sheet) for sheet in sheets)
    blocks(rng, tiles)
    for x, y, r in pack(rng, 5000, 7, 120, 3):
        t, turns, start = np.linspace(0.06, 1, int(30 + 3 * r)), 1.6 + r / 40, rng.random() * 7
        curl = x + 1j * y + 0.93 * r * t * np.exp(1j * (start + rng.choice([-1, 1]) * 2 * np.pi * turns * t))
        thick = 0.44 * r / turns * np.sin(np.pi * np.clip(t, 0.1, 0.93)) ** 0.5
        for color, part in (("#3a220e", 1.0), ("#f6d470", 0.66), ("#fff6ce", 0.2)):
            for z, wide in zip(curl, thick * part, strict=True):
                curls.circle((z.real, z.imag), wide, color)
    for pen, tries, high, gap in ((eyes, 4000, 62, 3), (flowers, 6000, 26, 1)):
        for circle in pack(rng, tries, 6, high, gap):
            disc(rng, pen, *circle)
    rows = (BIG * (0.04 + 0.90 * Y + 0.03 * np.sin(6 * X + 1) + 0.008 * np.sin(17 * X))).astype(int)
    columns = (BIG * (0.05 + 0.90 * X + 0.035 * np.sin(5 * Y + 2) + 0.012 * np.sin(11 * Y + 5 * X))).astype(int)
    middle = 0.36 + 0.33 * (1 - Y) ** 1.7
    room = 0.36 * np.sin(np.pi * np.clip((Y - 0.02) / 1.2, 0, 1)) ** 0.85 - np.abs(X - middle)
    split, hem = X - middle - 0.12 * np.sin(6.6 * (Y - 0.08)), Y - 0.86 - 0.04 * np.sin(7 * X)
    choice = np.where(hem > 0, 3, np.where(room > 0, 1 + (split > 0), 0))[..., None]
    picture = np.choose(choice, [np.asarray(sheet, dtype=float)[rows, columns] for sheet in sheets])
    rim = np.where(hem > -0.016, np.abs(hem), np.where(room > 0, np.minimum(np.abs(split), room), -room))
    picture = cover(picture, rim < 0.015, tints("120e10"))
    picture = cover(picture, rim < 0.003 + 0.006 * np.abs(np.sin(150 * Y + 60 * X)), leaf * 1.05)
    relief = blur(picture @ (0.3, 0.6, 0.1) / 255, 1.4) + 0.12 * field(rng, 130)
    age = 0.74 + 0.3 * field(rng, 300) + 0.2 * field(rng, 5) - 0.28 * np.hypot(X - 0.5, Y - 0.45) ** 2
    return finish(picture * age[..., None], relief, 4)


STYLES = {"strokes": strokes, "impasto": impasto, "glass": glass, "hatching": hatching, "ornament": ornament}


def main() -> None:
    """Draw them all."""
    for number, (name, draw) in enumerate(STYLES.items()):
        draw(np.random.default_rng(number)).save(Path(__file__).with_name(f"{name}.jpg"), quality=90, optimize=True)


if __name__ == "__main__":
    main()
