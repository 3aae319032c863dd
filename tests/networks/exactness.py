"""Whether a network's receptive fields and tiles are exact."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dreamcli.engine.activations import Activations, InputFormat
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import LayerEnergy
from dreamcli.engine.tiles import TiledActivations
from dreamcli.networks.layers import traced


def check_field(
    network: nn.Module, layer: str, unit: int, side: int, input_format: InputFormat, compute: Compute
) -> None:
    """A unit's gradient must reach the ends of its field, and nothing beyond, in a picture of ``side`` pixels."""
    trace = traced(network, (64, 96))
    image = torch.full((1, 3, side, side), 0.6, requires_grad=True)  # brighter than the mean
    Activations(network, [layer], input_format, compute, trace)(image)[layer][0, 0, unit, unit].backward()
    assert image.grad is not None
    for axis, field in enumerate(trace.fields[layer] or ()):
        seen = image.grad.abs().sum((0, 1, 3 - axis)).nonzero()
        start = unit * field.stride
        assert (int(seen.min()), int(seen.max())) == (max(0, start + field.first), min(side - 1, start + field.last))


def check_tiles(
    network: nn.Module,
    layers: list[str],
    image: Tensor,
    input_format: InputFormat,
    compute: Compute,
    size: tuple[int, int] = (64, 96),
) -> None:
    """Activations and gradients in tiles must equal those of the whole image.

    Args:
        size: (height, width) of the image that the network is traced with.
    """
    trace = traced(network, size)
    fields = {layer: field for layer in layers if (field := trace.fields[layer])}
    objective = sum((LayerEnergy(layer) for layer in layers), start=0)
    found = []
    for activations in (
        Activations(network, layers, input_format, compute, trace),
        TiledActivations(network, fields, input_format, compute, trace, room=1),
    ):
        pixels = image.clone().requires_grad_()
        seen = activations(pixels)
        (gradient,) = torch.autograd.grad(objective(seen, pixels), pixels)
        found.append([*(seen[layer].detach() for layer in layers), gradient])
    for whole, tiled in zip(*found, strict=True):
        torch.testing.assert_close(tiled, whole, rtol=1e-4, atol=1e-4 * float(whole.abs().max()))
