"""Where and how precisely to compute."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from . import DEVICES, PRECISIONS

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h


@dataclass(frozen=True)
class Compute:
    """A device that is there, and a precision that it can compute in.

    Pictures, gradients and objectives are always float32; ``precision`` is that of the network's
    convolutions and matrix products. ``budget`` is how many bytes a pass through the network may take before large
    pictures are taken in tiles: one that suits every machine or, on CUDA, half of the device's memory.
    """

    device: torch.device
    precision: torch.dtype
    budget: int = 2 * 2**30

    @classmethod
    def resolve(cls, device: str = "auto", precision: str = "auto") -> Compute:
        """Choose what ``auto`` leaves open: the fastest device, and bfloat16 where it has instructions for it.

        Raises:
            ValueError: the device is not on this machine, or a word is unknown.
        """
        if device not in DEVICES or precision not in PRECISIONS:
            raise ValueError(f"device is one of {DEVICES} and precision one of {PRECISIONS}")
        available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        if device == "auto":
            device = next(name for name, there in available.items() if there)
        elif not available[device]:
            there = ", ".join(name for name, ok in available.items() if ok)
            raise ValueError(f"there is no {device} device on this machine; it has: {there}")
        if precision == "auto":
            precision = "bfloat16" if _has_bfloat16(device) else "float32"
        found = torch.device(device)
        if device == "cuda":
            return cls(found, getattr(torch, precision), torch.cuda.get_device_properties(found).total_memory // 2)
        return cls(found, getattr(torch, precision))

    @contextmanager
    def repeatable(self) -> Iterator[None]:
        """The context that an ascent runs in: on CUDA, the same bits each time, and float32 that is float32."""
        if self.device.type != "cuda":
            yield
            return
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield

    def autocast(self) -> torch.autocast:
        """The context that the network's forward pass runs in."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


def keep_freed_memory() -> None:
    """Let glibc keep the memory that each step frees, for the next, instead of handing it back to the system.

    Every step needs the same few buffers of megabytes; having the system clear their pages anew each time
    costs up to a quarter of the step. This holds for the whole process, so it is for programs and not for
    libraries to call. Elsewhere than on glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)  # the most that it takes
        mallopt(_M_TRIM_THRESHOLD, 2**30)


def _has_bfloat16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return False
