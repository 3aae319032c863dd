"""``dreamcli dream``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.art.dream import SIZE_FROM_NOISE, DreamSettings

from .options import (
    NO_NEURON,
    Shared,
    images_argument,
    layer_option,
    minimize_option,
    schedule_options,
    shared_options,
    start_options,
)

DEFAULTS = DreamSettings()


@click.command()
@images_argument()
@layer_option(DEFAULTS)
@minimize_option()
@start_options(guided=True)
@schedule_options(DEFAULTS, f"the input's own size, {SIZE_FROM_NOISE} from noise", jitter=NO_NEURON, color=NO_NEURON)
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
    dreamcli dream --start noise --layer mid
    """
    from .runner import plan_on_pictures, run_tasks

    shared, settings = Shared.split(options)
    if not images and not shared.start:
        raise click.UsageError("name an IMAGE to dream on, or dream on noise: --start noise")
    tasks = plan_on_pictures("dream", images, shared, "noise")
    return run_tasks("dream", [(task, DreamSettings(**settings)) for task in tasks], shared)
