"""What torch's operations do to receptive fields, and how much work they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from torch import Tensor, nn

from .field import Field, Fields

Pair = tuple[int, int]  # down, right
Given = Mapping[str, Any]

_MAX_POOL = ("input", "kernel_size", "stride", "padding", "dilation")
# the first arguments of the operations whose arguments matter
_ARGUMENTS = {
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation"),
    "conv_transpose2d": ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "max_pool2d": _MAX_POOL,
    "max_pool2d_with_indices": _MAX_POOL,
    "avg_pool2d": ("input", "kernel_size", "stride", "padding"),
    "pad": ("input", "pad", "mode"),
    "interpolate": ("input", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias"),
    "layer_norm": ("input", "normalized_shape"),
    "linear": ("input", "weight"),
    "matmul": ("input",),
    "bmm": ("input",),
    "scaled_dot_product_attention": ("query", "key"),
}
# operations whose output has channels first
CHANNELS_FIRST = {
    "conv2d", "conv_transpose2d", "batch_norm", "max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "interpolate",
    "pixel_shuffle", "pixel_unshuffle", "adaptive_avg_pool2d", "adaptive_max_pool2d",
}  # fmt: skip
# operations after which a unit sees everything that any unit saw before, if they take away rows or columns
_REDUCERS = {
    "mean", "sum", "prod", "max", "min", "amax", "amin", "std", "var", "norm", "logsumexp",
    "adaptive_avg_pool2d", "adaptive_max_pool2d",
}  # fmt: skip
_MIXERS = {
    "scaled_dot_product_attention", "multi_head_attention_forward", "softmax", "matmul", "__matmul__", "bmm", "einsum",
    "roll", "flip", "rot90", "cumsum", "grid_sample", "group_norm", "instance_norm",
}  # fmt: skip
# operations that change the shape of a map, but leave each value in its place
_KEEPERS = {"linear", "permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"}
# the units that a new one is interpolated from, relative to the last one before its place
_TAPS = {"nearest": (0,), "nearest-exact": (0,), "bilinear": (0, 1), "bicubic": (-1, 0, 1, 2)}
MAX_DENOMINATOR = 16  # of a factor that a map is resized by; others count as irregular


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
        is_convolution = name in ("conv2d", "conv_transpose2d")
        if not is_convolution and "kernel_size" not in _ARGUMENTS.get(name, ()):
            return None
        kernel = _pair(given["weight"].shape[2:] if is_convolution else given["kernel_size"])
        stride = _pair(given.get("stride") or (1 if is_convolution else kernel))
        padding, dilation = given.get("padding") or 0, _pair(given.get("dilation") or 1)
        if padding == "same":
            padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
        return cls(kernel, stride, _pair(padding), dilation)

    def through(self, fields: tuple[Field, Field], is_transposed: bool = False) -> Fields:
        """The fields of the output, given those of the input."""
        way = Field.back_through if is_transposed else Field.through
        down, right = (way(field, *axis) for field, axis in zip(fields, zip(*self, strict=True), strict=True))
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
    """The fields of an operation's output, given the joined fields of its inputs and the shapes before and after.

    After an unknown operation that changes the size of a map, a unit counts as seeing the whole image.
    """
    if fields is None or name in _MIXERS or name.startswith("fft"):
        return None
    is_reduced = len(after) < 3 or (name in _REDUCERS and after[2:] != before[2:])
    if is_reduced and len(before) == 4 and math.prod(before[2:]) > 1:
        return None
    if name == "interpolate":
        return _interpolated(given, fields)
    if name in ("pixel_shuffle", "pixel_unshuffle"):
        return _shuffled(fields, before, after)
    if given.get("mode") == "circular" or len(given.get("normalized_shape", ())) > 1:
        return None
    if window := Window.of_call(name, given):
        return window.through(fields, name == "conv_transpose2d")
    is_moved = len(after) == 4 and after[-2:] != before[-2:]
    return None if is_moved and name not in _KEEPERS else fields


def _interpolated(given: Given, fields: tuple[Field, Field]) -> Fields:
    """The fields after a map is resized; the whole image if where its units lie depends on the map's size."""
    mode, factors = given.get("mode", "nearest"), given.get("scale_factor")
    if factors is None or mode not in _TAPS or given.get("align_corners") or given.get("antialias"):
        return None
    pair = tuple(factors) if isinstance(factors, tuple | list) else (factors, factors)
    ratios = [Fraction(factor).limit_denominator(MAX_DENOMINATOR) for factor in pair]
    if any(ratio != factor or ratio <= 0 for ratio, factor in zip(ratios, pair, strict=True)):
        return None
    if given.get("recompute_scale_factor") and any(ratio.denominator > 1 for ratio in ratios):
        return None
    half = Fraction(mode != "nearest", 2)

    def resized(field: Field, ratio: Fraction) -> Field:
        def inputs(unit: int) -> list[int]:
            place = math.floor((unit + half) / ratio - (0 if mode.startswith("nearest") else half))
            return [place + tap for tap in _TAPS[mode]]

        return field.mapped(ratio.numerator, ratio.denominator, inputs)

    return resized(fields[0], ratios[0]), resized(fields[1], ratios[1])


def _shuffled(fields: tuple[Field, Field], before: Sequence[int], after: Sequence[int]) -> Fields:
    """The fields after channels become rows and columns, or these become channels."""
    enlarged, reduced = after[-1] // before[-1], before[-1] // after[-1]
    if enlarged:
        down, right = (field.mapped(enlarged, 1, lambda unit: [unit // enlarged]) for field in fields)
    else:
        down, right = (field.through(reduced, reduced, 0, 1) for field in fields)
    return down, right


def multiply_adds(name: str, given: Given, output: Tensor) -> int:
    """The number of multiplications, each with an addition, of a convolution or a matrix product."""
    if name in ("conv2d", "linear"):
        return output.numel() * int(given["weight"][0].numel())
    if name == "conv_transpose2d":
        return int(given["input"].numel()) * int(given["weight"][0].numel())
    if name in ("matmul", "bmm"):
        return output.numel() * int(given["input"].shape[-1])
    if name == "scaled_dot_product_attention":
        return 2 * int(given["query"].numel()) * int(given["key"].shape[-2])
    return 0
