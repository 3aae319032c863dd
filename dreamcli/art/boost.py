"""Boosted neurons: climb any layer, channel or neuron until the picture shows what it responds to.

Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamcli.errors import check
from dreamcli.networks.spec import LayerSpec

from .visualization import Visualization, Wish, visualize

if TYPE_CHECKING:
    from dreamcli.engine.compute import Compute
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep


@dataclass(frozen=True, kw_only=True)
class BoostSettings(Visualization):
    """How to boost.

    Attributes:
        layers: what to boost; several add up by their weights (on a sheet: one picture each).
    """

    layers: tuple[LayerSpec, ...] = (LayerSpec("high"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.layers) > 0, "layers must name one layer at least")


def boost(
    settings: BoostSettings, network: Network, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Boost layers, channels or neurons, in noise or in a picture.

    Args:
        settings: which, and how.
        network: whose they are.
        inputs: the picture to start from, a guide and a mask, as far as they are wanted.
        compute: on what device, at what precision.
        on_step: called after every step.

    Returns:
        ``settings.count`` pictures, or one contact sheet.

    Raises:
        WrongRequest: a layer is unknown, or a channel or neuron out of range.
    """
    groups = [(spec,) for spec in settings.layers] if settings.sheet else [settings.layers]
    wishes = [_wish(group, network, inputs, compute) for group in groups]
    return visualize(wishes, settings, network, inputs, compute, on_step)


def _wish(specs: tuple[LayerSpec, ...], network: Network, inputs: Inputs, compute: Compute) -> Wish:
    from .artwork import find_layer, objective_for

    return Wish(
        " ".join(map(str, specs)),
        tuple(find_layer(spec, network) for spec in specs),
        lambda seen: objective_for(specs, network, inputs, seen, compute),
        still=any(spec.position for spec in specs),
    )
