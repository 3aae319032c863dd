"""``dreamcli models``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from dreamcli.errors import WrongRequest
from dreamcli.networks.known import BUNDLED, is_own

from .completion import complete_models

if TYPE_CHECKING:
    from dreamcli.networks.listing import Listing


@click.command()
@click.argument("name", required=False, metavar="[MODEL]", shell_complete=complete_models)
@click.option("--classes", "word", is_flag=False, flag_value="", metavar="[WORD]",
              help="List the model's classes, or those with this word in their names.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def models(name: str | None, word: str | None, as_json: bool) -> int:
    """Show the networks there are, or one of them with its card, or its classes.

    \b
    dreamcli models
    dreamcli models vgg16
    dreamcli models dreamnet --classes fish
    """
    from dreamcli.networks.listing import listing, names

    if word is not None:
        return _show_classes(listing(name or BUNDLED), word, as_json)
    if name:
        return _show_one(listing(name), as_json)
    return _show_all([listing(each) for each in names()], as_json)


def _facts(listing: Listing) -> dict[str, object]:
    """What is known; None where something isn't."""
    return {
        "name": listing.name,
        "source": listing.source,
        "year": listing.year or None,
        "paper": listing.paper or None,
        "parameters": listing.parameters or None,
        "megabytes": round(listing.megabytes, 2) or None,
        "classes": len(listing.labels) or None,
        "bundled": listing.is_bundled,
        "here": listing.is_here,
        "code" if is_own(listing.name) else "weights": str(listing.path),
        "url": listing.url,
        "licence": listing.licence,
    }


def _show_classes(listing: Listing, word: str, as_json: bool) -> int:
    found = {index: label for index, label in enumerate(listing.labels) if word.casefold() in label.casefold()}
    if not listing.labels:
        raise WrongRequest(f"the classes of {listing.name} are known to its code alone, which is not run for this")
    if not found:
        raise WrongRequest(f"{listing.name} has no class with {word!r} in its name")
    if as_json:
        click.echo(json.dumps({"model": listing.name, "classes": found}, indent=2))
        return 0
    for index, label in found.items():
        click.echo(f"{index:5d}  {label}")
    return 0


def _chosen_layers(name: str) -> dict[str, object]:
    """The layers that were chosen by hand for this network, if somebody did."""
    from dreamcli.networks.card import ALIASED_LAYERS, STYLE_LAYERS

    facts: dict[str, object] = {}
    if name in ALIASED_LAYERS:
        facts |= dict(zip(("low", "mid", "high"), ALIASED_LAYERS[name], strict=True))
    if name in STYLE_LAYERS:
        style, content = STYLE_LAYERS[name]
        facts |= {"style": ", ".join(style), "content": content}
    return facts


def _show_one(listing: Listing, as_json: bool) -> int:
    facts = _facts(listing) | _chosen_layers(listing.name)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return 0
    width = max(map(len, facts))
    for key, value in facts.items():
        if value is not None:
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
            click.echo(
                f"{key:{width}}  {text:,}" if isinstance(text, int) and text > 9999 else f"{key:{width}}  {text}"
            )
    if listing.card:
        from rich.console import Console
        from rich.markdown import Markdown

        click.echo()
        Console(width=None if sys.stdout.isatty() else 120).print(Markdown(listing.card, hyperlinks=False))
    return 0


def _show_all(listings: list[Listing], as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps([_facts(listing) for listing in listings], indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "year", "paper", box=None)
    for heading in ("parameters", "download", "classes"):
        table.add_column(heading, justify="right")
    table.add_column("here")
    for listing in listings:
        size = "in the box" if listing.is_bundled else f"{listing.megabytes:,.0f} MB"
        here = "yes" if listing.is_here else ""
        parameters = f"{listing.parameters / 1e6:,.1f} M"
        table.add_row(
            listing.name, str(listing.year or ""), listing.paper, parameters, size, str(len(listing.labels)), here
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return 0
