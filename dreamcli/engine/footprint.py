"""How much memory a pass through a network takes, and how much the machine has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from .compute import Compute
from .trace import Trace

# the peak of a forward and a backward pass, relative to the sum of all outputs on the way: the median of ten networks
# that we measured is 1.3, and they range from 0.5 (convnext_tiny) to 2.1 (googlenet in bfloat16)
PEAK_OVER_OUTPUTS = 1.5
# where Linux states a container's limit, in versions 2 and 1 of control groups
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def bytes_of_pass(trace: Trace, layers: Iterable[str], compute: Compute) -> float:
    """Estimate the bytes per input pixel of a forward pass up to the deepest of ``layers``, and its backward pass."""
    ran = {name for what, name in trace.until(layers) if what == "end" and name in trace.shapes}
    own = ran - trace.passing - {convolution for convolution, _ in trace.foldable}
    return PEAK_OVER_OUTPUTS * sum(bytes_of_layer(trace, name, compute) for name in own)


def bytes_of_layer(trace: Trace, layer: str, compute: Compute) -> float:
    """The bytes of a layer's activations, per input pixel."""
    return math.prod(trace.shapes[layer]) * compute.precision.itemsize / math.prod(trace.size)


def bytes_of_weights(network: nn.Module) -> int:
    """The bytes of a network's weights, and of the copy of them that `Activations` makes."""
    return 2 * sum(weight.numel() * weight.itemsize for weight in network.parameters())


def installed(device: torch.device) -> int:
    """The bytes of memory that a device has, or that this process may use, whether free or not."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    amounts = [
        int(text) for path in _LIMITS if path.is_file() and (text := path.read_text("ascii").strip()).isdecimal()
    ]
    if hasattr(os, "sysconf"):  # not on Windows
        amounts.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(amounts, default=2**63)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, in Python or on any device."""
    # the last one is what oneDNN says
    texts = ("can't allocate memory", "not enough memory", "out of memory", "could not create a primitive")
    return isinstance(error, MemoryError) or any(text in str(error) for text in texts)
