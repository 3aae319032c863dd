"""Presets: options that go well together, under a name, each in a TOML file.

    about = "What it does, in a few words."

    [dream]
    layer = "high"
    strength = 0.8

Under each command's name are options as they are typed there, without the dashes.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dreamcli.errors import WrongRequest, did_you_mean

SHIPPED = Path(__file__).parents[1] / "presets"
_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Preset:
    """A preset.

    Attributes:
        name: what it is called by.
        path: its file.
        about: what it does, in a few words.
        options: for each command that it is for, the values by the options' names.
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
    """The file of each preset, by name: those that came with dreamcli, and those in the folder ``own``, which win."""
    return {path.stem: path for folder in (SHIPPED, own) for path in sorted(folder.glob("*.toml"))}


def find_preset(name: str, own: Path) -> Preset:
    """Find a preset by its name.

    Raises:
        WrongRequest: there is none, and as `read_preset`.
    """
    paths = preset_paths(own)
    if name not in paths:
        hint = did_you_mean(name, paths) or "; they are listed by: dreamcli presets"
        raise WrongRequest(f"there is no preset {name!r}{hint}")
    return read_preset(paths[name])


def read_preset(path: Path) -> Preset:
    """Read a preset's file.

    Raises:
        WrongRequest: it can't be read, or is no preset, with the reason.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongRequest(f"{path}: can't be read ({error.strerror or error})") from error
    except ValueError as error:
        raise WrongRequest(f"{path}: not TOML ({error})") from error
    about = values.pop("about", "")
    if not isinstance(about, str):
        raise WrongRequest(f"{path}: about: {about!r} is no text")
    for key, value in values.items():
        if not isinstance(value, dict):
            raise WrongRequest(f"{path}: {key}: options stand under their command, such as [dream]")
    return Preset(path.stem, path, about, values)


def preset_place(name: str, own: Path, overwrite: bool) -> Path:
    """Where a new preset goes.

    Raises:
        WrongRequest: the name is no file's, or there is one already that may not be overwritten.
    """
    if not _NAME.fullmatch(name):
        raise WrongRequest(f"a preset's name has letters, digits, - and _ only, not {name!r}")
    path = own / f"{name}.toml"
    if path.exists() and not overwrite:
        raise WrongRequest(f"there is a preset {name} already, in {path}; choose another name, or add --overwrite")
    return path


def write_preset(path: Path, about: str, command: str, options: Mapping[str, Any]) -> None:
    """Write a preset for one command.

    Raises:
        DreamcliError: it can't be written.
    """
    from .writing import write_whole  # imports numpy and Pillow, which --help and completion do without

    lines = [f"about = {_toml(about)}", "", f"[{command}]"]
    lines += [f"{name} = {_toml(value)}" for name, value in options.items()]

    def write(file: IO[bytes]) -> None:
        file.write(("\n".join(lines) + "\n").encode("utf-8"))

    write_whole(path, write)


def _toml(value: Any) -> str:
    # texts, numbers, truth values and lists of them are written as in JSON, but for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
