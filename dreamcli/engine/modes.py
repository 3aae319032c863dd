"""Torch's modes, which belong to the program that calls us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from . import DEVICES


@contextmanager
def default_modes() -> Iterator[None]:
    """Torch's modes as they are when a program starts, whatever the caller has set, which is put back afterwards.

    Gradients are computed, also inside ``torch.inference_mode()`` and ``torch.no_grad()``; new tensors are float32 and
    on the CPU; nothing is cast automatically.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for device in filter(torch.is_autocast_enabled, DEVICES[1:]):
            modes.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":  # else it would only slow everything down
            modes.enter_context(torch.device("cpu"))
        if dtype != torch.float32:
            modes.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        yield
