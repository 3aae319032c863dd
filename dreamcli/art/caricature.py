"""Caricature: exaggerate what a layer sees in a photograph.

Olah, Turner and Conerly, "Caricatures", in Lucid's documentation, 2018.
"""

from __future__ import annotations

from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Alignment
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.caricature import CaricatureSettings

from .artwork import Artwork, Inputs, OnStep
from .invert import redraw


def caricature(
    settings: CaricatureSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Draw, from noise, an exaggeration of what the layers see in a photograph.

    Args:
        settings, ensemble, compute, on_step: see `dream`.
        inputs: the photograph.

    Raises:
        WrongRequest: a layer is unknown.
    """
    return redraw(settings, ensemble, inputs, compute, on_step, Alignment, settings.color)
