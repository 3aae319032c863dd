"""``dreamcli boost``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from dreamcli.errors import check
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.visualization import BoostSettings

from .options import SharedOptions, form_options, images_argument, like_option, shared_options, start_options
from .parameters import CHANNELS
from .sections import Command


@click.command(cls=Command)
@images_argument("[IMAGE...]")
@click.option("--channels", type=CHANNELS, metavar="0-15",
              help="Boost each of these channels of the layer separately, such as 0-15 or 3,7,12-14.")  # fmt: skip
@start_options(guided=True)
@like_option
@form_options(BoostSettings)
@shared_options(
    BoostSettings,
    "A file for one picture, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-boost.png; from noise ./LAYER-boost.png, ./sheet-boost.png]",
)
def boost(images: tuple[str, ...], channels: tuple[int, ...] | None, **options: Any) -> int:
    """Boost a layer, a channel or a neuron, from noise or on photographs.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin. Without one, the picture starts from noise.
    A neuron @Y,X is boosted where it is, without --jitter, --turn, --mirror, --zoom, --crop and --noise.

    \b
    dreamcli boost --layer high:12
    dreamcli boost --layer high --channels 0-15 --sheet
    dreamcli boost photo.jpg --layer mid:7 --layer "mid:40*-0.5"
    """
    from .runner import make_on_pictures, make_pictures, open_session, plan_named

    shared, rest = SharedOptions.split(options)
    settings = BoostSettings(**rest)
    if channels is not None:
        settings = replace(settings, layers=_channels_of(settings.layers, channels))
    on_picture = bool(images) or shared.start_path is not None
    if on_picture and channels and len(channels) > 1 and not settings.sheet:
        raise click.UsageError("several --channels of one photograph need --sheet")
    if on_picture or settings.sheet or channels is None:
        name = "sheet" if settings.sheet else " ".join(map(str, settings.layers))
        return make_on_pictures(images, shared, settings, name)
    check(not shared.watch, "--watch needs a folder")
    tasks = plan_named([(str(spec), replace(settings, layers=(spec,))) for spec in settings.layers], shared.output)
    opened = open_session(shared, blank=shared.dry_run)
    opened[0].check(settings, opened[1])  # a missing channel is reported before the first picture is made
    return make_pictures(tasks, shared, opened)


def _channels_of(layers: tuple[LayerSpec, ...], channels: tuple[int, ...]) -> tuple[LayerSpec, ...]:
    if any(spec.channel is not None for spec in layers):
        raise click.UsageError("--channels need a whole layer: leave the channel out of --layer")
    return tuple(replace(spec, channel=channel) for spec in layers for channel in channels)
