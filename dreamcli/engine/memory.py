"""How much memory a picture takes, and how much there is."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from .activations import OUTLINE_SIZE, InputFormat, Outline
from .compute import Compute

# the peak of a forward and a backward pass over the sum of all outputs on the way: 1.3 in the middle of ten networks
# that we measured, from 0.5 (convnext_tiny) to 2.1 (googlenet in bfloat16)
PEAK_OVER_OUTPUTS = 1.5
# where Linux says what a container may use, by its versions of control groups
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def bytes_of_pass(plan: Outline, layers: Iterable[str], input_format: InputFormat, compute: Compute) -> float:
    """Estimate what a forward pass up to the deepest of ``layers`` and its backward pass hold, per pixel fed."""
    last = max(index for index, (what, name) in enumerate(plan.events) if what == "end" and name in layers)
    ran = {name for what, name in plan.events[: last + 1] if what == "end" and name in plan.shapes}
    own = ran - plan.passing - {convolution for convolution, _ in plan.foldable}
    return PEAK_OVER_OUTPUTS * sum(bytes_of_layer(plan, name, input_format, compute) for name in own)


def bytes_of_layer(plan: Outline, layer: str, input_format: InputFormat, compute: Compute) -> float:
    """What a layer's activations take, per pixel fed."""
    return (
        math.prod(plan.shapes[layer]) * compute.precision.itemsize / math.prod(input_format.fitted_size(*OUTLINE_SIZE))
    )


def installed(device: torch.device) -> int:
    """The memory that a device has, or that this process may use of it, in bytes; not how much of it is free."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    amounts = [int(text) for path in _LIMITS if path.is_file() and (text := path.read_text().strip()).isdecimal()]
    if hasattr(os, "sysconf"):  # not on Windows
        amounts.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(amounts, default=2**63)
