"""``dreamcli plugins``."""

from __future__ import annotations

import json

import click

from dreamcli import plugins
from dreamcli.errors import DreamcliError
from dreamcli.networks.registry import OURS

from . import COMMANDS
from .errors import print_error, printable


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def list_plugins(as_json: bool) -> int:
    """List the art forms and networks that other packages add.

    An art form is its own command; a network is used with --model. docs/extending.md shows how to make one.

    \b
    dreamcli plugins
    dreamcli plugins --json
    """
    found = [
        {"kind": kind, "name": name, "package": package, **_about(kind, name)}
        for kind, group in (("form", plugins.FORM_GROUP), ("network", plugins.NETWORK_GROUP))
        for name, package in plugins.names(group).items()
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("no package adds an art form or a network")
    else:
        width = max(len(each["name"]) for each in found)
        for each in found:
            line = f"{each['kind']:7}  {each['name']:{width}}  {each['package']}  {each.get('about', '')}"
            click.echo(printable(line.rstrip()))
    return 1 if any("error" in each for each in found) else 0


def _about(kind: str, name: str) -> dict[str, str]:
    """What a plugin says of itself, or why it says nothing."""
    what, taken = ("command", COMMANDS) if kind == "form" else ("network", OURS)
    if name in taken:
        error = f"dreamcli has a {what} of this name already"
        print_error(f"{name}: {error}, so this one is never used")
        return {"error": error}
    try:
        known = plugins.form(name) if kind == "form" else plugins.network(name)
    except DreamcliError as error:
        print_error(str(error))
        return {"error": str(error)}
    return {"about": str(getattr(known, "about", "") or getattr(known, "source", ""))}
