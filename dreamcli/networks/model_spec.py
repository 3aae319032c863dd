"""How people name networks: ``NAME[=FILE][*WEIGHT]``, and several of them with a ``+`` between."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from dreamcli.errors import WrongRequest, check

from .catalog import is_own

FORM = "NAME[=FILE][*WEIGHT][+...]"
_PATTERN = re.compile(r"([^=*]+)(?:=([^*]+))?(?:\*(.+))?")


@dataclass(frozen=True)
class ModelSpec:
    """One network.

    Attributes:
        name: what the catalog calls it, or ``FILE.py:CLASS``.
        weights: a state dict of the user's own; None for the network's own weights.
        weight: how much it counts beside others; more than 0.
    """

    name: str
    weights: Path | None = None
    weight: float = 1.0


def parse_models(text: str) -> tuple[ModelSpec, ...]:
    """Read what names one network, or several.

    Raises:
        WrongRequest: the text has another form, a weight is out of range, or a network is named twice.
    """
    file, _, class_name = text.rpartition(":")
    if is_own(text) and class_name.isidentifier() and Path(file).is_file():
        return (ModelSpec(text),)  # a file's name may contain any of the signs
    specs = tuple(_parse(part.strip(), text) for part in text.split("+"))
    names = [spec.name for spec in specs]
    twice = [name for name in names if names.count(name) > 1]
    check(not twice, f"{text} names {twice[0] if twice else ''} twice")
    return specs


def model_text(names: tuple[str, ...], weights: tuple[float, ...]) -> str:
    """The text that `parse_models` reads, without files."""
    pairs = zip(names, weights, strict=True)
    return "+".join(name if weight == 1 else f"{name}*{weight!r}" for name, weight in pairs)


def _parse(part: str, text: str) -> ModelSpec:
    match = _PATTERN.fullmatch(part)
    if not match:
        raise WrongRequest(f"the model {text!r} is not of the form {FORM}")
    name, file, weight_text = match.groups()
    try:
        weight = float(weight_text) if weight_text else 1.0
    except ValueError:
        weight = math.nan
    check(0 < weight < math.inf, f"the weight of {name} must be a number more than 0, not {weight_text}")
    return ModelSpec(name, Path(file) if file else None, weight)
