"""What torch can't do on Apple's GPUs ("mps")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_POOLS = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)


class GapsOnCPU(TorchFunctionMode):
    """A context that moves to the CPU what a device can't do.

    On MPS, torch raises an error for bicubic sampling, and for adaptive average pooling if the input size isn't a
    multiple of the output size. ``PYTORCH_ENABLE_MPS_FALLBACK`` helps with missing operations only, not with incomplete
    ones.

    Args:
        device: the type of the device, such as "mps".
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not (args and _is_gap(func, args, kwargs) and args[0].device.type == self._device):
            return func(*args, **kwargs)
        there = args[0].device
        return func(*(arg.cpu() if isinstance(arg, Tensor) else arg for arg in args), **kwargs).to(there)


def _is_gap(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if func is F.interpolate:
        return kwargs.get("mode") == "area"  # which is an adaptive pool
    return func in _POOLS or (func is F.grid_sample and "bicubic" in (*args[2:3], kwargs.get("mode")))


def layout(device: torch.device) -> torch.memory_format:
    """The memory format of images and weights on a device: channels last, which is faster.

    Except on MPS, where it makes torch's gradients of several operations wrong, such as batch norm and pooling.
    """
    return torch.contiguous_format if device.type == "mps" else torch.channels_last
