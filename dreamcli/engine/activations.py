"""A frozen, truncated network that returns the activations of named layers."""

from __future__ import annotations

import contextlib
import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .compute import Compute

# height and width in pixels: small, since only the order of the layers and their channels are wanted; and no
# square, so that rows, columns and channels can be told apart
OUTLINE_SIZE = (64, 96)


@dataclass(frozen=True)
class InputFormat:
    """What a network wants to be fed.

    Attributes:
        mean, std: of each colour, subtracted from and divided into an image in [0, 1].
        minimum: pixels; a smaller side is padded by repeating the border.
        fixed: pixels; a network that takes one size only is fed the image resized to this square.
    """

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    minimum: int = 32
    fixed: int | None = None

    def fit(self, image: Tensor) -> Tensor:
        """Bring a ``(N, 3, H, W)`` image to a size that the network takes, differentiably."""
        if self.fixed:
            return F.interpolate(image, (self.fixed, self.fixed), mode="bilinear", antialias=True)
        short_y, short_x = (max(0, self.minimum - side) for side in image.shape[2:])
        if short_y or short_x:
            padding = (short_x // 2, short_x - short_x // 2, short_y // 2, short_y - short_y // 2)
            return F.pad(image, padding, mode="replicate")
        return image

    def fitted_size(self, height: int, width: int) -> tuple[int, int]:
        """The size in pixels that `fit` gives an image of this size."""
        if self.fixed:
            return self.fixed, self.fixed
        return max(height, self.minimum), max(width, self.minimum)


@dataclass
class Outline:
    """What one forward pass does.

    Attributes:
        events: ("start" or "end", layer) in the order of execution.
        shapes: the output shape, batch and channels first, of every layer that gives a tensor (its last
            one, if it runs more than once).
        channels_last: layers that give ``(N, H, W, C)``, as Swin's do.
        clobbered: layers whose output is overwritten in place by what follows.
        passing: layers that give a tensor which is not their own: in-place functions, and blocks that end with
            another layer.
        foldable: (convolution, batch norm) pairs where the second takes the first's output as it is.
        stem: the convolution, if there is just one, that takes the network's input as it is, all colours together.
    """

    events: list[tuple[str, str]] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    channels_last: set[str] = field(default_factory=set)
    clobbered: set[str] = field(default_factory=set)
    passing: set[str] = field(default_factory=set)
    foldable: list[tuple[str, str]] = field(default_factory=list)
    stem: str | None = None


def outline(network: nn.Module, input_format: InputFormat) -> Outline:
    """Follow a small picture through the network, which is left as it was."""
    shell = _frozen_copy(network)
    found = Outline()
    outputs: dict[str, tuple[Tensor, int]] = {}
    device = next(network.parameters()).device  # perhaps "meta", where there are shapes alone
    image = torch.zeros(1, 3, *input_format.fitted_size(*OUTLINE_SIZE), device=device)
    stems: list[str] = []

    def watch(name: str, module: nn.Module) -> None:
        def before(_module: nn.Module, inputs: tuple[object, ...]) -> None:
            found.events.append(("start", name))
            if inputs and inputs[0] is image and type(module) is nn.Conv2d and module.groups == 1:
                stems.append(name)
            if isinstance(module, nn.BatchNorm2d):
                for producer, (output, _) in outputs.items():
                    if inputs[0] is output and type(shell.get_submodule(producer)) is nn.Conv2d:
                        found.foldable.append((producer, name))

        def after(_module: nn.Module, _inputs: object, output: object) -> None:
            found.events.append(("end", name))
            if isinstance(output, Tensor):
                if any(output is other for other, _ in outputs.values()):
                    found.passing.add(name)
                outputs[name] = (output, output._version)
                found.shapes[name] = tuple(output.shape)

        module.register_forward_pre_hook(before)
        module.register_forward_hook(after)

    for name, module in shell.named_modules():
        if name:
            watch(name, module)
    with torch.no_grad():
        shell(image)
    found.clobbered = {name for name, (output, version) in outputs.items() if output._version != version}
    found.stem = stems[0] if len(stems) == 1 else None
    for name, shape in found.shapes.items():
        # the picture is half as wide again as it is high: which two of the axes are, too?
        if len(shape) == 4 and shape[2] * 2 == shape[1] * 3 and shape[3] * 2 != shape[2] * 3:
            found.channels_last.add(name)
            found.shapes[name] = (shape[0], shape[3], shape[1], shape[2])
    runs = Counter(name for what, name in found.events if what == "end")
    found.foldable = [(c, b) for c, b in found.foldable if runs[c] == runs[b] == 1]
    return found


class Activations:
    """The named layers' activations for an image, in one forward pass that stops at the deepest.

    The network is left as it was: a frozen copy is made that shares its weights, in eval mode, on the
    device and at the precision of ``compute``, in channels-last memory, without the modules behind the
    deepest layer, and with batch norm folded into the convolutions before it.

    Torchvision's feature extraction would do the pruning, but only for networks that torch.fx can trace,
    and importing it costs more time than a whole dream takes; forward hooks serve every network.

    Args:
        network: any module that takes ``(N, 3, H, W)``.
        layers: names as in ``network.named_modules()``.
        input_format: how an image in [0, 1] becomes the network's input.
        compute: the device and the precision.
        plan: the network's outline, if it is known already.

    Raises:
        KeyError: a layer's name is unknown, or it gives no tensor when a picture goes through.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: Iterable[str],
        input_format: InputFormat,
        compute: Compute,
        plan: Outline | None = None,
    ) -> None:
        self.layers = tuple(dict.fromkeys(layers))
        self.input_format = input_format
        self.compute = compute
        plan = plan or outline(network, input_format)
        for layer in self.layers:
            if layer not in plan.shapes:
                raise KeyError(layer)
        shape = (1, 3, 1, 1)
        self._mean: Tensor | None = torch.tensor(input_format.mean, device=compute.device).view(shape)
        self._scale: Tensor | None = 1 / torch.tensor(input_format.std, device=compute.device).view(shape)
        self._network = _truncated(network, self.layers, plan).to(compute.device)
        if plan.stem:
            # into the weights, rather than into every pixel at every step; the mean only where nothing is
            # padded, since what is padded with is the mean
            stem: Any = self._network.get_submodule(plan.stem)
            stem.weight = nn.Parameter(stem.weight * self._scale, requires_grad=False)
            self._scale = None
            if stem.padding == (0, 0) and stem.bias is not None:
                stem.bias = nn.Parameter(stem.bias - (stem.weight * self._mean).sum((1, 2, 3)), requires_grad=False)
                self._mean = None
        _to_channels_last(self._network, compute)
        self._clobbered = plan.clobbered
        self._channels_last = plan.channels_last
        self._runs = Counter(name for what, name in plan.events if what == "end" and name in self.layers)
        self._waiting: Counter[str] = Counter()
        self._caught: dict[str, Tensor] = {}
        for layer in self.layers:
            self._network.get_submodule(layer).register_forward_hook(self._catcher(layer))

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Give ``{layer: activation}`` for an image ``(N, 3, H, W)`` in [0, 1]; gradients flow through.

        Feature maps are ``(N, C, H, W)``, tokens ``(N, L, C)``, flat layers ``(N, C)``.
        """
        self._waiting = Counter(self._runs)
        self._caught = {}
        fed = self.input_format.fit(image)
        if self._mean is not None:
            fed = fed - self._mean
        if self._scale is not None:
            fed = fed * self._scale
        with self.compute.autocast(), contextlib.suppress(_Reached):
            self._network(fed)
        caught, self._caught = self._caught, {}
        return caught

    def _catcher(self, layer: str):  # type: ignore[no-untyped-def]
        def catch(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            self._waiting[layer] -= 1
            if self._waiting[layer]:
                return
            finished = not any(self._waiting.values())
            if layer in self._channels_last:
                output = output.permute(0, 3, 1, 2)
            self._caught[layer] = output.clone() if layer in self._clobbered and not finished else output
            if finished:
                raise _Reached

        return catch


class _Reached(Exception):
    """Every layer asked for has run: the rest of the network need not."""


def _frozen_copy(network: nn.Module) -> nn.Module:
    """Copy the network's structure, in eval mode, sharing its weights, which get no gradient."""
    shared: dict[int, object] = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in network.parameters()}
    shared |= {id(b): b for b in network.buffers()}
    return copy.deepcopy(network, shared).eval()


def channel_count(shape: tuple[int, ...]) -> int:
    """The number of channels of an activation: ``(N, C, H, W)`` or ``(N, C)``, tokens ``(N, L, C)``."""
    return shape[-1] if len(shape) == 3 else shape[1]


def _truncated(network: nn.Module, layers: Iterable[str], plan: Outline) -> nn.Module:
    """Copy the network's structure, sharing its weights, up to the last of ``layers``; fold batch norms."""
    shell = _frozen_copy(network)
    last = max(index for index, (what, name) in enumerate(plan.events) if what == "end" and name in layers)
    used = {name for _, name in plan.events[: last + 1]}
    # a module that ran to its end may have used the weights of one that it never called (attention does)
    ended = {name for what, name in plan.events[: last + 1] if what == "end"}
    removed: set[str] = set()
    for name, module in list(shell.named_modules()):
        inner = {name, *(f"{name}.{child}" for child, _ in module.named_modules() if child)}
        outer = {name[:i] for i, letter in enumerate(name) if letter == "."}
        if name and not inner & used and not outer & (ended | removed):
            _replace(shell, name, nn.Identity())
            removed.add(name)
    for convolution, norm in plan.foldable:
        if {convolution, norm} <= used and convolution not in layers:
            conv: Any = shell.get_submodule(convolution)
            batch_norm: Any = shell.get_submodule(norm)
            _replace(shell, convolution, fuse_conv_bn_eval(conv, batch_norm))
            _replace(shell, norm, nn.Identity())
    return shell.requires_grad_(False)


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)


def _to_channels_last(network: nn.Module, compute: Compute) -> None:
    """Lay the convolutions out channels-last, and cast the weights that autocast would cast at every step."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            for name, weight in list(module.named_parameters(recurse=False)):
                cast = weight.to(compute.precision)
                if cast.dim() == 4:
                    cast = cast.contiguous(memory_format=torch.channels_last)
                setattr(module, name, nn.Parameter(cast, requires_grad=False))


def channel(activation: Tensor, index: int) -> Tensor:
    """One channel of an activation: ``(N, H, W)``, ``(N, L)`` of tokens, or ``(N,)`` of a flat layer."""
    return activation[..., index] if activation.dim() == 3 else activation[:, index]


Captured = Mapping[str, Tensor]
