"""``replay --save-preset``: the settings of a picture as a preset."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import cast

from dreamcli.errors import check
from dreamcli.files.presets import preset_place, write_preset
from dreamcli.files.record import Record
from dreamcli.networks.catalog import is_listed
from dreamcli.networks.model_spec import parse_models
from dreamcli.settings.base import Settings
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.film import FilmSettings
from dreamcli.settings.microscope import MicroscopeSettings
from dreamcli.settings.references import References
from dreamcli.settings.style import StyleSettings
from dreamcli.settings.visualization import ClassSettings

from . import load_command
from .preset_option import options_by_name, own_folder
from .replay import ReplayOptions


def save_preset(
    name: str, options: ReplayOptions, record: Record, settings: Settings, references: References[Path]
) -> Path:
    """Save what a picture was made with, where it isn't the default, and return the preset's path.

    Masks are left out: they fit one photograph only. So are weights of your own and a judge: the record has only
    their digests, not their files.

    Raises:
        WrongRequest, DreamcliError: see `preset_place` and `write_preset`.
    """
    # its pictures are of eight channels each, but its command draws whole layers
    check(record.provenance.command != MicroscopeSettings.command, "a picture of an atlas makes no preset")
    place = preset_place(name, own_folder(), options.overwrite)
    if not options.dry_run:
        values = _changed_settings(settings) | _picture_options(references) | _start_options(settings, record)
        specs = parse_models(record.provenance.network["name"])
        # code and weights of your own are read only if they are named by hand
        if all(spec.weights is None and is_listed(spec.name) for spec in specs):
            values["model"] = record.provenance.network["name"]
        write_preset(place, f"As {options.picture.name}", record.provenance.command, values)
    return place


def _changed_settings(settings: Settings) -> dict[str, object]:
    """The settings that aren't the default, by their options' names."""
    options = options_by_name(load_command(settings.command))
    changed = {field.name for field in fields(settings) if getattr(settings, field.name) != field.default}
    values: dict[str, object] = {}
    for name, option in options.items():
        if option.name in changed and option.type.name != "path":
            value = settings.to_json()[option.name]
            is_joined = isinstance(value, list | tuple) and not option.multiple
            values[name] = ",".join(map(str, cast("list[object]", value))) if is_joined else value
    if isinstance(settings, FilmSettings) and settings.layers:
        values["layer"] = settings.timed_layers
    return values


def _start_options(settings: Settings, record: Record) -> dict[str, object]:
    """What says that a picture started from noise, or shows several classes, by the options' names."""
    values: dict[str, object] = {}
    if isinstance(settings, ClassSettings) and len(settings.classes) > 1 and not settings.sheet:
        values["mix"] = True
    if isinstance(settings, StyleSettings) and not record.provenance.input:
        values["from-noise"] = True
    if isinstance(settings, DreamSettings) and not record.provenance.input:
        values["start"] = "noise"
    return values


def _picture_options(references: References[Path]) -> dict[str, object]:
    """The guide, the styles with their weights, and the pictures to be like, by their options' names."""
    values: dict[str, object] = {"guide": str(references.guide.resolve())} if references.guide else {}
    if references.like:
        values["like"] = [str(picture.resolve()) for picture in references.like]
    values |= {style.part: str(style.picture.resolve()) for style in references.styles if style.part != "all"}
    styles = [style for style in references.styles if style.part == "all"]
    if styles:
        values["style"] = [
            str(style.picture.resolve()) + (f"={style.weight!r}" if style.weight != 1 else "") for style in styles
        ]
    return values
