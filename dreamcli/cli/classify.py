"""``dreamcli classify``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import DreamcliError, describe
from dreamcli.settings.classify import ClassifySettings

from .completion import complete_layers
from .errors import print_error, printable, with_hint
from .options import (
    SharedOptions,
    form_options,
    images_argument,
    input_options,
    machine_options,
    model_options,
    shard_option,
)
from .parameters import LAYER
from .report import left_out_text
from .sections import Command
from .terminal import say

if TYPE_CHECKING:
    from dreamcli.files.plan import Task
    from dreamcli.files.reading import Picture
    from dreamcli.settings.layer_spec import LayerSpec
    from dreamcli.studio.session import Session

Found = list[tuple[str, float]]
BAR = 30  # characters


@click.command(cls=Command)
@images_argument(required=True, watch=False)
@form_options(ClassifySettings, leave_out=("size",))
@click.option("--layer", type=LAYER, metavar="LAYER", shell_complete=complete_layers,
              help="Name the most active channels of this layer instead of classes.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@input_options
@model_options(ClassifySettings)
@machine_options
@shard_option
@click.option("-v", "--verbose", is_flag=True, help="Print a traceback with every error.")
def classify(images: tuple[str, ...], top: int, layer: LayerSpec | None, **options: Any) -> int:
    """Say what a network sees in pictures: the likeliest classes, or a layer's most active channels.

    IMAGE is a file, a folder (walked recursively), a glob, or - for stdin.

    \b
    dreamcli classify photo.jpg
    dreamcli classify photos/ --top 1 --json
    dreamcli classify photo.jpg --layer high
    """
    from .runner import open_session, pictures_to_look_at, reader

    settings = ClassifySettings(top=top, layer=layer)
    shared, _ = SharedOptions.split(options)
    session, _ = open_session(shared)
    ensemble = session.ensemble(ClassifySettings)
    name = ensemble.only.card.name
    if layer:
        ensemble.find(layer)
    read, shard = reader(shared.safe_decode), shared.shard
    tasks = [task for task in pictures_to_look_at(images, shared, settings) if not shard or shard.has(task.key)]
    answers = [_answer(task, settings, session, read, shared) for task in tasks]
    if shared.as_json:
        left_out = {"left_out": len(shared.left_out)} if shared.left_out else {}
        click.echo(json.dumps({"model": name, **left_out, "pictures": answers}, indent=2))
    elif shared.left_out:
        say(left_out_text(shared.left_out))
    return 1 if any("error" in answer for answer in answers) else 0


def _answer(
    task: Task, settings: ClassifySettings, session: Session, read: Callable[[Path], Picture], shared: SharedOptions
) -> dict[str, object]:
    """Look at one picture and print the answer, or why there is none; return the same for --json."""
    kind = "layer" if settings.layer else "classes"
    try:
        if task.problem or not task.source:
            raise DreamcliError(task.problem, task.hint)
        layer = settings.layer.layer if settings.layer else None
        found = session.classify(read(task.source).on_white, settings.top, layer=layer)
    except Exception as error:  # one failure does not stop the rest
        reason = with_hint(*describe(error))
        print_error(f"{task.title}: {reason}", shared.verbose)
        return {"input": task.title, "error": reason}
    if not shared.as_json:
        click.echo(_text(task.title, found, kind))
    return {"input": task.title, kind: [list(pair) for pair in found]}


def _text(title: str, found: Found, kind: str) -> str:
    width = max(len(name) for name, _ in found)
    full = 1.0 if kind == "classes" else found[0][1]
    lines = [printable(title)]
    for name, value in found:
        bar = "█" * round(BAR * value / full) if value > 0 else ""
        shown = f"{100 * value:5.1f}%" if kind == "classes" else f"{value:8.3g}"
        lines.append(f"  {name:{width}}  {shown}  {bar}")
    return "\n".join(lines)
