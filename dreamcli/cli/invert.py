"""``dreamcli invert``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.settings.invert import InvertSettings

from .options import SharedOptions, form_options, images_argument, shared_options
from .sections import Command


@click.command(cls=Command)
@images_argument(required=True)
@form_options(InvertSettings)
@shared_options(
    InvertSettings,
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-invert.png; for a folder ./FOLDER-invert/]",
)
def invert(images: tuple[str, ...], **options: Any) -> int:
    """Show what a layer remembers of a photograph: redraw it from noise, using only that layer.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin.

    \b
    dreamcli invert photo.jpg --layer high
    dreamcli invert photos/ --layer low -o memories/
    """
    from .runner import make_on_pictures

    shared, settings = SharedOptions.split(options)
    return make_on_pictures(images, shared, InvertSettings(**settings))
