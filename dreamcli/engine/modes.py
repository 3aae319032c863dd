"""Torch's global modes, which belong to the program that calls us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from . import DEVICES


@contextmanager
def default_modes() -> Iterator[None]:
    """A context with torch's default modes, whatever the caller has set; the caller's modes are restored afterwards.

    Gradients are computed, even inside ``torch.inference_mode()`` and ``torch.no_grad()``; new tensors are float32 and
    on the CPU; autocast is off.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for device in filter(torch.is_autocast_enabled, DEVICES[1:]):
            modes.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":  # the mode slows down every call
            modes.enter_context(torch.device("cpu"))
        if dtype != torch.float32:
            modes.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        yield
