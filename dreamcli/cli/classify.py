"""``dreamcli classify``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dreamcli.errors import DreamcliError, unexpected

from .options import LayerParam, images_argument, input_options, model_options, shard_option
from .report import error, printable

if TYPE_CHECKING:
    from dreamcli.files.shard import Shard
    from dreamcli.networks.spec import LayerSpec

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
    from dreamcli.art.score import most_active, top
    from dreamcli.files.decoder import reader
    from dreamcli.files.plan import find_pictures
    from dreamcli.studio import Studio

    if spec and spec.channel is not None:
        raise click.UsageError("--layer names a whole layer: leave the channel out")
    settings = FeatureSettings(layers=(spec,)) if spec else FeatureSettings()
    studio = Studio.open("features", settings, **options)
    read = reader(safe_decode)
    answers: list[dict[str, Any]] = []
    failed = 0
    for task in find_pictures(images, follow_links):
        if shard and not shard.has(task.key):
            continue
        try:
            if task.problem or not task.source:
                raise DreamcliError(task.problem)
            pixels = read(task.source).pixels
            if spec:
                found = most_active(studio.network, studio.network.layer(spec.layer), pixels, count, studio.compute)
            else:
                found = top(studio.network, pixels, count)
        except Exception as problem:  # the other pictures go on
            reason = str(problem) if isinstance(problem, DreamcliError) else unexpected(problem)
            failed += 1
            error(f"{task.title}: {reason}", verbose)
            answers.append({"input": task.title, "error": reason})
            continue
        answers.append({"input": task.title, "layer" if spec else "classes": [list(pair) for pair in found]})
        if not as_json:
            _show(task.title, found, 1.0 if not spec else max(value for _, value in found) or 1.0)
    if as_json:
        click.echo(json.dumps({"model": studio.network.card.name, "pictures": answers}, indent=2))
    return 1 if failed else 0


def _show(title: str, found: list[tuple[str, float]], full: float) -> None:
    click.echo(printable(title))
    width = max(len(name) for name, _ in found)
    for name, value in found:
        bar = "█" * round(BAR * max(value, 0) / full)
        shown = f"{100 * value:5.1f} %" if full == 1 else f"{value:8.3g}"
        click.echo(f"  {name:{width}}  {shown}  {bar}")
