"""How each channel's values are distributed in photographs, or were in training."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import quantiles
from dreamcli.engine.octaves import resize
from dreamcli.engine.transforms import Crop, Mirror
from dreamcli.errors import check
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble, NetworkLayer

from .artwork import Memo
from .memory_plan import activations_for
from .octaves import SMALLEST_OCTAVE
from .pixels import scaled_size, visible_only

SIZE = 192  # pixels on the shorter side of the photographs
LONGEST = 4 * SIZE  # of their longer side
VIEWS = 12  # at least, of all photographs together: random crops, since class images are cropped, too
CROPS = (0.6, 1.0)


# of each channel: the quantiles, and the standard deviation
Measured = dict[NetworkLayer, tuple[Tensor, Tensor]]


def distributions_of(photographs: Sequence[Picture], ensemble: Ensemble, compute: Compute, memo: Memo) -> Measured:
    """The `quantiles` and standard deviation of each channel in photographs, in the networks' style layers.

    They are measured once for several pictures, unless the photographs come from memory and so have no digest.

    Raises:
        WrongRequest: a photograph is too narrow.
    """
    digests = [photograph.sha256 for photograph in photographs]
    if not all(digests):
        return _measured(photographs, ensemble, compute)
    return memo.get(("like", *digests), lambda: _measured(photographs, ensemble, compute))


def _measured(photographs: Sequence[Picture], ensemble: Ensemble, compute: Compute) -> Measured:
    layers = [ensemble.layer_of(network, name) for network in ensemble.networks for name in network.card.style_layers]
    activations = activations_for(layers, compute, (SIZE, SIZE))
    generator = torch.Generator().manual_seed(0)
    crop, mirror = Crop(CROPS), Mirror()
    values: dict[str, list[Tensor]] = {layer.key: [] for layer in layers}
    for photograph in photographs:
        image = _shown(photograph, compute.device)
        for _ in range(math.ceil(VIEWS / len(photographs))):
            view = mirror(crop(image, generator), generator)
            alpha = view[:, 3:] if view.shape[1] > 3 else None
            with torch.inference_mode():
                seen = activations(view[:, :3])
            for key, activation in seen.items():
                values[key].append(quantiles(activation, alpha))
    return {layer: _mean_and_deviation(torch.cat(values[layer.key])) for layer in layers}


def _mean_and_deviation(values: Tensor) -> tuple[Tensor, Tensor]:
    deviation = values.var(2, keepdim=True).mean(0, keepdim=True).sqrt()
    # a channel that is silent in all photographs has no unit of its own
    return values.mean(0, keepdim=True), deviation.clamp(min=0.1 * float(deviation.mean()) + 1e-6)


def _shown(photograph: Picture, device: torch.device) -> Tensor:
    """The visible part of a photograph, resized: ``(1, 3, height, width)`` in [0, 1]; its alpha is a fourth channel."""
    image, alpha = visible_only(photograph, device)
    if alpha is not None:
        rows, columns = (alpha[0, 0].any(axis).nonzero().flatten() for axis in (1, 0))
        image = torch.cat([image, alpha], 1)[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = image.shape[2:]
    shorter, longer = sorted((height, width))
    size = scaled_size(height, width, min(LONGEST, round(SIZE * longer / shorter)))
    image = resize(image, size).clamp(0, 1)
    check(min(image.shape[2:]) >= SMALLEST_OCTAVE, "a photograph to resemble is too narrow")
    return image


def batch_norm_statistics(ensemble: Ensemble, device: torch.device) -> dict[NetworkLayer, tuple[Tensor, Tensor]]:
    """The mean and standard deviation of every batch normalization's output over its training pictures.

    Raises:
        WrongRequest: no network has batch normalization.
    """
    found = {
        ensemble.layer_of(network, name): (
            module.bias.detach().to(device),
            module.weight.detach().abs().clamp(min=1e-3).to(device),
        )
        for network in ensemble.networks
        for name, module in network.module.named_modules()
        # only those that run: some heads are for training only
        if isinstance(module, nn.BatchNorm2d) and module.affine and name in network.trace.shapes
    }
    check(bool(found), f"{ensemble.name} has no batch normalization, so there are no statistics for the prior")
    return found
