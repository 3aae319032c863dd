"""What a network sees in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from dreamcli.engine.activations import channel_count
from dreamcli.engine.compute import Compute
from dreamcli.engine.octaves import resize
from dreamcli.files.reading import Pixels
from dreamcli.networks.zoo import Network

from .pixels import to_tensor

SIZE = 224  # pixels on the shorter side of what is classified: what most networks were trained on
LONGEST = 4 * SIZE  # pixels on the longer side; a thinner strip is squeezed, to bound the memory


def top_of(networks: Sequence[Network], pixels: Pixels, count: int = 5) -> list[tuple[str, float]]:
    """As `top`, for the mean probabilities of all networks that have the classes of the first one with classes."""
    classifiers = [network for network in networks if network.card.labels]
    same = [network for network in classifiers if network.card.labels == classifiers[0].card.labels]
    if not same:
        return []
    return _named(same[0], torch.stack([probabilities(network, pixels).cpu() for network in same]).mean(0), count)


def probabilities(network: Network, pixels: Pixels, compute: Compute | None = None) -> Tensor:
    """The probability of each class for a whole picture, ``(classes,)``, computed on the network's own device.

    Args:
        network: the classifier.
        pixels: the picture.
        compute: the precision; float32 by default.
    """
    device = next(network.module.parameters()).device
    fitted = network.input_format.fit(shown(pixels, device))
    with torch.inference_mode(), compute.autocast() if compute else nullcontext():
        logits: Tensor = network.module(network.input_format.normalize(fitted))
    return logits.flatten().float().softmax(0)


def top(network: Network, pixels: Pixels, count: int = 5, compute: Compute | None = None) -> list[tuple[str, float]]:
    """The ``count`` likeliest classes, by name, with their `probabilities`; empty if none exist or any isn't finite."""
    return _named(network, probabilities(network, pixels, compute), count) if network.card.labels else []


def _named(network: Network, found: Tensor, count: int) -> list[tuple[str, float]]:
    if not bool(found.isfinite().all()):
        return []
    values, indices = found.topk(min(count, len(found)))
    return [(network.card.labels[index], value) for index, value in zip(indices.tolist(), values.tolist(), strict=True)]


def most_active(network: Network, layer: str, pixels: Pixels, count: int, compute: Compute) -> list[tuple[str, float]]:
    """The ``count`` channels of a layer with the largest mean activation: ``LAYER:CHANNEL``, and that mean."""
    with torch.inference_mode():
        seen = network.activations([layer], compute)(shown(pixels, compute.device))[layer].float()
    channels = channel_count(tuple(seen.shape))
    means = seen.mean(1)[0] if seen.dim() == 3 else seen[0].reshape(channels, -1).mean(1)
    values, indices = means.topk(min(count, channels))
    return [(f"{layer}:{index}", value) for index, value in zip(indices.tolist(), values.tolist(), strict=True)]


def probability(network: Network, pixels: Pixels, classes: Sequence[str]) -> float:
    """The smallest probability of any of these classes, given by name."""
    return float(probabilities(network, pixels)[[network.card.labels.index(name) for name in classes]].min())


def shown(pixels: Pixels, device: torch.device) -> Tensor:
    """A whole picture, resized for a network, ``(1, 3, height, width)`` in [0, 1]."""
    scale = SIZE / min(pixels.shape[:2])
    height, width = (min(round(side * scale), LONGEST) for side in pixels.shape[:2])
    return resize(to_tensor(pixels, device), (height, width)).clamp(0, 1)
