"""How people name layers, channels and neurons: ``[NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

ALIASES = ("low", "mid", "high")

_FORM = "[NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]"
_PATTERN = re.compile(r"((?:[\w.-]+/)?[\w.-]+)(?::(\d+)(?:@(\d+),(\d+))?)?(?:\*([-+.\w]+))?")


@dataclass(frozen=True)
class LayerSpec:
    """A layer, a channel of it, or a neuron of that channel, with a weight.

    Attributes:
        layer: an alias (``low``, ``mid``, ``high``) or a module's name; with ``NETWORK/`` before it, only in that
            network.
        channel: counted from 0, or None for the whole layer.
        position: the neuron's row and column on the feature map of the full-sized picture, or None.
        weight: how much it counts relative to others; negative to avoid it.
    """

    layer: str
    channel: int | None = None
    position: tuple[int, int] | None = None
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> LayerSpec:
        """Read a spec such as ``mid``, ``fire6:12``, ``high:3@4,7`` or ``low*0.5``.

        Raises:
            ValueError: the text has another form, or a weight that is zero or no number.
        """
        match = _PATTERN.fullmatch(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not of the form {_FORM}, such as mid, mid:12 or high*0.5")
        layer, channel, row, column, weight_text = match.groups()
        try:
            weight = float(weight_text) if weight_text else 1.0
        except ValueError as error:
            raise ValueError(f"the weight {weight_text!r} in {text!r} is not a number") from error
        if not math.isfinite(weight) or weight == 0:
            raise ValueError(f"the weight {weight_text!r} in {text!r} must be a finite number other than 0")
        return cls(
            layer,
            int(channel) if channel is not None else None,
            (int(row), int(column)) if row is not None else None,
            weight,
        )

    def __str__(self) -> str:
        text = self.layer
        if self.channel is not None:
            text += f":{self.channel}"
        if self.position is not None:
            text += f"@{self.position[0]},{self.position[1]}"
        return text if self.weight == 1 else f"{text}*{self.weight!r}"
