"""``dreamcli class``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.art.portrait import PortraitSettings
from dreamcli.art.visualization import SIZE, TILE
from dreamcli.networks.known import is_own

from .completion import complete_classes
from .options import NO_PIXELS, Shared, schedule_options, shared_options, start_options, visualization_options

if TYPE_CHECKING:
    from dreamcli.networks.zoo import Network

DEFAULTS = PortraitSettings(classes=(0,))


@click.command("class")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_classes)
@click.option("--mix", is_flag=True, help="One picture of all the classes that are named.")
@start_options(guided=False)
@visualization_options(DEFAULTS)
@schedule_options(DEFAULTS, f"{SIZE}; on a sheet {TILE}; with --start PICTURE its own", color=NO_PIXELS)
@shared_options("A file for one picture, otherwise a folder.  [default: ./NAME-class.png, ./sheet-class.png]")
def class_(names: tuple[str, ...], mix: bool, **options: Any) -> int:
    """Draw classes: climb a class's score until the picture shows it.

    NAME is a class's name, or its number; "dreamcli models MODEL --classes WORD" searches them.

    \b
    dreamcli class goldfish "golden retriever"
    dreamcli class jellyfish umbrella --mix
    dreamcli class goldfish --count 4 --sheet
    """
    from dreamcli.files.plan import plan_named

    from .runner import open_studio, run_tasks

    shared, settings = Shared.split(options)
    start = None if shared.start in (None, "noise") else Path(shared.start)
    wanted = PortraitSettings(classes=(0,), **settings)
    if mix and wanted.sheet:
        raise click.UsageError("--mix makes one picture, so there is nothing for --sheet")
    studio = None if shared.dry_run else open_studio("class", wanted, shared)
    network = studio.network if studio else _without_download(shared)
    labels = network.card.labels
    indices = tuple(dict.fromkeys(network.class_index(name) for name in names))
    groups = [indices] if mix or wanted.sheet else [(index,) for index in indices]
    titles = ["sheet"] if wanted.sheet else ["+".join(labels[index] for index in group) for group in groups]
    tasks = plan_named(titles, shared.output, "class", start)
    commissions = [(task, replace(wanted, classes=group)) for task, group in zip(tasks, groups, strict=True)]
    return run_tasks("class", commissions, shared, studio)


def _without_download(shared: Shared) -> Network:
    """The network for its classes' names, which weights of one's own may change, and others don't."""
    from dreamcli.networks import zoo

    if shared.weights or is_own(shared.model):
        return zoo.load(shared.model, shared.weights)
    return zoo.skeleton(shared.model)
