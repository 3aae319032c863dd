"""What every art form has in common: the way in from pixels, and the way out to them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

from dreamcli.engine.activations import Captured, channel_count
from dreamcli.engine.objectives import Channel, LayerEnergy, Neuron, Objective, rms
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Pixels
from dreamcli.networks.spec import LayerSpec
from dreamcli.networks.zoo import Network


@dataclass(frozen=True)
class Step:
    """How far a picture is: ``step`` of ``steps`` in ``octave`` of ``octaves``, all counted from 1.

    Attributes:
        value: the objective before this step.
        share: of the whole work that is done, in (0, 1].
    """

    step: int
    steps: int
    octave: int
    octaves: int
    value: float
    share: float


OnStep = Callable[[Step], None]


@dataclass(frozen=True)
class Artwork:
    """A picture that was made.

    Attributes:
        pixels: ``(height, width, 3)`` uint8.
        score: the objective before and after, measured on the pictures themselves.
        stopped: "done", "interrupted" or "non-finite"; the pixels are what was reached by then.
    """

    pixels: Pixels
    score: dict[str, float] = field(default_factory=dict)
    stopped: str = "done"


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """Turn ``(H, W, 3)`` uint8 into ``(1, 3, H, W)`` float32 in [0, 1], channels-last."""
    tensor = torch.tensor(pixels, device=device)
    return tensor.permute(2, 0, 1).unsqueeze(0).float().div_(255)


def to_pixels(image: Tensor) -> Pixels:
    """Turn ``(1, 3, H, W)`` in [0, 1] (clipped) into ``(H, W, 3)`` uint8, rounded."""
    levels = image.detach()[0].clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(1, 2, 0).cpu().contiguous().numpy()


def objective_for(specs: tuple[LayerSpec, ...], network: Network, seen: Captured) -> Objective:
    """Turn layer specs into what to climb.

    Args:
        specs: the layers, channels and neurons, with their weights.
        network: to find them in.
        seen: the layers' activations for the full-sized picture: a neuron's position is on its feature
            map there, and channels and neurons are measured by the layer's RMS there.

    Raises:
        WrongRequest: a layer is unknown, or a channel or position out of range.
    """
    return reduce(operator.add, (spec.weight * _term(spec, network, seen) for spec in specs))


def find_layer(spec: LayerSpec, network: Network) -> str:
    """Give the name of the layer that a spec means.

    Raises:
        WrongRequest: there is no such layer, or it has no such channel.
    """
    layer = network.layer(spec.layer)
    count = channel_count(network.plan.shapes[layer])
    if spec.channel is not None and spec.channel >= count:
        raise WrongRequest(
            f"layer {layer} of {network.card.name} has channels 0 to {count - 1}; there is no {spec.channel}"
        )
    return layer


def _term(spec: LayerSpec, network: Network, seen: Captured) -> Objective:
    layer = find_layer(spec, network)
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
