"""Gradients through dead ReLUs, to climb objectives that are zero everywhere at first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_RELUS = (F.relu, torch.relu, torch.relu_, F.relu_, Tensor.relu, Tensor.relu_)


class RedirectedReLUs(TorchFunctionMode):
    """A context in which a ReLU or ReLU6 passes a gradient even if it blocks all of an image's values.

    It then passes the gradient to the inputs below zero (as in Lucid; Olah, Mordvintsev and Schubert, "Feature
    Visualization", 2017). A ReLU that passes any gradient on its own is left alone.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _RELUS:
            return _RedirectedReLU.apply(args[0], math.inf)
        kwargs = kwargs or {}
        is_relu6 = func is F.hardtanh and (kwargs["min_val"], kwargs["max_val"]) == (0, 6)  # as torch's ReLU6 calls it
        if is_relu6 or func is F.relu6:
            return _RedirectedReLU.apply(args[0], 6.0)
        return func(*args, **kwargs)


class _RedirectedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, highest: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.highest = highest
        return x.clamp(0, highest)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        passes = x > 0
        if ctx.highest < math.inf:
            passes &= x < ctx.highest
        alive = gradient * passes
        dead = alive.flatten(1).abs().amax(1) == 0
        return torch.where(dead.view(-1, *[1] * (x.dim() - 1)), gradient, alive), None
