"""The types of what is typed: layers, channels, shards, weighted pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dreamcli.files.shard import Shard
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.typed import parse_channels

T = TypeVar("T")


class ParsedParam(click.ParamType[T]):
    """What ``parse`` makes of a text; its ValueErrors become usage errors."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self.parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        try:
            return self.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        advice = f"; write {text.replace(',', '.')}" if text.count(",") == 1 else ""
        raise ValueError(f"{text!r} is not a number{advice}") from error


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a whole number") from error


def _weighted_picture(text: str) -> tuple[Path, float]:
    name, equals, weight = text.rpartition("=")
    if not equals or Path(text).exists():  # a file's name may contain a "="
        return Path(text), 1.0
    try:
        return Path(name), float(weight)
    except ValueError as error:
        raise ValueError(f"the weight {weight!r} of {name} is not a number") from error


def _place(text: str) -> tuple[int, int]:
    row, _, column = text.partition(",")
    if not (row.strip().isdecimal() and column.strip().isdecimal()):
        raise ValueError(f"{text!r} is not of the form Y,X, such as 120,80")
    return int(row), int(column)


def _timed_layer(text: str) -> tuple[LayerSpec, float | None]:
    spec, at, second = text.rpartition("@")
    if not at or "," in second:  # a neuron's place
        return LayerSpec.parse(text), None
    try:
        return LayerSpec.parse(spec), float(second)
    except ValueError as error:
        raise ValueError(f"{text!r} is not of the form LAYER[:CHANNEL][*WEIGHT][@SECOND], such as low@5") from error


CHANNELS = ParsedParam("CHANNELS", parse_channels)  # 0-15 or 3,7,12-14
LAYER = ParsedParam("SPEC", LayerSpec.parse)  # [NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]
NUMBER = ParsedParam("NUMBER", _number)
PLACE = ParsedParam("Y,X", _place)  # a row and a column
SHARD = ParsedParam("I/N", Shard.parse)
TIMED_LAYER = ParsedParam("SPEC", _timed_layer)  # LAYER[:CHANNEL][*WEIGHT][@SECOND]
WHOLE_NUMBER = ParsedParam("WHOLE NUMBER", _whole_number)
WEIGHTED_PICTURE = ParsedParam("PICTURE", _weighted_picture)  # PICTURE[=WEIGHT]
