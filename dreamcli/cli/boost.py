"""``dreamcli boost``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from dreamcli.art.boost import BoostSettings
from dreamcli.art.visualization import SIZE, TILE
from dreamcli.networks.spec import LayerSpec

from .options import (
    NO_NEURON,
    NO_PIXELS,
    ChannelsParam,
    Shared,
    images_argument,
    layer_option,
    schedule_options,
    shared_options,
    start_options,
    visualization_options,
)

DEFAULTS = BoostSettings()


@click.command()
@images_argument("[IMAGE...]")
@layer_option(DEFAULTS)
@click.option("--channels", type=ChannelsParam(), metavar="0-15",
              help="Each of these channels of the layer for itself, such as 0-15 or 3,7,12-14.")  # fmt: skip
@start_options(guided=True)
@visualization_options(DEFAULTS)
@schedule_options(
    DEFAULTS, f"the input's own size, from noise {SIZE}; on a sheet {TILE}", jitter=NO_NEURON, color=NO_PIXELS
)
@shared_options(
    "A file for one picture, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-boost.png; from noise ./LAYER-boost.png, ./sheet-boost.png]"
)
def boost(images: tuple[str, ...], channels: tuple[int, ...] | None, **options: Any) -> int:
    """Boost a layer, a channel or a neuron, from noise or on photographs.

    IMAGE is a file, a folder (walked recursively) or a glob; without one, the picture starts from noise.
    A neuron @Y,X is boosted where it is: without --jitter, --turn, --zoom, --crop and --noise.

    \b
    dreamcli boost --layer high:12
    dreamcli boost --layer high --channels 0-15 --sheet
    dreamcli boost photo.jpg --layer mid:7 --layer "mid:40*-0.5"
    """
    from .runner import open_studio, plan_on_pictures, run_tasks

    shared, rest = Shared.split(options)
    settings = BoostSettings(**rest)
    if channels is not None:
        settings = replace(settings, layers=_channels_of(settings.layers, channels))
    if images or shared.start not in (None, "noise"):
        if channels and len(channels) > 1 and not settings.sheet:
            raise click.UsageError("several --channels of one photograph go on one --sheet")
        return run_tasks("boost", [(task, settings) for task in plan_on_pictures("boost", images, shared)], shared)
    if settings.sheet or channels is None:
        name = "sheet" if settings.sheet else " ".join(map(str, settings.layers))
        return run_tasks("boost", [(task, settings) for task in plan_on_pictures("boost", (), shared, name)], shared)
    each = [replace(settings, layers=(spec,)) for spec in settings.layers]
    tasks = plan_on_pictures("boost", (), shared, *map(str, settings.layers))
    # with all the layers, so that a channel which isn't there is told before the first picture is made
    studio = None if shared.dry_run else open_studio("boost", settings, shared)
    return run_tasks("boost", list(zip(tasks, each, strict=True)), shared, studio)


def _channels_of(layers: tuple[LayerSpec, ...], channels: tuple[int, ...]) -> tuple[LayerSpec, ...]:
    if any(spec.channel is not None for spec in layers):
        raise click.UsageError("--channels go with a whole layer: leave the channel out of --layer")
    return tuple(replace(spec, channel=channel) for spec in layers for channel in channels)
