"""The bare loop that everything is compared with: forward, backward, nothing else."""

from __future__ import annotations

import statistics
import time

import torch
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.networks.zoo import Network


def bare_network(network: Network, layer: str, compute: Compute) -> nn.Module:
    """The same frozen, truncated, folded, channels-last network, pruned by torchvision instead of by hooks."""
    truncated = Activations(network.module, [layer], network.input_format, compute)._network
    for module in truncated.modules():
        module._forward_hooks.clear()
    # what was cut off is an Identity of ours; torch.fx would look inside
    leaves = {"leaf_modules": [nn.Identity]}
    return create_feature_extractor(truncated, [layer], tracer_kwargs=leaves, suppress_diff_warning=True)


def bare_step(network: nn.Module, layer: str, image: Tensor, compute: Compute) -> float:
    """Seconds of one forward and backward pass to the image."""
    image.grad = None
    started = time.perf_counter()
    with compute.autocast():
        activation = network(image)[layer]
    activation.backward(torch.ones_like(activation))
    if compute.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def random_image(height: int, width: int, compute: Compute) -> Tensor:
    """A random leaf image, channels-last."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, height, width, generator=generator).to(compute.device, memory_format=torch.channels_last)
    return image.requires_grad_()


def bare_seconds(network: Network, layer: str, height: int, width: int, compute: Compute, rounds: int = 7) -> float:
    """The median of several bare steps, after two to warm up."""
    bare, image = bare_network(network, layer, compute), random_image(height, width, compute)
    return statistics.median([bare_step(bare, layer, image, compute) for _ in range(rounds + 2)][2:])
