"""Try every network, and write the table at the end of networks.md: ``uv run python docs/networks.py [NAME...]``.

With random weights, so that nothing is downloaded: the layer table, and a dream of three steps, at the size the network
was trained for. Takes minutes, and up to 8 GiB for the largest.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

import numpy as np

from dreamcli.art.artwork import Inputs
from dreamcli.art.dream import DreamSettings, dream
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError
from dreamcli.networks import zoo
from dreamcli.networks.layers import human, layer_table, parameter_total
from dreamcli.networks.listing import names

PAGE = Path(__file__).with_name("networks.md")
HEADING = "## Every network\n"
TABLE = """
Written by `docs/networks.py`, which tries every network with random weights. *Layers* is the number of rows that
`dreamcli layers` prints. *Field* is the receptive field of `high` in pixels, "whole" if it sees all of the picture.
*Size* is the side in pixels that the multiply-adds are for, and *dream* is whether three steps of a dream work at it.
The networks are torchvision's, which differ here and there from their papers: `alexnet` is the slimmer one of 2014,
`googlenet` has 3x3 convolutions for 5x5, `inception_v3` was trained on 299 pixels, and a second head, for training
only, is among its parameters.

| model | parameters | multiply-adds | size | layers | low, mid, high | field | dream |
|---|---|---|---|---|---|---|---|
"""


def photograph(side: int) -> np.ndarray:
    """Something to dream on."""
    y, x = np.mgrid[0:side, 0:side] / side
    return (127 + 100 * np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(11 * (x + y))], 2)).astype(np.uint8)


def row(name: str) -> str:
    """One line of the table."""
    skeleton = zoo.skeleton(name)
    side = skeleton.input_format.fixed or max(224, skeleton.input_format.minimum)
    aliases = ", ".join(f"`{layer}`" for layer in skeleton.card.aliases.values())
    total = f"{parameter_total(name, skeleton.module):,}"
    try:
        table = layer_table(skeleton.module, (side, side))
        high = skeleton.card.aliases["high"]
        field = next(layer.field for layer in table if high in (layer.name, *layer.ends))
        work, seen = human(sum(layer.multiply_adds for layer in table)), "whole" if field is None else str(field[0])
        count = str(len(table))
    except (DreamcliError, StopIteration) as error:
        work, seen, count = "", "", f"no: {error}"
    return f"| {name} | {total} | {work} | {side} | {count} | {aliases} | {seen} | {try_dream(name, side)} |"


def try_dream(name: str, side: int) -> str:
    """Whether three steps end well and change a picture; otherwise why not."""
    network = zoo.load(name, random=name not in ("dreamnet", "lenet5"))
    settings, photo = DreamSettings(steps=3, octaves=1), photograph(side)
    try:
        (made,) = dream(settings, network, Inputs(photo), Compute.resolve("cpu", "float32"))
    except (DreamcliError, RuntimeError) as error:
        return f"no: {error}"
    if made.stopped != "done":
        return f"no: {made.stopped}"
    return "yes" if (made.pixels != photo).any() else "no: the picture did not change"


def main() -> None:
    """Try those that were named and print their lines, or try all and write the page."""
    lines = []
    for name in sys.argv[1:] or names():
        started = time.monotonic()
        lines.append(row(name))
        print(lines[-1], f"{time.monotonic() - started:.0f} s", flush=True)
        gc.collect()
    if not sys.argv[1:]:
        prose = PAGE.read_text().partition(HEADING)[0]
        PAGE.write_text(prose + HEADING + TABLE + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
