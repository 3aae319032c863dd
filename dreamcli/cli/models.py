"""``dreamcli models``."""

from __future__ import annotations

import json

import click
from rich.table import Table

from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.networks.registry import BUNDLED, Listing, installed_names, is_own, listing
from dreamcli.networks.wheels import WheelNetwork
from dreamcli.settings.layer_spec import ALIASES

from .completion import complete_models
from .errors import print_error
from .terminal import output_console, print_table


@click.command()
@click.argument("name", required=False, metavar="[MODEL]", shell_complete=complete_models)
@click.option("--classes", "word", is_flag=False, flag_value="", metavar="[WORD]",
              help="List the model's classes, or those with this word in their name.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def models(name: str | None, word: str | None, as_json: bool) -> int:
    """List the networks, or show one network's card or classes.

    \b
    dreamcli models
    dreamcli models vgg16
    dreamcli models dreamnet --classes fish
    """
    if word is not None:
        return _show_classes(listing(name or BUNDLED), word, as_json)
    if name:
        return _show_one(listing(name), as_json)
    listings, code = [], 0
    for each in installed_names():
        try:
            listings.append(listing(each))
        except DreamcliError as error:  # of another package; the rest are shown
            print_error(str(error))
            code = 1
    _show_all(listings, as_json)
    return code


def _facts(known: Listing) -> dict[str, object]:
    """The facts about a network; None for what is unknown."""
    return {
        "name": known.name,
        "source": known.entry.source or "another package",
        "year": known.entry.year or None,
        "paper": known.entry.paper or None,
        "parameters": known.parameters or None,
        "megabytes": round(known.megabytes, 2) or None,
        "classes": len(known.labels) or None,
        "bundled": known.is_bundled,
        "here": known.is_here,
        "code" if is_own(known.name) else "weights": str(known.path),
        "url": known.url,
        "license": known.entry.license,
    }


def _show_classes(known: Listing, word: str, as_json: bool) -> int:
    word = word.casefold()
    found = {index: label for index, label in enumerate(known.labels) if word in label.casefold()}
    # those with the whole word first: a cat before an oystercatcher
    found = dict(sorted(found.items(), key=lambda pair: word not in pair[1].casefold().split()))
    if not known.labels and not is_own(known.name):
        raise WrongRequest(f"{known.name} has no classes")
    if not known.labels:
        raise WrongRequest(f"the classes of {known.name} are only known to its code, which this command doesn't run")
    if not found:
        raise WrongRequest(f"{known.name} has no class with {word!r} in its name")
    if as_json:
        click.echo(json.dumps({"model": known.name, "classes": found}, indent=2))
        return 0
    for index, label in found.items():
        click.echo(f"{index:5d}  {label}")
    return 0


def _show_one(known: Listing, as_json: bool) -> int:
    facts = _facts(known)
    entry = known.entry
    if entry.layers:
        facts |= dict(zip(ALIASES, entry.layers, strict=True))
    if entry.style_layers:
        facts |= {"style": ", ".join(entry.style_layers), "content": entry.content_layer}
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
    if known.card:
        from rich.markdown import Markdown

        click.echo()
        output_console(120).print(Markdown(known.card, hyperlinks=False))
    return 0


def _show_all(listings: list[Listing], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_facts(each) for each in listings], indent=2))
        return
    table = Table("model", "year", "paper", box=None)
    for heading in ("parameters", "download", "classes"):
        table.add_column(heading, justify="right")
    table.add_column("here")
    for known in listings:
        here = "yes" if known.is_here else ""
        parameters = f"{known.parameters / 1e6:,.1f} M" if known.parameters else ""
        table.add_row(
            known.name,
            str(known.entry.year or ""),
            known.entry.paper,
            parameters,
            _download(known),
            str(len(known.labels)),
            here,
        )
    print_table(output_console(120), table)


def _download(known: Listing) -> str:
    """Where a network's weights come from, and how large they are."""
    if known.is_bundled:
        return "included"
    size = f"{known.megabytes:,.0f} MB"
    if isinstance(known.entry, WheelNetwork):
        return f"pip, {size}"
    return size if known.url else "installed"
