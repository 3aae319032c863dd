"""``dreamcli layers``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.table import Table

from dreamcli.networks.model_spec import parse_models

from .options import model_argument
from .terminal import output_console, print_table

if TYPE_CHECKING:
    from dreamcli.engine.trace import Layer


@click.command()
@model_argument
@click.option("--size", type=click.IntRange(1, 100_000), metavar="N",
              help="Pixels on each side of the input.  [default: 224, or what the model takes]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def layers(model: str, size: int | None, as_json: bool) -> int:
    """Show a network's layers in order: shapes, parameters, receptive fields and multiply-adds.

    The receptive field is the width and height in pixels of the part of the input that a unit sees; the
    stride is the distance between the fields of neighboring units.

    \b
    dreamcli layers
    dreamcli layers vgg16 --size 512
    """
    from dreamcli.networks import layers as tables
    from dreamcli.networks import zoo

    specs = parse_models(model)
    is_plain = len(specs) == 1 and not specs[0].weights  # weights of your own may have other classes
    network = zoo.skeleton(specs[0].name) if is_plain else zoo.load_all(model, blank=True).only
    side = size or network.usual_side
    table = network.table(side)
    total = tables.parameter_total(model, network.module)
    aliases = tables.aliases_of_rows(table, network.card.aliases)
    if as_json:
        rows = [asdict(layer) | {"alias": alias} for layer, alias in zip(table, aliases, strict=True)]
        click.echo(json.dumps({"model": model, "size": side, "parameters": total, "layers": rows}, indent=2))
    else:
        _show(model, side, total, table, aliases)
    return 0


def _show(model: str, side: int, total: int, table: list[Layer], aliases: list[str]) -> None:
    from dreamcli.networks.layers import human, pair_text, window_text

    shown = Table("layer", "kind", "output", "kernel", box=None)
    for heading in ("parameters", "multiply-adds", "field", "stride"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    notes: list[str] = []
    for layer, remark in zip(table, aliases, strict=True):
        if layer.note:
            notes.append(f"{layer.name}: {layer.note}")
            remark = f"{remark} ({len(notes)})".strip()
        shown.add_row(
            layer.name,
            layer.kind,
            "x".join(map(str, layer.shape)),
            window_text(layer),
            f"{layer.parameters:,}" if layer.parameters else "",
            human(layer.multiply_adds) if layer.multiply_adds else "",
            "whole" if layer.field is None else pair_text(layer.field),
            "" if layer.field_stride is None else pair_text(layer.field_stride),
            remark,
        )
    console = output_console(140)
    print_table(console, shown)
    for number, note in enumerate(notes, 1):
        console.print(f"({number}) {note}", soft_wrap=True)
    work = human(sum(layer.multiply_adds for layer in table))
    console.print(f"{model}: {total:,} parameters; {work} multiply-adds at {side}x{side} pixels", soft_wrap=True)
