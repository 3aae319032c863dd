"""What torch can't do on Apple's GPUs ("mps")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_POOLS = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)


class UnevenPools(TorchFunctionMode):
    """A context in which a device's adaptive average pools are computed on the CPU.

    On MPS, torch raises where the input's size isn't a multiple of the output's, and there the switch for what isn't
    implemented (``PYTORCH_ENABLE_MPS_FALLBACK``) has no effect.

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
        # interpolation by area is such a pool
        is_pool = func in _POOLS or (func is F.interpolate and kwargs.get("mode") == "area")
        if is_pool and args and args[0].device.type == self._device:
            return func(args[0].cpu(), *args[1:], **kwargs).to(args[0].device)
        return func(*args, **kwargs)
