"""Outputs named by a template, such as ``dreams/{stem}-{layer}-{seed}.png``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from string import Formatter

from dreamcli.errors import WrongRequest, did_you_mean
from dreamcli.settings.base import Settings

from .formats import WRITTEN

_OF_THE_INPUT = ("stem", "ext", "folder", "command")
_PLURALS = {"layer": "layers", "class": "classes"}  # settings that are called by one of what they hold
_KEPT = "-_.+"  # besides letters and digits, in values


def is_template(output: str | None) -> bool:
    """Whether an output has braces, so that each picture gets a name of its own."""
    return output is not None and ("{" in output or "}" in output) and not Path(output).is_dir()


def fill_in(template: str, settings: Settings, stem: str, suffix: str = "", folder: Path = Path()) -> Path:
    """Fill a template in for one picture.

    Besides ``{stem}``, ``{ext}``, ``{folder}`` and ``{command}``, it may name any setting, with a format as in Python:
    ``{seed:04}``. Braces are doubled.

    Args:
        stem, suffix: of the input; ``{ext}`` is its suffix if that can be written, and "png" otherwise.
        folder: of the input in the folder that was typed.

    Raises:
        WrongRequest: there is no such name, or the result isn't a picture's name.
    """
    known: dict[str, object] = {field.name: getattr(settings, field.name) for field in fields(settings)}
    known |= {name: known[plural] for name, plural in _PLURALS.items() if plural in known}
    is_written = suffix.lower() in WRITTEN
    known |= {"stem": stem, "ext": suffix[1:] if is_written else "png", "folder": folder, "command": settings.command}
    parts = []
    try:
        for text, name, form, _ in Formatter().parse(template):
            parts.append(text)
            if name is not None:
                if name not in known:
                    guess = did_you_mean(name, known) or "; write {{ and }} for braces"
                    raise WrongRequest(f"-o {template}: there is no {{{name}}}{guess}")
                value = known[name]
                parts.append(format(str(value), form or "") if name in _OF_THE_INPUT else _plain(value, form or ""))
    except ValueError as error:
        raise WrongRequest(f"-o {template}: {error}") from error
    path = Path("".join(parts))
    if path.suffix.lower() not in WRITTEN:
        raise WrongRequest(f"-o {template} must end in {', '.join(WRITTEN)}, or in .{{ext}}")
    return path


def _plain(value: object, form: str) -> str:
    """A setting as part of a file's name."""
    if isinstance(value, tuple):
        value = "+".join(map(str, value))
    text = format("default" if value is None else value, form)
    return "".join(c if c.isalnum() or c in _KEPT else "-" for c in text)
