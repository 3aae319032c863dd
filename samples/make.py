"""Make every picture in ``samples/pictures`` by the command beside it: ``uv run python samples/make.py [NAME...]``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from dreamcli.cli import run

ROOT = Path(__file__).resolve().parents[1]

# the picture, and what is typed to make it
PICTURES = {
    "coffee-mid.jpg": "dreamcli dream samples/coffee.jpg --layer mid",
    "chelsea-low.jpg": "dreamcli dream samples/chelsea.jpg --layer low",
    "galaxies-mid.jpg": "dreamcli dream samples/galaxies.jpg --layer mid",
    "rocket-high.jpg": "dreamcli dream samples/rocket.jpg --layer high",
    "coffee-high.jpg": "dreamcli dream samples/coffee.jpg --layer high",
    "classes.jpg": "dreamcli class goldfish jellyfish 'monarch butterfly' 'king penguin' tarantula Chihuahua teapot "
    "umbrella lemon --sheet --size 192",
    "channels.jpg": "dreamcli boost --layer high --channels 0-8 --sheet --size 192",
    "chelsea-features.jpg": "dreamcli features samples/chelsea.jpg --top 8",
    "digits.jpg": "dreamcli class 0 1 2 3 4 5 6 7 8 9 --model lenet5 --sheet",
    "chelsea-mosaic.jpg": "dreamcli style samples/chelsea.jpg --style samples/styles/mosaic.jpg",
    "coffee-waves.jpg": "dreamcli style samples/coffee.jpg --style samples/styles/waves.jpg",
}


def main() -> None:
    """Make those that were named, or all."""
    os.chdir(ROOT)
    for name in sys.argv[1:] or PICTURES:
        command = [*shlex.split(PICTURES[name])[1:], "-o", f"samples/pictures/{name}", "--overwrite"]
        if code := run(command):
            sys.exit(code)


if __name__ == "__main__":
    main()
