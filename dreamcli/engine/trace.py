"""Follow one image through a network: what runs in which order, and what every layer gives, sees and costs."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from .compute import own_randomness
from .field import Field, Fields, joined
from .operations import CHANNELS_FIRST, Pair, Window, arguments, fields_after, multiply_adds

# height and width in pixels: small, since only the shapes matter, and 2:3, so that rows and columns can be told apart
TRACE_SIZE = (64, 96)


class TraceError(Exception):
    """The image doesn't go through the network.

    Attributes:
        layer: the innermost layer that was running; empty if there was none.
        reason: what was wrong, in one line.
        passed: the number of layers that it went through before.
    """

    def __init__(self, layer: str, reason: str, passed: int) -> None:
        super().__init__(f"{layer or 'the network'}: {reason}")
        self.layer, self.reason, self.passed = layer, reason, passed


@dataclass(frozen=True)
class Layer:
    """One row of the layer table.

    Attributes:
        name: as in ``network.named_modules()``.
        kind: the module's class.
        shape: the output's shape for one image, without the batch: usually ``(C, H, W)``.
        taken: the input's shape, likewise; empty if it isn't one tensor.
        kernel, stride, padding: (down, right), of convolutions and pools; None for others.
        field: the receptive field in input pixels, (down, right); None if it is the whole image.
        field_stride: the number of pixels between the fields of neighboring units, likewise; less than 1 if there are
            more units than pixels.
        multiply_adds: for one image.
        ends: the outer modules, such as a block, that end with this layer.
        note: a remark if the input's size doesn't fit.
        is_block: whether it is such an outer module: the parameters and multiply-adds are those of its layers.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    kernel: Pair | None
    stride: Pair | None
    padding: Pair | None
    parameters: int
    field: Pair | None
    field_stride: tuple[float, float] | None
    multiply_adds: int
    ends: tuple[str, ...] = ()
    note: str = ""
    taken: tuple[int, ...] = ()
    is_block: bool = False


@dataclass(frozen=True)
class Trace:
    """What one forward pass does.

    Attributes:
        size: the image's (height, width) in pixels.
        events: ("start" or "end", layer) in the order of execution.
        shapes: the output shape, batch and channels first, of every layer that returns a tensor (of its last run, if
            it runs more than once).
        fields: what a unit of each of these layers sees, (down, right); None if it is the whole image.
        channels_last: layers that return ``(N, H, W, C)``, as Swin's do; none if the network takes no wider image.
        clobbered: layers whose output is overwritten in place by a later operation.
        passing: layers that return another layer's tensor: in-place functions, and blocks that end with a layer.
        foldable: (convolution, batch norm) pairs where the second alone takes the first's output, unchanged.
        stem: the convolution that takes the network's input unchanged, all colors together, if there is exactly one.
        output: the last layer on the way to what the network returns; empty if there is none.
        layers: the layer table, in the order of execution.
        blocks: rows for the outer modules that the table's layers are parts of, for their last run.
    """

    size: tuple[int, int]
    events: list[tuple[str, str]] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    fields: dict[str, Fields] = field(default_factory=dict)
    channels_last: set[str] = field(default_factory=set)
    clobbered: set[str] = field(default_factory=set)
    passing: set[str] = field(default_factory=set)
    foldable: list[tuple[str, str]] = field(default_factory=list)
    stem: str | None = None
    output: str = ""
    layers: list[Layer] = field(default_factory=list)
    blocks: dict[str, Layer] = field(default_factory=dict)

    def until(self, layers: Iterable[str]) -> list[tuple[str, str]]:
        """The events up to the end of the deepest of these layers."""
        wanted = set(layers)
        last = max(index for index, (what, name) in enumerate(self.events) if what == "end" and name in wanted)
        return self.events[: last + 1]


def trace(network: nn.Module, size: tuple[int, int]) -> Trace:
    """Follow one image through a network.

    Args:
        network: takes ``(N, 3, H, W)``; on any device, including "meta", where nothing is computed. Left as it is.
        size: (height, width) of the image, in pixels.

    Raises:
        TraceError: the image doesn't go through.
    """
    shell = frozen_copy(network)
    image = torch.zeros(1, 3, *size, device=next(network.parameters()).device)
    tracer = _Tracer(shell, image)
    try:
        with torch.no_grad(), own_randomness(0, image.device), tracer:
            answer = shell(image)
    except Exception as error:  # it may be anybody's network
        raise TraceError(tracer.open[-1] if tracer.open else "", first_line(error), tracer.passed) from error
    if not isinstance(answer, Tensor):
        raise TraceError("", f"it returns a {type(answer).__name__}, not one tensor", tracer.passed)
    found = tracer.finished(answer)
    doubtful = tracer.doubtful()
    return _with_channels_last(found, _channels_last(network, image, doubtful)) if doubtful else found


def _channels_last(network: nn.Module, image: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> set[str]:
    """Which layers, of these shapes, return ``(N, H, W, C)``: the third side alone is longer in a wider image."""
    shell, wider = frozen_copy(network), dict(shapes)

    def note(name: str, _module: nn.Module, _inputs: object, output: object) -> None:
        wider[name] = tuple(output.shape) if isinstance(output, Tensor) else ()

    for name in shapes:
        shell.get_submodule(name).register_forward_hook(partial(note, name))
    with suppress(Exception), torch.no_grad():  # it may take no other size
        shell(image.repeat(1, 1, 1, 2))
        return {
            name
            for name, (*outer, columns, channels) in shapes.items()
            if len(wider[name]) == 4 and wider[name] == (*outer, wider[name][2], channels) and wider[name][2] > columns
        }
    return set()


def _with_channels_last(found: Trace, layers: set[str]) -> Trace:
    """A trace where these layers have channels last, with all shapes channels first."""

    def turned(row: Layer) -> Layer:
        is_last = row.name in layers and len(row.shape) == 3
        return replace(row, shape=(row.shape[2], *row.shape[:2])) if is_last else row

    shapes = {name: (s[0], s[3], s[1], s[2]) if name in layers else s for name, s in found.shapes.items()}
    blocks = {name: turned(row) for name, row in found.blocks.items()}
    return replace(found, channels_last=layers, shapes=shapes, layers=[*map(turned, found.layers)], blocks=blocks)


def first_line(error: Exception) -> str:
    """What an error says, in one line; its kind if it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def frozen_copy(network: nn.Module) -> nn.Module:
    """Copy a network's structure, in eval mode, sharing its weights, which get no gradient."""
    shared: dict[int, object] = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in network.parameters()}
    shared |= {id(b): b for b in network.buffers()}
    return copy.deepcopy(network, shared).eval()


class _Tracer(TorchFunctionMode):
    """Watches every module and every operation while an image goes through."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.open: list[str] = []
        self._found = Trace((image.shape[2], image.shape[3]))
        self._network = network
        self._image = image
        self._stems: list[str] = []
        self._outputs: dict[str, tuple[Tensor, int]] = {}
        self._owners: MutableMapping[Tensor, str] = WeakTensorKeyDictionary()  # the first layers to return them
        self._uses: MutableMapping[Tensor, int] = WeakTensorKeyDictionary()
        self._fields: MutableMapping[Tensor, Fields] = WeakTensorKeyDictionary({image: (Field(), Field())})
        self._maps: set[tuple[int, ...]] = set()  # shapes that have channels first
        # the last layers on the way to them, and which events these were
        self._latest: MutableMapping[Tensor, tuple[int, str]] = WeakTensorKeyDictionary()
        self._work: list[int] = []  # of every open module, so far
        self._rows: list[int] = []  # in the table before every open module
        for name, module in network.named_modules():
            if name:
                module.register_forward_pre_hook(partial(self._start, name))
                module.register_forward_hook(partial(self._end, name))

    def _start(self, name: str, module: nn.Module, inputs: tuple[object, ...]) -> None:
        self.open.append(name)
        self._work.append(0)
        self._rows.append(len(self._found.layers))
        self._found.events.append(("start", name))
        taken = inputs[0] if inputs else None
        if taken is self._image and type(module) is nn.Conv2d and module.groups == 1:
            self._stems.append(name)
        if isinstance(module, nn.BatchNorm2d) and isinstance(taken, Tensor) and (owner := self._owners.get(taken)):
            is_unchanged = self._outputs[owner][1] == taken._version
            if is_unchanged and type(self._network.get_submodule(owner)) is nn.Conv2d:
                self._found.foldable.append((owner, name))

    def _end(self, name: str, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        self.open.pop()
        work, before = self._work.pop(), self._rows.pop()
        found = self._found
        found.events.append(("end", name))
        if not isinstance(output, Tensor):
            return
        if self._owners.setdefault(output, name) != name:
            found.passing.add(name)
        self._outputs[name] = (output, output._version)
        self._latest[output] = (len(found.events), name)
        found.shapes[name] = tuple(output.shape)
        found.fields[name] = self._fields.get(output)
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        if own or len(found.layers) == before:  # it doesn't consist of other layers
            found.layers.append(self._row(name, module, inputs, output, own, work))
            return
        if self._work:
            self._work[-1] += work
        found.layers[-1] = replace(last := found.layers[-1], ends=(*last.ends, name))
        found.blocks[name] = replace(self._row(name, module, inputs, output, 0, 0), is_block=True)

    def _row(
        self, name: str, module: nn.Module, inputs: tuple[object, ...], output: Tensor, own: int, work: int
    ) -> Layer:
        fields = self._fields.get(output)
        is_map = output.dim() == 4 and next(module.children(), None) is None
        window = Window.of_module(module) if is_map else None
        taken = inputs[0].shape[1:] if inputs and isinstance(inputs[0], Tensor) else ()
        return Layer(
            name=name,
            kind=type(module).__name__,
            shape=tuple(output.shape[1:]),
            kernel=window and window.kernel,
            stride=window and window.stride,
            padding=window and window.padding,
            parameters=own,
            field=fields and (fields[0].size, fields[1].size),
            field_stride=fields and (_plain(fields[0].stride), _plain(fields[1].stride)),
            multiply_adds=work,
            note=window.misfit(taken[1:]) if window and taken and not getattr(module, "transposed", False) else "",
            taken=tuple(taken),
        )

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        made = list(tensors_in(output))
        sources = [tensor for tensor in tensors_in((args, kwargs)) if tensor in self._fields] if made else []
        if sources:
            name = getattr(func, "__name__", "")
            given = arguments(name, args, kwargs)
            before = reduce(joined, (self._fields[source] for source in sources))
            fields = fields_after(name, given, before, sources[0].shape, made[0].shape)
            latest = max(self._latest.get(source, (0, "")) for source in sources)
            for tensor in made:
                self._fields[tensor], self._latest[tensor] = fields, latest
            for source in sources:
                if source is not made[0]:
                    self._uses[source] = self._uses.get(source, 0) + 1
            if name in CHANNELS_FIRST:
                self._maps.add(tuple(made[0].shape))
            if self._work:
                self._work[-1] += multiply_adds(name, given, made[0])
        return output

    def doubtful(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the layers that may have channels last: they may be those of a map of the image's form."""
        height, width = self._found.size

        def may_be_last(shape: tuple[int, ...]) -> bool:
            if len(shape) != 4 or (shape in self._maps and len(set(shape[1:])) > 1):
                return False
            rows, columns = shape[1:3]
            return rows == columns or (height != width and (height < width) == (rows < columns))

        return {name: shape for name, shape in self._found.shapes.items() if may_be_last(shape)}

    @property
    def passed(self) -> int:
        """The number of layers that the image went through so far."""
        return sum(what == "end" for what, _ in self._found.events)

    def finished(self, answer: Tensor) -> Trace:
        """What was found, once the image is through, and the network has returned its answer."""
        found = self._found
        runs = Counter(name for what, name in found.events if what == "end")
        once = {name for name, (output, _) in self._outputs.items() if runs[name] == self._uses.get(output, 0) == 1}
        return replace(
            found,
            clobbered={name for name, (output, version) in self._outputs.items() if output._version != version},
            foldable=[(conv, norm) for conv, norm in found.foldable if conv in once and runs[norm] == 1],
            stem=self._stems[0] if len(self._stems) == 1 else None,
            output=self._latest.get(answer, (0, ""))[1],
        )


def _plain(number: Fraction | int) -> float:
    return number if isinstance(number, int) else float(number)


def tensors_in(values: object) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists and dictionaries."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from tensors_in(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors_in(value)
