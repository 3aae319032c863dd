"""``--preset``: values for a command's options, from a file of presets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from dreamcli.art.forms import FORMS
from dreamcli.errors import WrongRequest, did_you_mean
from dreamcli.files.presets import Preset, find_preset, preset_paths, read_preset

NEVER = ("help", "preset")  # options that no preset can hold


def own_folder() -> Path:
    """Where a person's own presets are."""
    return Path(click.get_app_dir("dreamcli")) / "presets"


def preset_option() -> Any:
    """--preset. What is typed wins over it, and it wins over the environment and the defaults."""
    return click.option(
        "--preset", metavar="NAME", is_eager=True, expose_value=False, callback=_apply, shell_complete=complete_presets,
        help="Take values for the options from this preset; those that you type win. \"dreamcli presets\" lists them.",
    )  # fmt: skip


def _apply(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    if name is None or context.resilient_parsing:
        return
    preset = find_preset(name, own_folder())
    command = context.command.name or ""
    for table in preset.options:
        if table not in FORMS:
            hint = did_you_mean(table, FORMS)
            raise WrongRequest(f"{preset.path}: {table}: no command that takes presets has this name{hint}")
    if command not in preset.options:
        raise WrongRequest(f"preset {name} is for {' and '.join(preset.options) or 'no command'}" + _instead(command))
    context.default_map = values_for(preset, context)


def _instead(command: str) -> str:
    """Which presets there are for a command."""
    names = [preset.name for preset in _whole_presets() if command in preset.options]
    return f"; for {command} there are: {', '.join(names) or 'none'}"


def complete_presets(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The presets' names, with what each does; on an art form's command, those for it."""
    return [
        CompletionItem(preset.name, help=preset.about)
        for preset in _whole_presets()
        if preset.name.startswith(incomplete) and context.command.name in ("presets", *preset.options)
    ]


def _whole_presets() -> Iterator[Preset]:
    """Those that can be read: where one is asked for, the others don't matter."""
    for path in preset_paths(own_folder()).values():
        with suppress(WrongRequest):
            yield read_preset(path)


def values_for(preset: Preset, context: click.Context) -> dict[str, Any]:
    """A preset's values by the parameters' names, in the form in which they would be typed.

    Raises:
        WrongRequest: the command has no such option, or the option takes no such value.
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
    """What a preset can hold for a command, by the names as they are typed, without the dashes."""
    return {
        long.removeprefix("--"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in NEVER
        for long in parameter.opts
        if long.startswith("--")
    }


def _as_typed(option: click.Option, value: Any, where: str) -> Any:
    """A value as it would come from the command line, where everything but a flag is text."""
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
