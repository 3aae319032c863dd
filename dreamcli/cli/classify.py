"""``dreamcli classify``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import DreamcliError, unexpected

from .options import LayerParam, images_argument, input_options, machine_options, model_options, shard_option
from .report import error, printable

if TYPE_CHECKING:
    from pathlib import Path

    from dreamcli.files.plan import Task
    from dreamcli.files.reading import Picture
    from dreamcli.files.shard import Shard
    from dreamcli.networks.spec import LayerSpec
    from dreamcli.studio import Studio

Found = list[tuple[str, float]]
BAR = 30  # characters


@click.command()
@images_argument(required=True)
@click.option(
    "--top",
    "count",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=5,
    show_default=True,
    help="How many of the likeliest.",
)
@click.option(
    "--layer",
    "spec",
    type=LayerParam(),
    metavar="LAYER",
    help="Name the most active channels of this layer, instead of classes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@input_options()
@model_options()
@machine_options()
@shard_option()
@click.option("-v", "--verbose", is_flag=True, help="Print a traceback with every error.")  # fmt: skip
def classify(
    images: tuple[str, ...],
    count: int,
    spec: LayerSpec | None,
    as_json: bool,
    shard: Shard | None,
    verbose: bool,
    follow_links: bool,
    safe_decode: bool,
    **options: Any,
) -> int:
    """Say what a network sees in pictures: the likeliest classes, or a layer's most active channels.

    IMAGE is a file, a folder (walked recursively) or a glob.

    \b
    dreamcli classify photo.jpg
    dreamcli classify photos/ --top 1 --json
    dreamcli classify photo.jpg --layer high
    """
    from dreamcli.art.features import FeatureSettings
    from dreamcli.files.decoder import reader
    from dreamcli.files.plan import find_pictures
    from dreamcli.studio import Studio

    if spec and spec.channel is not None:
        raise click.UsageError("--layer names a whole layer: leave the channel out")
    studio = Studio.open("features", FeatureSettings(layers=(spec,)) if spec else FeatureSettings(), **options)
    look = partial(_look, studio=studio, spec=spec, count=count, read=reader(safe_decode))
    tasks = [task for task in find_pictures(images, follow_links) if not shard or shard.has(task.key)]
    answers = [_answer(task, look, "layer" if spec else "classes", as_json, verbose) for task in tasks]
    if as_json:
        click.echo(json.dumps({"model": studio.network.card.name, "pictures": answers}, indent=2))
    return 1 if any("error" in answer for answer in answers) else 0


def _answer(task: Task, look: Callable[[Task], Found], kind: str, as_json: bool, verbose: bool) -> dict[str, Any]:
    """Look at one picture and show what was seen, or say why it can't be; give the same for --json."""
    try:
        found = look(task)
        text = _text(task.title, found, kind)
    except Exception as problem:  # the other pictures go on
        reason = str(problem) if isinstance(problem, DreamcliError) else unexpected(problem)
        error(f"{task.title}: {reason}", verbose)
        return {"input": task.title, "error": reason}
    if not as_json:
        click.echo(text)
    return {"input": task.title, kind: [list(pair) for pair in found]}


def _look(task: Task, studio: Studio, spec: LayerSpec | None, count: int, read: Callable[[Path], Picture]) -> Found:
    """What is seen in a picture: names with their values, the largest first.

    Raises:
        DreamcliError: it can't be read, or the values are not finite.
    """
    from dreamcli.art.score import most_active, top

    if task.problem or not task.source:
        raise DreamcliError(task.problem)
    pixels = read(task.source).pixels
    if spec:
        found = most_active(studio.network, studio.network.layer(spec.layer), pixels, count, studio.compute)
    else:
        found = top(studio.network, pixels, count, studio.compute)
    if not found or not all(math.isfinite(value) for _, value in found):
        raise DreamcliError("the network's answer is not finite: its numbers grow too large")
    return found


def _text(title: str, found: Found, kind: str) -> str:
    width = max(len(name) for name, _ in found)
    full = 1.0 if kind == "classes" else found[0][1]
    lines = [printable(title)]
    for name, value in found:
        bar = "█" * round(BAR * value / full) if value > 0 else ""
        shown = f"{100 * value:5.1f} %" if kind == "classes" else f"{value:8.3g}"
        lines.append(f"  {name:{width}}  {shown}  {bar}")
    return "\n".join(lines)
