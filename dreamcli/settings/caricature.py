"""The settings of `caricature`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import setting
from .invert import InvertSettings
from .layer_spec import LayerSpec


@dataclass(frozen=True, kw_only=True)
class CaricatureSettings(InvertSettings):
    """How to exaggerate."""

    command: ClassVar[str] = "caricature"

    layers: tuple[LayerSpec, ...] = setting(
        "Layer whose view of the photograph to exaggerate: low, mid, high or a layer's name. Repeatable.",
        (LayerSpec("high"),),
        metavar="[NETWORK/]LAYER[*WEIGHT]",
    )
    color: float = setting("How far colors may drift, from 0 (not at all) to 1 (freely).", 0.4, low=0, high=1)
    tv: float = 0.0
    steps: int = 40
    octaves: int = 3
    jitter: int = 4
