"""How values are written on a command line, in a preset and on the page, and how they are read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .layer_spec import LayerSpec

MAX_CHANNELS = 4096  # in one range


@dataclass(frozen=True)
class Spelling:
    """How values of one type are written and read.

    Attributes:
        name: what errors call the type.
        parse: reads a text, or raises ValueError.
        is_list: whether the value is a tuple, and each of its items a text of its own, as for a repeatable option.
    """

    name: str
    parse: Callable[[str], Any]
    is_list: bool = False

    def written(self, value: object) -> object:
        """A value as a preset holds it: true or false, a number, a text, or a list of texts; None for no value."""
        if self.is_list and isinstance(value, tuple):
            return [str(each) for each in value]
        return ",".join(map(str, value)) if isinstance(value, tuple) else value


def parse_number(text: str) -> float:
    """Read a number, or raise ValueError."""
    try:
        return float(text)
    except ValueError as error:
        advice = f"; write {text.replace(',', '.')}" if text.count(",") == 1 else ""
        raise ValueError(f"{text!r} is not a number{advice}") from error


def parse_whole_number(text: str) -> int:
    """Read a whole number, or raise ValueError."""
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a whole number") from error


def parse_channels(text: str) -> tuple[int, ...]:
    """Read channels such as ``0-15`` or ``3,7,12-14``.

    Raises:
        ValueError: the text has another form, a range runs backwards, or it is too long.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is not of the form 0-15 or 3,7,12-14")
        if dash and int(last) < int(first):
            raise ValueError(f"{part.strip()} runs backwards")
        if dash and int(last) - int(first) >= MAX_CHANNELS:
            raise ValueError(f"{part.strip()} is more than {MAX_CHANNELS} channels")
        found += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(found))


def parse_place(text: str) -> tuple[int, int]:
    """Read a row and a column, such as ``120,80``, or raise ValueError."""
    row, _, column = text.partition(",")
    if not (row.strip().isdecimal() and column.strip().isdecimal()):
        raise ValueError(f"{text!r} is not of the form Y,X, such as 120,80")
    return int(row), int(column)


NUMBER = Spelling("NUMBER", parse_number)
WHOLE_NUMBER = Spelling("WHOLE NUMBER", parse_whole_number)
TEXT = Spelling("TEXT", str)
FLAG = Spelling("FLAG", {"true": True, "false": False}.__getitem__)
LAYERS = Spelling("SPEC", LayerSpec.parse, is_list=True)
CHANNELS = Spelling("CHANNELS", parse_channels)
PLACE = Spelling("Y,X", parse_place)

# by the types of settings
SPELLINGS: Mapping[object, Spelling] = {
    float: NUMBER,
    int: WHOLE_NUMBER,
    int | None: WHOLE_NUMBER,
    str: TEXT,
    bool: FLAG,
    tuple[LayerSpec, ...]: LAYERS,
    tuple[int, ...]: CHANNELS,
}


def words(options: Mapping[str, object]) -> list[str]:
    """What is typed for options: ``{"layer": ["mid"], "mirror": False}`` is ``--layer mid --no-mirror``."""
    typed: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            typed.append(f"--{name}" if value else f"--no-{name}")
        else:
            typed += [
                word for each in (value if isinstance(value, list) else [value]) for word in (f"--{name}", str(each))
            ]
    return typed
