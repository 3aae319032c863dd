"""The device and the precision to compute with."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch

from . import DEVICES, PRECISIONS
from .mps import GapsOnCPU

# keeps a network's own random numbers apart from those that the art form draws with the same seed
_OTHER_SEQUENCE = 0x5DEECE66D
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h


@dataclass(frozen=True)
class Compute:
    """An available device, and a precision that it supports.

    Attributes:
        precision: of the network's convolutions and matrix products; images, gradients and objectives are always
            float32.
        budget: the bytes that a pass through the network may take before large images are processed in tiles. The
            default suits every machine; on CUDA it is half of the device's memory.
    """

    device: torch.device
    precision: torch.dtype
    budget: int = 2 * 2**30

    @classmethod
    def resolve(cls, device: str = "auto", precision: str = "auto") -> Compute:
        """Choose the device and precision; ``auto`` is the fastest device, and bfloat16 if it is faster there.

        Raises:
            ValueError: this machine doesn't have the device, or a name is unknown.
        """
        if device not in DEVICES or precision not in PRECISIONS:
            raise ValueError(f"device must be one of {DEVICES} and precision one of {PRECISIONS}")
        available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        if device == "auto":
            device = next(name for name, ok in available.items() if ok)
        elif not available[device]:
            devices = ", ".join(name for name, ok in available.items() if ok)
            raise ValueError(f"there is no {device} device on this machine; it has: {devices}")
        if precision == "auto":
            precision = "bfloat16" if _has_fast_bfloat16(device) else "float32"
        budget = torch.cuda.get_device_properties(device).total_memory // 2 if device == "cuda" else cls.budget
        return cls(torch.device(device), getattr(torch, precision), budget)

    @contextmanager
    def repeatable(self, seed: int) -> Iterator[None]:
        """The context for everything that networks compute for one picture.

        On the CPU, the same seed gives the same bits; see `own_randomness`. On CUDA, convolutions are deterministic and
        in full float32 rather than TF32, but torch sums the gradients of resizing, rotating, border padding and pooling
        in varying order.
        """
        with ExitStack() as contexts:
            contexts.enter_context(own_randomness(seed, self.device))
            if self.device.type == "cuda":
                flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
                contexts.enter_context(flags)
            if self.device.type == "mps":
                contexts.enter_context(GapsOnCPU("mps"))
            yield

    def autocast(self) -> torch.autocast:
        """The context for the network's forward pass."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """A context that seeds torch's default generators, for networks that draw random numbers themselves.

    It seeds those of the CPU and of the device, and restores their state afterwards.
    """
    seed ^= _OTHER_SEQUENCE
    is_accelerated = device.type not in ("cpu", "meta")
    devices = [device] if is_accelerated else []
    with torch.random.fork_rng(devices, device_type=device.type if is_accelerated else "cuda"):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the generators of all devices
        if is_accelerated:
            torch.get_device_module(device).manual_seed(seed)
        yield


def keep_freed_memory() -> None:
    """Let glibc keep the memory that each step frees for the next one, instead of returning it to the system.

    Every step needs the same few buffers of megabytes, and having the system clear their pages again takes up to a
    quarter of the step. This affects the whole process, so programs should call it, not libraries. Does nothing
    without glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)  # the largest value allowed
        mallopt(_M_TRIM_THRESHOLD, 2**30)


def _has_fast_bfloat16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch 2.10 can't report what the processor supports
    found = torch.cpu.get_capabilities() if device == "cpu" and hasattr(torch.cpu, "get_capabilities") else {}
    # without AMX, Intel's vector instructions for bfloat16 take half as long again as float32; AMD's are faster
    return bool(found.get("amx_bf16") or (found.get("avx512_bf16") and "AMD" in str(found.get("cpu_name"))))
