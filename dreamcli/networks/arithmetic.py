"""How the size of a layer's output, its parameters and its work follow from its shape, as one would write it down."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from dreamcli.engine.trace import Layer


def arithmetic(layer: Layer, module: nn.Module) -> tuple[str, ...]:
    """The lines of a calculation; empty if there is nothing to calculate.

    Args:
        layer: a row of the layer table.
        module: the layer itself.
    """
    return (*_sides(layer, module), *_parameters(module), *_work(layer, module))


def _sides(layer: Layer, module: nn.Module) -> list[str]:
    """The output's rows and columns, from the input's."""
    if layer.kernel is None or layer.stride is None or layer.padding is None or len(layer.taken) != 3:
        return []
    if isinstance(module, nn.ConvTranspose2d):
        return []
    dilation = _pair(getattr(module, "dilation", 1))
    names = ("rows", "columns") if layer.taken[1:] != layer.taken[:0:-1] else ("rows and columns",)
    lines = []
    for axis, name in enumerate(names):
        side, kernel, stride, padding = (
            values[axis] for values in (layer.taken[1:], layer.kernel, layer.stride, layer.padding)
        )
        reach = dilation[axis] * (kernel - 1) + 1
        room = side + 2 * padding - reach
        around = "ceil" if getattr(module, "ceil_mode", False) else "floor"
        steps = -(-room // stride) if around == "ceil" else room // stride
        if steps + 1 == layer.shape[1 + axis]:
            padded = f"{side} + 2 x {padding}" if padding else str(side)
            lines.append(f"{name}: {around}(({padded} - {reach}) / {stride}) + 1 = {steps + 1}")
    return lines


def _parameters(module: nn.Module) -> list[str]:
    own = dict(module.named_parameters(recurse=False))
    weight = own.get("weight")
    if weight is None:
        return []
    biases = own["bias"].numel() if own.get("bias") is not None else 0
    if weight.dim() == 1:
        return [f"parameters: {len(weight)} weights + {biases} biases = {len(weight) + biases:,}"]
    filters, inputs = weight.shape[:2]
    if isinstance(module, nn.ConvTranspose2d):  # its weights are sorted by its inputs
        filters, inputs = module.out_channels, filters // module.groups
    each = " x ".join(map(str, (*weight.shape[2:], inputs)))
    kind = "filters" if weight.dim() == 4 else "outputs"
    added = f" + {biases:,} biases" if biases else ""
    return [f"parameters: {filters:,} {kind} x ({each}) weights{added} = {weight.numel() + biases:,}"]


def _work(layer: Layer, module: nn.Module) -> list[str]:
    weight = getattr(module, "weight", None)
    if weight is None or weight.dim() != 4 or len(layer.shape) != 3:
        return []
    # a transposed convolution puts its weights at each place of its input
    rows, columns = (layer.taken if isinstance(module, nn.ConvTranspose2d) else layer.shape)[1:]
    total = weight.numel() * rows * columns
    return [f"multiply-adds: {weight.numel():,} weights x {rows} x {columns} places = {total:,}"]


def _pair(value: int | Sequence[int]) -> Sequence[int]:
    return (value, value) if isinstance(value, int) else value
