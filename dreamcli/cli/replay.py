"""``dreamcli replay``."""

from __future__ import annotations

from pathlib import Path

import click

from dreamcli.engine import DEVICES, PRECISIONS

from .options import ReplayOptions, replay_options
from .sections import Command


@click.command(cls=Command)
@click.argument("picture", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("--input", "given", type=click.Path(path_type=Path), metavar="PATH",
              help="The photograph it was made from.  [default: found at its old path, or next to OUTPUT]")  # fmt: skip
@click.option("--other", "moved", multiple=True, metavar="ROLE=PATH",
              help="Another picture it was made from, such as guide=cat.jpg.")  # fmt: skip
@click.option("--model", metavar="FILE.py:CLASS",
              help="Your own network, if it was made with one: its code runs only if you name it. "
              "If there were several networks, name all of them.")  # fmt: skip
@click.option("--judge", metavar="MODEL[=FILE]", help="The judge, if its weights are a file of your own.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.  [default: as recorded]")
@click.option("--precision", type=click.Choice(PRECISIONS), help="The network's precision.  [default: as recorded]")
@click.option(
    "--download", is_flag=True, help="Download networks that it was made with, if they aren't here, without asking."
)
@click.option("--save-preset", "preset", metavar="NAME",
              help="Make nothing; save the settings (not --weights, --judge or masks) as a preset.")  # fmt: skip
@replay_options("Where to write it.  [default: ./STEM-replay, with OUTPUT's suffix]")
def replay(preset: str | None, **options: object) -> int:
    """Make a picture again, from the record inside it.

    OUTPUT is a picture that dreamcli made. Reports whether the new pixels are identical; if they are not,
    the exit code is 1.

    \b
    dreamcli replay photo-dream.png
    dreamcli replay photo-dream.png --save-preset mine
    """
    from .replaying import replay_picture

    return replay_picture(ReplayOptions(**options), preset)  # type: ignore[arg-type]
