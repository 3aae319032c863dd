"""The settings that art forms have in common, and their ranges."""

from __future__ import annotations

import math
from typing import Any

from dreamcli.errors import check

SMALLEST_OCTAVE = 64  # pixels, of the shorter side: below, there is nothing left to recognise


def check_schedule(settings: Any) -> None:
    """Check size, steps, octaves, octave_scale, strength, jitter and seed, and color if the art form has it.

    Raises:
        WrongRequest: one is out of its range.
    """
    check_size(settings.size)
    check(settings.steps >= 1, f"steps must be at least 1, not {settings.steps}")
    check(1 <= settings.octaves <= 100, f"octaves must be from 1 to 100, not {settings.octaves}")
    scale = settings.octave_scale
    check(1 < scale < math.inf, f"octave scale must be more than 1, not {scale:g}")
    check(0 <= settings.strength <= 1, f"strength must be from 0 to 1, not {settings.strength:g}")
    color = getattr(settings, "color", 0)
    check(0 <= color <= 1, f"color must be from 0 to 1, not {color:g}")
    check(settings.jitter >= 0, f"jitter must be at least 0, not {settings.jitter}")
    check(0 <= settings.seed < 2**63, f"seed must be from 0 to 2**63 - 1, not {settings.seed}")


def check_size(size: int | None) -> None:
    """Check the pixels on the longer side; None is a picture's own.

    Raises:
        WrongRequest: they are out of their range.
    """
    check(size is None or 1 <= size <= 100_000, f"size must be from 1 to 100000, not {size}")
