"""Draw the style pictures next to this file, by rules: ``uv run python samples/styles/render.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

HERE = Path(__file__).parent
SIZE = 640
Color = tuple[int, int, int]


def field(rng: np.random.Generator, cells: int, size: int = SIZE) -> np.ndarray:
    """Smooth random values in [0, 1], (size, size), with about this many hills across."""
    small = Image.fromarray((rng.random((cells + 1, cells + 1)) * 255).astype(np.uint8))
    return np.asarray(small.resize((size, size), Image.Resampling.BICUBIC), dtype=float) / 255


def ramp(values: np.ndarray, colors: list[Color]) -> np.ndarray:
    """Turn values in [0, 1] into colors along a ramp, (..., 3)."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(values, stops, [c[i] for c in colors]) for i in range(3)], -1)


def dots(rng: np.random.Generator) -> Image.Image:
    """Pointillism: many small touches of pure color, warm on cool."""
    hills = (field(rng, 3) + 0.5 * field(rng, 7)) / 1.5
    hills = (hills - hills.min()) / np.ptp(hills)
    colors = [(24, 40, 110), (40, 110, 170), (90, 170, 140), (235, 200, 90), (235, 130, 50), (190, 50, 60)]
    picture = Image.new("RGB", (SIZE, SIZE), (242, 233, 212))
    pen = ImageDraw.Draw(picture)
    for _ in range(26000):
        x, y = rng.random(2) * SIZE
        shifted = np.clip(hills[int(y), int(x)] + rng.normal(0, 0.13), 0, 1)
        color = ramp(shifted, colors) + rng.normal(0, 14, 3)
        radius = rng.uniform(2.2, 4.6)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(np.clip(color, 0, 255).astype(int)))
    return picture


def waves(rng: np.random.Generator) -> Image.Image:
    """Ink waves: rows of swelling lines in indigo, with foam."""
    picture = Image.new("RGB", (2 * SIZE, 2 * SIZE), (236, 226, 202))
    pen = ImageDraw.Draw(picture)
    x = np.arange(-40, 2 * SIZE + 40, 6)
    phases = rng.random(6) * 7
    inks = [(22, 42, 84), (40, 78, 128), (88, 130, 164), (150, 178, 186), (222, 214, 190)]
    for row in range(-10, 96):
        swell = 46 * np.sin(x / 150 + phases[0] + row * 0.31) + 22 * np.sin(x / 67 + phases[1] - row * 0.55)
        y = row * 14 + swell + 9 * np.sin(x / 29 + phases[2] + row)
        ink = inks[int(abs(4.4 * np.sin(row * 0.23 + phases[3])))]
        width = 3 + 9 * np.abs(np.sin(x / 210 + row * 0.4 + phases[4]))
        points = list(zip(x.tolist(), y.tolist(), strict=True))
        for (x0, y0), (x1, y1), thick in zip(points, points[1:], width, strict=False):
            pen.line((x0, y0, x1, y1), fill=ink, width=int(thick))
        for crest in range(0, len(x), 9):
            if swell[crest] < -40 and rng.random() < 0.5:
                r = rng.uniform(3, 8)
                cx, cy = x[crest] + rng.normal(0, 9), y[crest] - rng.uniform(6, 20)
                pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(250, 247, 238), outline=inks[0], width=2)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def mosaic(rng: np.random.Generator) -> Image.Image:
    """Mosaic: crooked tiles in rings, with light grout."""
    picture = Image.new("RGB", (2 * SIZE, 2 * SIZE), (214, 204, 186))
    pen = ImageDraw.Draw(picture)
    tints = [(30, 92, 120), (16, 140, 150), (228, 172, 60), (196, 74, 48), (120, 40, 66), (240, 228, 196), (48, 60, 76)]
    centres = [(0.3, 0.35), (0.85, 0.8), (0.9, 0.1)]
    owner = np.array(centres) * 2 * SIZE
    for index, (cx, cy) in enumerate(owner):
        for ring in range(1, 62):
            radius = ring * 27
            count = max(6, int(2 * np.pi * radius / 30))
            tint = tints[(ring // 2 + 3 * index) % len(tints)]
            for k in range(count):
                angles = (np.array([k + 0.06, k + 0.94]) + 0.5 * (ring % 2)) * 2 * np.pi / count
                corners = [(r, a) for r, a in ((radius, 0), (radius, 1), (radius + 23, 1), (radius + 23, 0))]
                points = np.array([(cx + r * np.cos(angles[a]), cy + r * np.sin(angles[a])) for r, a in corners])
                middle = points.mean(0)
                if np.argmin(np.hypot(*(owner - middle).T)) != index:
                    continue
                points += rng.normal(0, 1.6, points.shape)
                color = np.clip(np.array(tint) + rng.normal(0, 16), 0, 255).astype(int)
                pen.polygon([tuple(p) for p in points], fill=tuple(color))
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def woodcut(rng: np.random.Generator) -> Image.Image:
    """Woodcut: black hatching whose lines swell with the shade, on warm paper."""
    shade = 0.65 * field(rng, 4) + 0.35 * field(rng, 9)
    shade = (shade - shade.min()) / np.ptp(shade)
    turn = 2.2 * field(rng, 2)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    bend = 40 * field(rng, 5)
    along = x * np.cos(turn) + y * np.sin(turn) + bend
    across = x * np.sin(turn) - y * np.cos(turn) + bend
    grain = field(rng, 160) - 0.5
    ink = np.sin(along * 2 * np.pi / 9.5) + 0.5 * grain > 2 * shade - 0.75
    ink |= (np.sin(across * 2 * np.pi / 12) + 0.5 * grain > 0.25) & (shade < 0.32)
    picture = np.where(ink[..., None], (26, 22, 20), (232, 216, 182)).astype(np.uint8)
    return Image.fromarray(picture).filter(ImageFilter.GaussianBlur(0.7))


def watercolour(rng: np.random.Generator) -> Image.Image:
    """Watercolour: wet blots that darken at their rims and run into each other, on grained paper."""
    picture = np.full((SIZE, SIZE, 3), (250.0, 246.0, 236.0))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    tints = np.array([(222, 92, 110), (244, 170, 78), (92, 150, 206), (70, 168, 150), (140, 104, 182), (238, 208, 96)])
    for _ in range(46):
        cx, cy = rng.random(2) * SIZE
        radius = rng.uniform(35, 120)
        angle = np.arctan2(y - cy, x - cx)
        edge = radius * (1 + sum(rng.normal(0, 0.11) * np.sin(k * angle + rng.random() * 7) for k in range(2, 8)))
        depth = edge - np.hypot(x - cx, y - cy) + 14 * (field(rng, 26) - 0.5)
        inside = 1 / (1 + np.exp(-np.clip(depth / 1.6, -30, 30)))
        rim = np.exp(-((depth - 3) ** 2) / 14)
        pigment = inside * (0.28 + 0.34 * field(rng, 5)) + 0.34 * rim
        picture *= 1 - pigment[..., None] * (1 - tints[rng.integers(len(tints))] / 255)
    picture += 9 * (field(rng, 210) - 0.5)[..., None]
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


STYLES = {"dots": dots, "waves": waves, "mosaic": mosaic, "woodcut": woodcut, "watercolour": watercolour}


def main() -> None:
    """Draw them all."""
    for number, (name, draw) in enumerate(STYLES.items()):
        draw(np.random.default_rng(number)).save(HERE / f"{name}.jpg", quality=90, optimize=True)


if __name__ == "__main__":
    main()
