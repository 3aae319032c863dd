"""Which networks make pictures, and where and how precisely they compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The networks, the judge, the device and the precision; see `dreamcli.Session`."""

    model: str
    weights: Path | None = None
    judge: str | None = None
    device: str = "auto"
    precision: str = "auto"
