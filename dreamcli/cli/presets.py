"""``dreamcli presets``."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table

from dreamcli.errors import WrongRequest
from dreamcli.files.presets import Preset, find_preset, preset_paths, read_preset
from dreamcli.files.regular import MAX_TEXT, read_regular

from .completion import complete_presets
from .errors import print_error
from .preset_option import own_folder
from .terminal import output_console


@click.command()
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete_presets)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def presets(name: str | None, as_json: bool) -> int:
    """List the presets for --preset, or show one as TOML.

    \b
    dreamcli presets
    dreamcli presets menagerie
    dreamcli replay photo-dream.png --save-preset mine
    """
    if name:
        return _show_one(find_preset(name, own_folder()), as_json)
    found, broken = [], 0
    for path in preset_paths(own_folder()).values():
        try:
            found.append(read_preset(path))
        except WrongRequest as problem:
            broken += 1
            print_error(str(problem))
    _show_all(sorted(found, key=lambda preset: preset.name), as_json)
    return 1 if broken else 0


def _facts(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "about": preset.about,
        "shipped": preset.is_shipped,
        "path": str(preset.path),
        "commands": preset.options,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str)  # TOML also has dates


def _show_one(preset: Preset, as_json: bool) -> int:
    if as_json:
        click.echo(_json(_facts(preset)))
    else:
        click.echo(f"# {preset.path}\n{read_regular(preset.path, MAX_TEXT).decode('utf-8').rstrip()}")
    return 0


def _show_all(found: list[Preset], as_json: bool) -> None:
    if as_json:
        click.echo(_json([_facts(preset) for preset in found]))
        return
    table = Table("preset", "for", "about", "", box=None)
    for preset in found:
        table.add_row(preset.name, ", ".join(preset.options), preset.about, "" if preset.is_shipped else "yours")
    console = output_console(120)
    console.print(table)
    console.print(f"Yours are the files NAME.toml in {own_folder()}", soft_wrap=True)
