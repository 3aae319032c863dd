"""The settings of `microscope`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dreamcli.errors import check

from .base import ClimbSettings, size_setting
from .layer_spec import LayerSpec

TILE = 112  # pixels on each side of a drawing
DRAWINGS = 4  # of each channel, side by side


@dataclass(frozen=True, kw_only=True)
class MicroscopeSettings(ClimbSettings):
    """How to draw what channels of one layer respond to: all of them are drawn together."""

    command: ClassVar[str] = "microscope"
    size_from_noise: ClassVar[int] = TILE

    size: int | None = size_setting(str(TILE), "Pixels on each side of a drawing.")
    layers: tuple[LayerSpec, ...]  # a channel each, all of the same layer
    before: str = ""  # the layer that is before it in the atlas; empty if it is the first
    steps: int = 24
    octaves: int = 2
    octave_scale: float = 1.4
    strength: float = 0.5
    jitter: int = 8
    index: int = 0  # which of the channels a record belongs to

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.layers) > 0, "name at least one channel")
        whole = all(spec.channel is not None and spec.position is None for spec in self.layers)
        check(whole and len({spec.layer for spec in self.layers}) == 1, "name channels of one layer")
        check(0 <= self.index < len(self.layers), f"index must be from 0 to {len(self.layers) - 1}, not {self.index}")

    @property
    def is_sheet(self) -> bool:
        return True

    @property
    def output_count(self) -> int:
        return len(self.layers)

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(str(spec.channel) for spec in self.layers)
