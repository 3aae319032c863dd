"""Presets: named sets of options, each in a TOML file.

    about = "What it does, in a few words."

    [dream]
    layer = "high"
    strength = 0.8

Under each command, options are written as they are typed, without the dashes.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamcli.errors import DreamcliError, Hint, WrongRequest, did_you_mean

from .atomic import write_whole
from .regular import MAX_TEXT, read_regular

SHIPPED = Path(__file__).parents[1] / "presets"


@dataclass(frozen=True)
class Preset:
    """A preset.

    Attributes:
        name: the file's name, without its suffix.
        about: what the preset does, in a few words.
        options: the values of options by name, for each command that the preset is for.
    """

    name: str
    path: Path
    about: str
    options: Mapping[str, Mapping[str, Any]]

    @property
    def is_shipped(self) -> bool:
        """Whether it came with dreamcli."""
        return self.path.parent == SHIPPED


def preset_paths(own: Path) -> dict[str, Path]:
    """The file of each preset by name. Those in the folder ``own`` override those that came with dreamcli."""
    return {path.stem: path for folder in (SHIPPED, own) for path in sorted(folder.glob("*.toml"))}


def find_preset(name: str, own: Path) -> Preset:
    """Read the preset with this name.

    Raises:
        WrongRequest: there is none, or as `read_preset`.
    """
    paths = preset_paths(own)
    if name not in paths:
        guess = did_you_mean(name, paths)
        raise WrongRequest(f"there is no preset {name!r}{guess}", None if guess else Hint.LIST_PRESETS)
    return read_preset(paths[name])


def read_preset(path: Path) -> Preset:
    """Read a preset.

    Raises:
        WrongRequest: it can't be read or isn't a preset, with the reason.
    """
    try:
        values = tomllib.loads(read_regular(path, MAX_TEXT).decode("utf-8"))
    except DreamcliError as error:
        raise WrongRequest(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise WrongRequest(f"{path}: not TOML ({error})") from error
    about = values.pop("about", "")
    if not isinstance(about, str):
        raise WrongRequest(f"{path}: about: {about!r} is not text")
    for key, value in values.items():
        if not isinstance(value, dict):
            raise WrongRequest(f"{path}: {key}: options go under their command, such as [dream]")
    return Preset(path.stem, path, about, values)


def preset_place(name: str, own: Path, overwrite: bool) -> Path:
    """Where a new preset goes.

    Raises:
        WrongRequest: the name can't be a file's, or there is such a preset and it may not be overwritten.
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise WrongRequest(f"a preset's name can only have letters, digits, - and _, not {name!r}")
    path = own / f"{name}.toml"
    if path.exists() and not overwrite:
        raise WrongRequest(f"there is already a preset {name}, in {path}", Hint.OTHER_NAME)
    return path


def write_preset(path: Path, about: str, command: str, options: Mapping[str, Any]) -> None:
    """Write a preset for one command.

    Raises:
        DreamcliError: it can't be written.
    """
    lines = [f"about = {_toml(about)}", "", f"[{command}]"]
    lines += [f"{name} = {_toml(value)}" for name, value in options.items()]
    text = "\n".join(lines) + "\n"
    write_whole(path, lambda file: file.write(text.encode("utf-8")))


def _toml(value: Any) -> str:
    # text, numbers, booleans and lists of them are written as in JSON, but for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
