"""``dreamcli features``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dreamcli.settings.features import FeatureSettings

from .npz import make_with_raw, raw_option
from .options import SharedOptions, form_options, images_argument, shared_options
from .sections import Command


@click.command(cls=Command)
@images_argument(required=True)
@form_options(FeatureSettings)
@raw_option("Also save one IMAGE's feature maps: an array (channels, rows, columns) per layer.")
@shared_options(
    FeatureSettings,
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-features.png; for a folder ./FOLDER-features/]",
)
def features(images: tuple[str, ...], raw: Path | None, **options: Any) -> int:
    """Show what layers see in pictures: their feature maps, on a captioned sheet from first layer to last.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin.

    \b
    dreamcli features photo.jpg
    dreamcli features photo.jpg --layer fire6 --channels 0-31 --overlay
    dreamcli features photo.jpg --layer high --raw high.npz
    """
    from .runner import make_on_pictures

    shared, rest = SharedOptions.split(options)
    settings = FeatureSettings(**rest)
    return make_with_raw(images, shared, settings, raw) if raw else make_on_pictures(images, shared, settings)
