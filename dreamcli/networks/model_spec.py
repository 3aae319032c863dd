"""How people name networks: ``NAME[=FILE][*WEIGHT]``, and several of them with a ``+`` between."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from dreamcli.errors import WrongRequest, check

from .registry import is_own, model_names

FORM = "NAME[=FILE][*WEIGHT][+...]"
# the path of a network's code may contain any of the signs
_PATTERN = re.compile(r"(.*\.py:[^=*]+|[^=*]+)(?:=([^*]+))?(?:\*(.+))?")
MAX_WEIGHT = 1000


@dataclass(frozen=True)
class ModelSpec:
    """One network.

    Attributes:
        name: what the registry calls it, or ``FILE.py:CLASS``.
        weights: a state dict of the user's own; None for the network's own weights.
        weight: relative to the others; more than 0.
    """

    name: str
    weights: Path | None = None
    weight: float = 1.0


def parse_models(text: str) -> tuple[ModelSpec, ...]:
    """Read what names one network, or several.

    Raises:
        WrongRequest: the text has another form, a weight is out of range, or a network is named twice.
    """
    specs = tuple(_parse(part, text) for part in _parts(text))
    names = [spec.name for spec in specs]
    twice = [name for name in names if names.count(name) > 1]
    check(not twice, f"{text} names {twice[0] if twice else ''} twice")
    return specs


def model_text(names: tuple[str, ...], weights: tuple[float, ...]) -> str:
    """The text that `parse_models` reads, without files."""
    pairs = zip(names, weights, strict=True)
    return "+".join(name if weight == 1 else f"{name}*{weight!r}" for name, weight in pairs)


def _parts(text: str) -> list[str]:
    """Split at each ``+``, unless it belongs to the path of a network's code."""
    file, _, class_name = text.rpartition(":")
    if is_own(text) and class_name.isidentifier():
        others = [re.split("[=*]", part)[0].strip() for part in text.split("+")[:-1]]
        if Path(file).is_file() or not all(is_own(name) or name in model_names() for name in others):
            return [text]
    return text.split("+")


def _parse(part: str, text: str) -> ModelSpec:
    match = _PATTERN.fullmatch(part.strip())
    if not match or not match[1].strip():
        raise WrongRequest(f"the model {text!r} is not of the form {FORM}")
    name, file, weight_text = match.groups()
    try:
        weight = float(weight_text) if weight_text else 1.0
    except ValueError:
        weight = math.nan
    rule = f"the weight of {name.strip()} must be more than 0 and at most {MAX_WEIGHT}, not {weight_text}"
    check(0 < weight <= MAX_WEIGHT, rule)
    return ModelSpec(name.strip(), Path(file) if file else None, weight)
