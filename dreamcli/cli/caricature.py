"""``dreamcli caricature``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.settings.caricature import CaricatureSettings

from .options import SharedOptions, form_options, images_argument, shared_options
from .sections import Command


@click.command(cls=Command)
@images_argument(required=True)
@form_options(CaricatureSettings)
@shared_options(
    CaricatureSettings,
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-caricature.png; for a folder ./FOLDER-caricature/]",
)
def caricature(images: tuple[str, ...], **options: Any) -> int:
    """Exaggerate what a layer sees in a photograph, where it sees it.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin.

    \b
    dreamcli caricature photo.jpg --layer high
    dreamcli caricature photos/ --layer low -o caricatures/
    """
    from .runner import make_on_pictures

    shared, settings = SharedOptions.split(options)
    return make_on_pictures(images, shared, CaricatureSettings(**settings))
