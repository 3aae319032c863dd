"""``dreamcli dream``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.settings.dream import DreamSettings

from .options import SharedOptions, form_options, images_argument, keep_frames_option, shared_options, start_options
from .sections import Command


@click.command(cls=Command)
@images_argument()
@start_options(guided=True)
@form_options(DreamSettings)
@keep_frames_option
@shared_options(
    DreamSettings,
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-dream.png; .mp4, .gif or .webp for films; for a folder ./FOLDER-dream/]",
)
def dream(images: tuple[str, ...], **options: Any) -> int:
    """Dream on photographs: boost what a layer already sees in them (DeepDream).

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin. A video or an animated picture
    becomes a film.

    \b
    dreamcli dream photo.jpg --layer mid
    dreamcli dream photos/ --layer low --layer "high*0.5" -o dreams/
    dreamcli dream photo.jpg --layer dreamnet/high:12 --strength 0.8
    dreamcli dream --start noise --layer mid
    dreamcli dream clip.mp4 --size 512
    """
    from .runner import make_on_pictures

    shared, settings = SharedOptions.split(options)
    if not images and not shared.start:
        raise click.UsageError("name an IMAGE to dream on, or use --start noise")
    return make_on_pictures(images, shared, DreamSettings(**settings), "noise")
