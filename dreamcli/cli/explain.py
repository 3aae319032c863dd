"""``dreamcli explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dreamcli.errors import needs
from dreamcli.settings.explain import ExplainSettings

from .completion import complete_classes
from .npz import make_with_raw, raw_option
from .options import SharedOptions, form_options, images_argument, shared_options
from .sections import Command


@click.command(cls=Command)
@images_argument(required=True)
@click.option("--class", "names", multiple=True, metavar="NAME", shell_complete=complete_classes,
              help="Class to explain, by its name or number. Repeatable.  [default: the likeliest]")  # fmt: skip
@form_options(ExplainSettings)
@raw_option("Also save the maps of one IMAGE: an array (1, rows, columns) per class and method, in [0, 1].")
@shared_options(
    ExplainSettings,
    "A file for one input, otherwise a folder that mirrors the inputs' tree.  "
    "[default: ./STEM-explain.png; for a folder ./FOLDER-explain/]",
)
def explain(images: tuple[str, ...], names: tuple[str, ...], raw: Path | None, **options: Any) -> int:
    """Show where a network looks: which parts of a picture support a class.

    For each class, side by side: the gradient of its score, integrated gradients, and Grad-CAM. Needs
    Captum: pip install '.[explain]' in a clone of dreamcli.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin.

    \b
    dreamcli explain photo.jpg
    dreamcli explain photo.jpg --class "tabby cat" --class tiger
    """
    from .runner import make_on_pictures, open_session

    shared, rest = SharedOptions.split(options)
    settings = ExplainSettings(**rest)  # reports a setting that is out of range before anything is loaded
    needs("captum")  # which may be missing
    opened = None
    if names:
        opened = open_session(shared, blank=shared.dry_run)
        network = opened[0].ensemble(ExplainSettings).only
        settings = ExplainSettings(**rest, classes=tuple(dict.fromkeys(map(network.class_index, names))))
    if raw:
        return make_with_raw(images, shared, settings, raw, opened)
    return make_on_pictures(images, shared, settings, opened=opened)
