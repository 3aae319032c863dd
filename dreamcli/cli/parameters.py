"""The types of what is typed: layers, channels, shards, weighted pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dreamcli.files.shard import Shard
from dreamcli.settings import spelling
from dreamcli.settings.layer_spec import LayerSpec

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


def spelled(how: spelling.Spelling) -> ParsedParam[Any]:
    """The type of what is typed for a setting."""
    return ParsedParam(how.name, how.parse)


def _weighted_picture(text: str) -> tuple[Path, float]:
    name, equals, weight = text.rpartition("=")
    if not equals or Path(text).exists():  # a file's name may contain a "="
        return Path(text), 1.0
    try:
        return Path(name), float(weight)
    except ValueError as error:
        raise ValueError(f"the weight {weight!r} of {name} is not a number") from error


def _timed_layer(text: str) -> tuple[LayerSpec, float | None]:
    spec, at, second = text.rpartition("@")
    if not at or "," in second:  # a neuron's place
        return LayerSpec.parse(text), None
    try:
        return LayerSpec.parse(spec), float(second)
    except ValueError as error:
        raise ValueError(f"{text!r} is not of the form LAYER[:CHANNEL][*WEIGHT][@SECOND], such as low@5") from error


CHANNELS = spelled(spelling.CHANNELS)  # 0-15 or 3,7,12-14
LAYER = spelled(spelling.LAYERS)  # [NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]
PLACE = spelled(spelling.PLACE)  # a row and a column
SHARD = ParsedParam("I/N", Shard.parse)
TIMED_LAYER = ParsedParam("SPEC", _timed_layer)  # LAYER[:CHANNEL][*WEIGHT][@SECOND]
WEIGHTED_PICTURE = ParsedParam("PICTURE", _weighted_picture)  # PICTURE[=WEIGHT]
