"""Make the pictures in ``samples/pictures``: ``uv run python samples/make.py [NAME...]``."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from pathlib import Path

from PIL import Image

from dreamcli.__main__ import main as run
from dreamcli.art.sheet import contact_sheet
from dreamcli.files.reading import read_picture

ROOT = Path(__file__).resolve().parents[1]

# each picture, and the command that makes it
PICTURES = {
    "coffee-dream.jpg": "dreamcli dream samples/coffee.jpg",
    "chelsea-low.jpg": "dreamcli dream samples/chelsea.jpg --layer low",
    "galaxies-mid.jpg": "dreamcli dream samples/galaxies.jpg --layer mid",
    "rocket-high.jpg": "dreamcli dream samples/rocket.jpg --layer high",
    "coffee-vgg.jpg": "dreamcli dream samples/coffee.jpg --model vgg19_gatys",
    "classes.jpg": 'dreamcli class goldfish jellyfish monarch "king penguin" tarantula Chihuahua teapot '
    "umbrella lemon --sheet --size 192",
    "channels.jpg": "dreamcli boost --layer high --channels 0-8 --sheet --size 192",
    "chelsea-features.jpg": "dreamcli features samples/chelsea.jpg --top 8",
    "filters.jpg": "dreamcli filters",
    "digits.jpg": "dreamcli class 0 1 2 3 4 5 6 7 8 9 --model lenet5 --crop 1 --no-mirror --sheet",
    "chelsea-glass.jpg": "dreamcli style samples/chelsea.jpg --style samples/styles/glass.jpg",
    "coffee-loop.webp": "dreamcli film samples/coffee.jpg --loop --seconds 5 --fps 12 --size 320 --zoom 1.5",
    "coffee-starry-night.jpg": "dreamcli style samples/coffee.jpg --style samples/styles/starry-night.jpg",
}
# one sheet with every photo in every style, and the command for one tile
SHEET = "styles.jpg"
ONE_OF_THE_SHEET = "dreamcli style samples/{photo}.jpg --style samples/styles/{style}.jpg --size 320"


def make_sheet() -> None:
    """Paint every photo in every style, and lay the results out on one sheet."""
    photos = sorted(path.stem for path in Path("samples").glob("*.jpg"))
    styles = sorted(path.stem for path in Path("samples/styles").glob("*.jpg"))
    tiles, captions = [], []
    with tempfile.TemporaryDirectory() as folder:
        for photo in photos:
            for style in styles:
                command = shlex.split(ONE_OF_THE_SHEET.format(photo=photo, style=style))[1:]
                if code := run([*command, "-o", f"{folder}/{photo}-{style}.png"]):
                    sys.exit(code)
                tiles.append(read_picture(Path(folder) / f"{photo}-{style}.png").pixels)
                captions.append(f"{photo}, {style}")
    Image.fromarray(contact_sheet(tiles, captions, len(styles))).save(Path("samples/pictures") / SHEET, quality=90)


def main() -> None:
    """Make the pictures named on the command line, or all of them."""
    os.chdir(ROOT)
    wanted = sys.argv[1:] or [*PICTURES, SHEET]
    if SHEET in wanted:
        wanted.remove(SHEET)
        make_sheet()
    for name in wanted:
        command = [*shlex.split(PICTURES[name])[1:], "-o", f"samples/pictures/{name}", "--overwrite"]
        if code := run(command):
            sys.exit(code)


if __name__ == "__main__":
    main()
