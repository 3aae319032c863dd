"""From layer specs to what is climbed: layers, channels, neurons, or a guide's features."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

import torch

from dreamcli.engine.activations import Captured
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel, Guide, LayerEnergy, Neuron, Objective, rms
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Pixels
from dreamcli.networks.zoo import Network
from dreamcli.settings.layer_spec import LayerSpec

from .artwork import Inputs
from .pixels import scaled_tensor

GUIDE_SIZE = 224  # pixels on the longer side of a guide: each of its places is compared with each of the picture's


def objective_for(
    specs: Sequence[LayerSpec], network: Network, inputs: Inputs, seen: Captured, compute: Compute
) -> Objective:
    """Turn layer specs into an objective: a weighted sum of layers, channels and neurons, or of a guide's features.

    Args:
        specs, network: what to climb, and where; with a guide in ``inputs``, whole layers.
        seen: the layers' activations for the full-sized picture. A neuron's position is counted on its feature map
            there, and channels and neurons are measured by their layer's RMS there.
        inputs, compute: for the guide.

    Raises:
        WrongRequest: a layer is unknown, or a channel or position is out of range.
    """
    guide = inputs.references.guide
    if guide is None:
        terms = [_term(spec, network, seen) for spec in specs]
    else:
        terms = _guide_terms(specs, network, guide.pixels, compute)
    return reduce(operator.add, (spec.weight * term for spec, term in zip(specs, terms, strict=True)))


def _guide_terms(specs: Sequence[LayerSpec], network: Network, guide: Pixels, compute: Compute) -> list[Objective]:
    layers = [network.find(spec) for spec in specs]
    with torch.inference_mode():
        seen = network.activations(layers, compute)(scaled_tensor(guide, GUIDE_SIZE, compute.device))
    return [Guide.of(layer, seen[layer]) for layer in layers]


def _term(spec: LayerSpec, network: Network, seen: Captured) -> Objective:
    layer = network.find(spec)
    if spec.channel is None:
        return LayerEnergy(layer)
    scale = rms(seen[layer])
    if spec.position is None:
        return Channel(layer, spec.channel, scale)
    if seen[layer].dim() != 4:
        raise WrongRequest(f"layer {layer} of {network.card.name} has no rows and columns: leave out the @Y,X")
    rows, columns = seen[layer].shape[2:]
    row, column = spec.position
    if row >= rows or column >= columns:
        raise WrongRequest(
            f"layer {layer} has {rows} rows and {columns} columns for a picture of this size; "
            f"there is no neuron at @{row},{column}"
        )
    return Neuron(layer, spec.channel, (row + 0.5) / rows, (column + 0.5) / columns, scale)
