"""Turn layer specs into objectives: layers, channels, neurons, or a guide's features."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

import torch

from dreamcli.engine.activations import Captured
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel, Guide, LayerEnergy, Neuron, Objective, rms
from dreamcli.engine.octaves import resize
from dreamcli.errors import WrongRequest, check
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.layer_spec import LayerSpec

from .artwork import Inputs
from .memory_plan import activations_for
from .pixels import scaled_size, visible_only

MAX_LAYERS = 256
GUIDE_SIZE = 224  # pixels on the longer side of a guide: each of its places is compared with each of the picture's


def objective_for(
    specs: Sequence[LayerSpec],
    ensemble: Ensemble,
    inputs: Inputs,
    seen: Captured,
    compute: Compute,
    stands_out: bool = False,
) -> Objective:
    """Turn layer specs into an objective: a weighted sum of layers, channels and neurons, or of a guide's features.

    Args:
        specs, ensemble: what to climb, and in which networks; with a guide in ``inputs``, whole layers only.
        seen: the layers' activations for the full-sized picture. A neuron's position refers to its feature map there,
            and channels and neurons are measured in units of their layer's RMS there.
        inputs, compute: for the guide.
        stands_out: of whole layers, count only what stands out; see `LayerEnergy`.

    Raises:
        WrongRequest: a layer is unknown, a channel or position is out of range, or there are too many layers.
    """
    check(len(specs) <= MAX_LAYERS, f"at most {MAX_LAYERS} layers can climb together, not {len(specs)}")
    places = [(spec, layer) for spec in specs for layer in ensemble.find(spec)]
    guide = inputs.references.guide
    if guide is None:
        terms = [_term(spec, layer, seen, stands_out) for spec, layer in places]
    else:
        terms = _guide_terms([layer for _, layer in places], guide, compute)
    weighted = (spec.weight * layer.weight * term for (spec, layer), term in zip(places, terms, strict=True))
    return reduce(operator.add, weighted)


def _guide_terms(layers: Sequence[NetworkLayer], guide: Picture, compute: Compute) -> list[Objective]:
    with torch.inference_mode():
        image, alpha = visible_only(guide, compute.device)
        image = resize(image, scaled_size(image.shape[2], image.shape[3], GUIDE_SIZE)).clamp(0, 1)
        seen = activations_for(layers, compute, (image.shape[2], image.shape[3]))(image)
    return [Guide.of(layer.key, seen[layer.key], alpha) for layer in layers]


def _term(spec: LayerSpec, layer: NetworkLayer, seen: Captured, stands_out: bool) -> Objective:
    if spec.channel is None:
        return LayerEnergy(layer.key, stands_out)
    activation = seen[layer.key]
    scale = rms(activation)
    if spec.position is None:
        return Channel(layer.key, spec.channel, scale)
    if activation.dim() != 4:
        raise WrongRequest(f"{layer} has no rows and columns: leave out the @Y,X")
    rows, columns = activation.shape[2:]
    row, column = spec.position
    if row >= rows or column >= columns:
        raise WrongRequest(
            f"layer {layer.name} has {rows} rows and {columns} columns for a picture of this size; "
            f"there is no neuron at @{row},{column}"
        )
    return Neuron(layer.key, spec.channel, (row + 0.5) / rows, (column + 0.5) / columns, scale)
