"""``replay --save-preset``: the settings of a picture as a preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dreamcli.files.presets import preset_place, write_preset
from dreamcli.networks.known import is_own

from .preset_option import options_by_name, own_folder

if TYPE_CHECKING:
    from dreamcli.files.record import Record


def save_preset(
    name: str, picture: Path, record: Record, settings: Any, others: Mapping[str, Path], *, overwrite: bool, dry: bool
) -> Path:
    """Keep what a picture was made with, where that is not the default, and give the preset's path.

    Its masks are left out: they belong to the one photograph. So are weights of one's own and a judge, of which the
    record says only what they were, not in which file.

    Args:
        name: of the preset.
        picture: that carries the record.
        record: it.
        settings: of the art form, as they are in the record.
        others: where the pictures are that it was made from, by role.
        overwrite: replace a preset of this name.
        dry: write nothing.

    Raises:
        WrongRequest, DreamcliError: as `preset_place` and `write_preset`.
    """
    place = preset_place(name, own_folder(), overwrite)
    if not dry:
        command = record.job.command
        values = _settings(settings, record) | _pictures(settings, others)
        if not is_own(record.job.network["name"]):  # whose code is run only where it is named by hand
            values["model"] = record.job.network["name"]
        write_preset(place, f"As {picture.name}", command, values)
    return place


def _settings(settings: Any, record: Record) -> dict[str, Any]:
    """Those that are not the default, by the names of the command's options."""
    group = click.get_current_context().find_root().command
    assert isinstance(group, click.Group)
    options = options_by_name(group.commands[record.job.command])
    changed = {field.name for field in fields(settings) if getattr(settings, field.name) != field.default}
    values = {}
    for name, option in options.items():
        if option.name in changed and option.type.name != "path":
            value = record.job.settings[option.name]
            values[name] = value if option.multiple or not isinstance(value, list) else ",".join(map(str, value))
    return values


def _pictures(settings: Any, others: Mapping[str, Path]) -> dict[str, Any]:
    """The guide and the styles, with their weights, by the names of their options."""
    values: dict[str, Any] = {
        role: str(others[role].resolve()) for role in ("guide", "fine", "coarse") if role in others
    }
    styles = [others[f"style-{number}"] for number in range(1, len(others) + 1) if f"style-{number}" in others]
    if styles:
        weights = zip(styles, settings.weights, strict=True)
        values["style"] = [str(path.resolve()) + (f"={weight:g}" if weight != 1 else "") for path, weight in weights]
    return values
