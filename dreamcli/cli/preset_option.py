"""``--preset``: values for a command's options, from a preset's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from dreamcli.errors import WrongRequest, did_you_mean
from dreamcli.files.presets import Preset, find_preset, preset_paths, read_preset
from dreamcli.forms import form_names

NEVER = ("help", "help-all", "preset")  # options that no preset can hold


def own_folder() -> Path:
    """Where the user's presets are."""
    return Path(click.get_app_dir("dreamcli")) / "presets"


def apply_preset(context: click.Context, name: str) -> None:
    """Make a preset's values the defaults of the command that is typed.

    Raises:
        WrongRequest: there is no such preset for this command, or a value in it is wrong.
    """
    preset = find_preset(name, own_folder())
    command = context.command.name or ""
    for table in preset.options:
        if table not in form_names():
            hint = did_you_mean(table, form_names())
            raise WrongRequest(f"{preset.path}: {table}: no command that takes presets has this name{hint}")
    if command not in preset.options:
        others = ", ".join(other.name for other in readable_presets() if command in other.options) or "none"
        known = " and ".join(preset.options) or "no command"
        raise WrongRequest(f"preset {name} is for {known}; those for {command} are: {others}")
    context.default_map = values_for(preset, context)


def readable_presets() -> Iterator[Preset]:
    """The presets that can be read; a broken one only matters when it is used."""
    for path in preset_paths(own_folder()).values():
        with suppress(WrongRequest):
            yield read_preset(path)


def values_for(preset: Preset, context: click.Context) -> dict[str, Any]:
    """A preset's values by parameter name, in the form in which they would be typed.

    Raises:
        WrongRequest: the command has no such option, or the option doesn't take the value.
    """
    options = options_by_name(context.command)
    values = {}
    for key, value in preset.options[context.command.name or ""].items():
        where = f"{preset.path}: {key}"
        option = options.get(key.replace("_", "-"))
        if option is None or option.name is None:
            raise WrongRequest(f"{where}: {context.command.name} has no such option{did_you_mean(key, options)}")
        values[option.name] = typed = _as_typed(option, value, where)
        try:
            option.type_cast_value(context, typed)
        except click.BadParameter as error:
            raise WrongRequest(f"{where}: {error.message}") from error
    return values


def options_by_name(command: click.Command) -> dict[str, click.Option]:
    """The options that a preset can hold for a command, by name, without the dashes."""
    return {
        long.removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in NEVER
        for long in parameter.opts
        if long.startswith("--")
    }


def _as_typed(option: click.Option, value: Any, where: str) -> Any:
    """A value as it would be typed: text, unless the option is a flag."""
    if option.is_flag != isinstance(value, bool):
        raise WrongRequest(f"{where}: {'is true or false' if option.is_flag else 'takes a value'}, not {value!r}")
    if option.is_flag:
        return value
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in values):
        raise WrongRequest(f"{where}: takes text or numbers, not {value!r}")
    if option.multiple:
        return [str(each) for each in values]
    if isinstance(value, list):
        raise WrongRequest(f"{where}: takes one value, not a list")
    return str(value)
