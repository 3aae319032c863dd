"""``dreamcli class``."""

from __future__ import annotations

from typing import Any

import click

from dreamcli.settings.visualization import ClassSettings, VisualizationSettings

from .completion import complete_classes
from .options import SharedOptions, form_options, like_option, shared_options, start_options
from .sections import Command


@click.command("class", cls=Command)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_classes)
@click.option("--mix", is_flag=True, help="Draw all the classes in one picture.")
@start_options(guided=False)
@like_option
@form_options(ClassSettings)
@shared_options(
    ClassSettings, "A file for one picture, otherwise a folder.  [default: ./NAME-class.png, ./sheet-class.png]"
)
def class_(names: tuple[str, ...], mix: bool, **options: Any) -> int:
    """Draw classes: climb a class's score until the picture shows it.

    NAME is a class's name or its number; "dreamcli models MODEL --classes WORD" searches them.

    \b
    dreamcli class goldfish "golden retriever"
    dreamcli class jellyfish umbrella --mix
    dreamcli class goldfish --count 4 --sheet
    dreamcli class "golden retriever" --like photos-of-mine/
    """
    from .runner import make_pictures, open_session, plan_named, start_of

    shared, rest = SharedOptions.split(options)
    if mix and rest["sheet"]:
        raise click.UsageError("--mix makes one picture, so it can't be combined with --sheet")
    VisualizationSettings(**rest)  # reports a setting that is out of range before anything is loaded
    opened = open_session(shared, blank=shared.dry_run)
    ensemble = opened[0].ensemble(ClassSettings)
    labels = ensemble.labels
    indices = tuple(dict.fromkeys(ensemble.class_index(name) for name in names))
    groups = [indices] if mix or rest["sheet"] else [(index,) for index in indices]
    titles = ["sheet"] if rest["sheet"] else ["+".join(labels[index] for index in group) for group in groups]
    wanted = [(title, ClassSettings(classes=group, **rest)) for title, group in zip(titles, groups, strict=True)]
    return make_pictures(plan_named(wanted, shared.output, start_of(shared)), shared, opened)
