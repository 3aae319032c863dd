"""``dreamcli dream``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.art.dream import DreamSettings

from .options import Shared, layer_options, schedule_options, shared_options

DEFAULTS = DreamSettings()


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@layer_options(DEFAULTS)
@schedule_options(DEFAULTS)
@shared_options(
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-dream.png; for a folder ./FOLDER-dream/]"
)
def dream(images: tuple[str, ...], **options: Any) -> int:
    """Dream on photographs: boost what a layer already sees in them (DeepDream).

    IMAGE is a file, a folder (walked recursively) or a glob.

    \b
    dreamcli dream photo.jpg --layer mid
    dreamcli dream photos/ --layer low --layer "high*0.5" -o dreams/
    dreamcli dream photo.jpg --layer high:12 --octaves 6 --strength 0.8
    """
    from dreamcli.files.plan import make_plan

    from .runner import run_tasks

    shared, settings = Shared.split(options)
    tasks = make_plan(images, shared.output, "dream")
    return run_tasks("dream", DreamSettings(**settings), tasks, shared)
