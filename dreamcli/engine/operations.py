"""What torch's operations do to receptive fields, and how much work they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from .field import Fields

Pair = tuple[int, int]  # down, right
Given = Mapping[str, Any]

_MAX_POOL = ("input", "kernel_size", "stride", "padding", "dilation")
# the first arguments of the operations whose arguments matter
_ARGUMENTS = {
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation"),
    "max_pool2d": _MAX_POOL,
    "max_pool2d_with_indices": _MAX_POOL,
    "avg_pool2d": ("input", "kernel_size", "stride", "padding"),
    "pad": ("input", "pad"),
    "linear": ("input", "weight"),
    "matmul": ("input",),
    "bmm": ("input",),
    "scaled_dot_product_attention": ("query", "key"),
}
# operations after which a unit sees everything that any unit saw before
_GLOBAL_POOLS = {"mean", "adaptive_avg_pool2d", "adaptive_max_pool2d"}
_FLATTENERS = {"flatten", "reshape", "view"}
_MIXERS = {
    "scaled_dot_product_attention", "multi_head_attention_forward", "softmax", "matmul", "bmm", "roll",
    "group_norm", "instance_norm",
}  # fmt: skip


class Window(NamedTuple):
    """The window of a convolution or a pool."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    @classmethod
    def of_module(cls, module: nn.Module) -> Window | None:
        """The window of a module, or None if it is neither a convolution nor a pool."""
        if not hasattr(module, "kernel_size"):
            return None
        defaults = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
        return cls(*(_pair(getattr(module, name, default)) for name, default in defaults.items()))

    @classmethod
    def of_call(cls, name: str, given: Given) -> Window | None:
        """The window of an operation, or None if it has none."""
        if name == "pad":  # pixels in front, and nothing else
            left, _, top, _ = (*given["pad"], 0, 0)[:4]
            return cls((1, 1), (1, 1), (top, left), (1, 1))
        if name != "conv2d" and "kernel_size" not in _ARGUMENTS.get(name, ()):
            return None
        kernel = _pair(given["weight"].shape[2:] if name == "conv2d" else given["kernel_size"])
        stride = _pair(given.get("stride") or (1 if name == "conv2d" else kernel))
        padding, dilation = given.get("padding") or 0, _pair(given.get("dilation") or 1)
        if padding == "same":
            padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
        return cls(kernel, stride, _pair(padding), dilation)

    def through(self, fields: Fields) -> Fields:
        """The fields of the output, given those of the input."""
        if fields is None:
            return None
        down, right = (field.through(*axis) for field, axis in zip(fields, zip(*self, strict=True), strict=True))
        return down, right

    def misfit(self, size: Sequence[int]) -> str:
        """Explain where the stride doesn't divide an input of this size, such as (7 - 3) / 3 + 1."""
        for side, k, s, p, d in zip(size, *self, strict=True):
            reach = d * (k - 1) + 1
            if (side + 2 * p - reach) % s:
                outputs = f"({side}{f' + {2 * p}' if p else ''} - {reach}) / {s} + 1"
                value = (side + 2 * p - reach) / s + 1
                return f"{outputs} = {value:.2f} is not a whole number: it is rounded, at the border"
        return ""


def _pair(value: Any) -> Pair:
    if isinstance(value, str):
        return (0, 0)
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def arguments(name: str, args: Sequence[Any], kwargs: Given) -> Given:
    """An operation's arguments by name, as far as the functions here need them."""
    return {**dict(zip(_ARGUMENTS.get(name, ()), args, strict=False)), **kwargs}


def fields_after(name: str, given: Given, fields: Fields, before: Sequence[int], after: Sequence[int]) -> Fields:
    """The fields of an operation's output, given the joined fields of its inputs and the shapes before and after."""
    if name in _MIXERS:
        return None
    if len(before) == 4 and math.prod(before[2:]) > 1:
        if name in _FLATTENERS and len(after) == 2:
            return None
        if name in _GLOBAL_POOLS and after[2:] != before[2:]:
            return None
    window = Window.of_call(name, given)
    return window.through(fields) if window else fields


def multiply_adds(name: str, given: Given, output: Tensor) -> int:
    """The number of multiplications, each with an addition, of a convolution or a matrix product."""
    if name in ("conv2d", "linear"):
        return output.numel() * int(given["weight"][0].numel())
    if name in ("matmul", "bmm"):
        return output.numel() * int(given["input"].shape[-1])
    if name == "scaled_dot_product_attention":
        return 2 * int(given["query"].numel()) * int(given["key"].shape[-2])
    return 0
