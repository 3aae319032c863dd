"""Names of outputs: from a template, such as ``dreams/{stem}-{layer}-{seed}.png``, of at most 255 bytes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from string import Formatter

from dreamcli.errors import WrongRequest, did_you_mean
from dreamcli.settings.base import Settings

from .formats import WRITTEN

MAX_NAME_BYTES = 255  # on nearly every file system
_OF_THE_INPUT = ("stem", "ext", "folder", "command")
_PLURALS = {"layer": "layers", "class": "classes"}  # settings that a template names in the singular
_KEPT = "-_.+"  # characters of values that are kept, besides letters and digits


def is_template(output: str | None) -> bool:
    """Whether an output is a template, with braces."""
    return output is not None and ("{" in output or "}" in output) and not Path(output).is_dir()


def fill_in(
    template: str,
    settings: Settings,
    stem: str,
    suffix: str = "",
    folder: Path = Path(),
    endings: Sequence[str] = tuple(WRITTEN),
) -> Path:
    """Fill a template in for one picture or film.

    Besides ``{stem}``, ``{ext}``, ``{folder}`` and ``{command}``, it may name any setting, with a format as in Python:
    ``{seed:04}``. Braces are doubled.

    Args:
        stem, suffix: of the input; ``{ext}`` is its suffix if that is one of the endings, otherwise the first ending.
        folder: the input's folder, inside the one that was typed.
        endings: the suffixes that the result may have.

    Raises:
        WrongRequest: there is no such name, or the result has another ending.
    """
    known: dict[str, object] = {field.name: getattr(settings, field.name) for field in fields(settings)}
    known |= {name: known[plural] for name, plural in _PLURALS.items() if plural in known}
    ending = suffix if suffix.lower() in endings else endings[0]
    known |= {"stem": stem, "ext": ending[1:], "folder": folder, "command": settings.command}
    parts = []
    try:
        for text, name, form, _ in Formatter().parse(template):
            parts.append(text)
            if name is not None:
                if name not in known:
                    guess = did_you_mean(name, known) or "; write {{ and }} for braces"
                    raise WrongRequest(f"{template}: there is no {{{name}}}{guess}")
                value = known[name]
                parts.append(format(str(value), form or "") if name in _OF_THE_INPUT else _plain(value, form or ""))
    except ValueError as error:
        raise WrongRequest(f"{template}: {error}") from error
    path = Path("".join(parts))
    if path.suffix.lower() not in endings:
        raise WrongRequest(f"{template} must end in {', '.join(endings)}, or in .{{ext}}")
    return path.with_name(fit_name(path.stem, path.suffix))


def fit_name(stem: str, ending: str) -> str:
    """A file's name. A stem that is too long is cut, and gets a hash to keep it unique."""
    name = os.fsencode(stem)
    if len(name) + len(ending) <= MAX_NAME_BYTES:
        return stem + ending
    ending = f"-{sha256(name).hexdigest()[:8]}{ending}"
    return name[: MAX_NAME_BYTES - len(ending)].decode(errors="ignore") + ending


def names_of(pictures: Iterable[Path]) -> list[str]:
    """A different name for each picture, for use in file names: its stem, with a number if another one has it."""
    counts: Counter[str] = Counter()
    names = []
    for path in pictures:
        stem = _plain(path.stem, "")
        counts[stem.casefold()] += 1
        count = counts[stem.casefold()]
        names.append(stem if count == 1 else f"{stem}-{count}")
    return names


def _plain(value: object, form: str) -> str:
    """A setting as part of a file's name."""
    if isinstance(value, tuple):
        value = "+".join(map(str, value))
    text = format("default" if value is None else value, form)
    return "".join(c if c.isalnum() or c in _KEPT else "-" for c in text)
