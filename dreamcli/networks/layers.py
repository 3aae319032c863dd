"""The table of a network's layers: shapes, parameters, multiply-adds and receptive fields.

Receptive fields follow the data through every branch: where branches meet, what either has seen counts. With the
arithmetic of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dreamcli.engine.field import Field
from dreamcli.errors import DreamcliError

DEFAULT_SIZE = 224  # pixels on a side: what most networks were trained for


# None: a unit sees the whole picture
Fields = tuple[Field, Field] | None


def _joined(one: Fields, other: Fields) -> Fields:
    if one is None or other is None:
        return None
    return one[0].joined(other[0]), one[1].joined(other[1])


@dataclass(frozen=True)
class Layer:
    """One row of the table.

    Attributes:
        name: as in ``--layer``.
        kind: the module's class.
        shape: of its output for one picture, ``(C, H, W)`` mostly.
        kernel, stride, padding: (down, right), of convolutions and pools; None for others.
        parameters: how many it has.
        field: the receptive field in input pixels, (down, right); None if it is the whole picture.
        field_stride: pixels between the fields of neighbours, likewise.
        multiply_adds: for one picture.
        ends: the outer modules that end with it, such as a block.
        note: what to know about the input's size, if it does not fit.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    kernel: tuple[int, int] | None
    stride: tuple[int, int] | None
    padding: tuple[int, int] | None
    parameters: int
    field: tuple[int, int] | None
    field_stride: tuple[int, int] | None
    multiply_adds: int
    ends: tuple[str, ...] = ()
    note: str = ""


def layer_table(network: nn.Module, size: tuple[int, int]) -> list[Layer]:
    """Follow one picture through a network, and note every layer in order.

    Args:
        network: on any device, also on "meta", where nothing is computed; left as it was.
        size: (height, width) of the picture, in pixels.

    Raises:
        DreamcliError: the picture is too small for a layer, or of a size that the network does not take.
    """
    return _followed(network, size).layers


def receptive_fields(network: nn.Module, layers: Iterable[str], size: tuple[int, int]) -> dict[str, Fields]:
    """What a unit of each layer sees of the input, (down, right); None if it is the whole picture.

    Args:
        network: as of `layer_table`.
        layers: names as in ``network.named_modules()``.
        size: (height, width) in pixels of any picture that the network takes.
    """
    found = _followed(network, size).outputs
    return {layer: found[layer] for layer in layers}


def _followed(network: nn.Module, size: tuple[int, int]) -> _Follower:
    device = next(network.parameters()).device
    follower = _Follower(network)
    image = torch.zeros(1, 3, *size, device=device)
    follower.fields[id(image)] = (Field(), Field())
    follower.alive.append(image)
    was_training = network.training
    try:
        with torch.no_grad(), follower:
            network.eval()(image)
    except (RuntimeError, AssertionError, ValueError) as error:
        where = follower.open[-1] if follower.open else "the network"
        reason = str(error).splitlines()[0]
        raise DreamcliError(f"a picture of {size[1]}x{size[0]} pixels does not go through {where}: {reason}") from error
    finally:
        network.train(was_training)
        follower.remove()
    return follower


class _Follower(TorchFunctionMode):
    """Notes what every operation does to receptive fields, and every module's work."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.layers: list[Layer] = []
        self.outputs: dict[str, Fields] = {}
        self.fields: dict[int, Fields] = {}
        self.alive: list[Tensor] = []  # an id is only its tensor's while that lives
        self.open: list[str] = []
        self._work: list[int] = []
        self._handles = []
        for name, module in network.named_modules():
            if name:
                self._handles.append(module.register_forward_pre_hook(self._opener(name)))
                self._handles.append(module.register_forward_hook(self._closer(name)))

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _opener(self, name: str) -> Callable[..., None]:
        def before(_module: nn.Module, _inputs: object) -> None:
            self.open.append(name)
            self._work.append(0)

        return before

    def _closer(self, name: str) -> Callable[..., None]:
        def after(module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
            self.open.pop()
            work = self._work.pop()
            if not isinstance(output, Tensor):
                return
            self.outputs[name] = self.fields.get(id(output))
            own = sum(p.numel() for p in module.parameters(recurse=False))
            if any(True for _ in module.children()) and not own:
                if self._work:
                    self._work[-1] += work
                if self.layers:
                    last = self.layers[-1]
                    self.layers[-1] = replace(last, ends=(*last.ends, name))
                return
            self.layers.append(self._row(name, module, inputs, output, own, work))

        return after

    def _row(self, name: str, module: nn.Module, inputs: tuple[Any, ...], output: Tensor, own: int, work: int) -> Layer:
        fields = self.fields.get(id(output))
        windowed = hasattr(module, "kernel_size") and output.dim() == 4
        kernel, stride, padding, dilation = (
            _pair(getattr(module, key, default)) if windowed else None
            for key, default in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1))
        )
        note = ""
        if kernel and stride and padding and dilation and isinstance(inputs[0], Tensor):
            note = _misfit(inputs[0].shape[2:], kernel, stride, padding, dilation)
        return Layer(
            name,
            type(module).__name__,
            tuple(output.shape[1:]),
            kernel,
            stride,
            padding,
            own,
            None if fields is None else (fields[0].size, fields[1].size),
            None if fields is None else (fields[0].stride, fields[1].stride),
            work,
            note=note,
        )

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        if isinstance(output, Tensor | tuple | list):
            sources = [tensor for tensor in _tensors((args, kwargs)) if id(tensor) in self.fields]
            if sources:
                fields = self._after(func, sources, args, kwargs, output)
                for made in _tensors(output):
                    self.fields[id(made)] = fields
                    self.alive.append(made)
                if self._work:
                    self._work[-1] += _multiply_adds(func, args, kwargs, output)
        return output

    def _after(
        self,
        func: Callable[..., Any],
        sources: list[Tensor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        output: Any,
    ) -> Fields:
        """The fields of what ``func`` gives."""
        joined = reduce(_joined, (self.fields[id(source)] for source in sources))
        name = getattr(func, "__name__", "")
        if name in _MIXERS or joined is None:
            return None
        is_map = sources[0].dim() == 4 and sources[0].shape[2:].numel() > 1
        if is_map and name in ("flatten", "reshape", "view") and output.dim() == 2:
            return None
        if is_map and name in _POOLS_OF_ALL and output.shape[2:] != sources[0].shape[2:]:
            return None
        window = _window(name, args, kwargs)
        if window is None:
            return joined
        down, right = joined
        kernel, stride, padding, dilation = window
        return (
            down.through(kernel[0], stride[0], padding[0], dilation[0]),
            right.through(kernel[1], stride[1], padding[1], dilation[1]),
        )


# operations after which a unit has seen everything that any has
_POOLS_OF_ALL = {"mean", "adaptive_avg_pool2d", "adaptive_max_pool2d"}
_MIXERS = {
    "scaled_dot_product_attention", "multi_head_attention_forward", "softmax", "matmul", "bmm", "roll",
    "group_norm", "instance_norm",
}  # fmt: skip


def _window(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[int, int], ...] | None:
    """(kernel, stride, padding, dilation) of a convolution or a pool, each (down, right)."""
    given = list(args) + [None] * 8

    def argument(index: int, key: str, default: Any) -> Any:
        value = kwargs.get(key, given[index])
        return default if value is None else value

    if name == "conv2d":
        kernel = tuple(argument(1, "weight", None).shape[2:])
        stride, padding, dilation = (
            argument(i, k, d) for i, k, d in ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
        )
    elif name in ("max_pool2d", "boolean_dispatch", "_max_pool2d", "max_pool2d_with_indices", "avg_pool2d"):
        kernel = _pair(argument(1, "kernel_size", None))
        stride = argument(2, "stride", None) or kernel
        padding = argument(3, "padding", 0)
        dilation = argument(4, "dilation", 1) if "max" in name or name == "boolean_dispatch" else 1
    else:
        return None
    if isinstance(padding, str):
        padding = [(k - 1) // 2 for k in kernel] if padding == "same" else 0
    return kernel, _pair(stride), _pair(padding), _pair(dilation)


def _multiply_adds(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> int:
    """The multiplications (each with an addition) of convolutions and matrix products."""
    name = getattr(func, "__name__", "")
    if name == "conv2d":
        weight = args[1] if len(args) > 1 else kwargs["weight"]
        return int(output.numel() * weight[0].numel())
    if name == "linear":
        weight = args[1] if len(args) > 1 else kwargs["weight"]
        return int(output.numel() * weight.shape[1])
    if name in ("matmul", "bmm") and isinstance(output, Tensor):
        return int(output.numel() * args[0].shape[-1])
    if name == "scaled_dot_product_attention":
        query, key = args[0], args[1]
        return int(2 * query.numel() * key.shape[-2])
    return 0


def _tensors(values: Any) -> Iterable[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, str):
        return (0, 0)
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _misfit(
    size: torch.Size,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> str:
    """Say so where a stride does not divide what it has to cover, such as (7 - 3) / 3 + 1."""
    for side, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        rest = (side + 2 * p - reach) % s
        if rest:
            total = f"({side}{f' + {2 * p}' if p else ''} - {reach}) / {s} + 1"
            value = (side + 2 * p - reach) / s + 1
            return f"{total} = {value:.2f} is no whole number: it is rounded, at the border"
    return ""


def human(number: float) -> str:
    """A large number with a unit: 1.2 M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.{2 if number < 10 * size else 1}f} {unit}"
    return f"{number:.0f}"


def parameter_total(name: str, network: nn.Module) -> int:
    """How many parameters a network has, as torchvision counts them."""
    # googlenet's published number is without the classifiers that only training has; inception_v3's is with its one
    auxiliary = ("aux1.", "aux2.") if name == "googlenet" else ()
    return sum(p.numel() for key, p in network.named_parameters() if not key.startswith(auxiliary))
