"""Try every network and write the table at the end of networks.md: ``uv run python docs/networks.py [NAME...]``.

Each network gets random weights, so that nothing is downloaded. It is traced, and dreams for three steps, at the size
it was trained for. All of them together take minutes, and the largest takes up to 8 GiB.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

import numpy as np

from dreamcli.art.artwork import Inputs
from dreamcli.art.dream import dream
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError
from dreamcli.files.reading import Picture
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.layers import human, parameter_total
from dreamcli.networks.registry import OURS, installed_names
from dreamcli.settings.dream import DreamSettings

PAGE = Path(__file__).with_name("networks.md")
HEADING = "## Every network\n"
TABLE = """
`docs/networks.py` tries every network with random weights and writes this table. The columns:

- *multiply-adds*: at an input of *size* pixels on each side
- *layers*: the number of rows that `dreamcli layers` prints
- *field*: the receptive field of `high` in pixels, or "whole" if it sees the whole picture
- *dream*: whether a dream of three steps works at this size

torchvision's versions differ from the papers in places: `alexnet` is the slimmer version from 2014, `googlenet` has 3x3
convolutions in place of 5x5, and `inception_v3` was trained on 299 pixels and counts an auxiliary classifier, used only
in training, among its parameters.

| model | parameters | multiply-adds | size | layers | low, mid, high | field | dream |
|---|---|---|---|---|---|---|---|
"""


def photograph(side: int) -> np.ndarray:
    """A synthetic picture to dream on, (side, side, 3)."""
    y, x = np.mgrid[0:side, 0:side] / side
    return (127 + 100 * np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(11 * (x + y))], 2)).astype(np.uint8)


def row(name: str) -> str:
    """A network's row in the table."""
    skeleton = zoo.skeleton(name)
    side = skeleton.input_format.fixed or max(224, skeleton.input_format.minimum)
    aliases = ", ".join(f"`{layer}`" for layer in skeleton.card.aliases.values())
    total = f"{parameter_total(name, skeleton.module):,}"
    try:
        table = skeleton.table(side)
        high = skeleton.card.aliases["high"]
        field = next(layer.field for layer in reversed(table) if layer.name == high)
        work, seen = human(sum(layer.multiply_adds for layer in table)), "whole" if field is None else str(field[0])
        count = str(sum(not layer.is_block for layer in table))
    except (DreamcliError, StopIteration) as error:
        work, seen, count = "", "", f"no: {error}"
    return f"| {name} | {total} | {work} | {side} | {count} | {aliases} | {seen} | {try_dream(name, side)} |"


def try_dream(name: str, side: int) -> str:
    """``yes`` if three steps succeed and change the picture, otherwise ``no`` and the reason."""
    network = zoo.load(name, random=name not in OURS)
    settings, photo = DreamSettings(steps=3, octaves=1), photograph(side)
    try:
        (made,) = dream(settings, Ensemble.of(network), Inputs(Picture(photo)), Compute.resolve("cpu", "float32"))
    except (DreamcliError, RuntimeError) as error:
        return f"no: {error}"
    if made.stopped != "done":
        return f"no: {made.stopped}"
    return "yes" if (made.pixels != photo).any() else "no: the picture did not change"


def main() -> None:
    """Try the networks named on the command line and print their rows, or try all and write the page."""
    lines = []
    for name in sys.argv[1:] or installed_names():
        started = time.monotonic()
        lines.append(row(name))
        print(lines[-1], f"{time.monotonic() - started:.0f} s", flush=True)
        gc.collect()
    if not sys.argv[1:]:
        prose = PAGE.read_text("utf-8").partition(HEADING)[0]
        PAGE.write_text(prose + HEADING + TABLE + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
