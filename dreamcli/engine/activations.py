"""A frozen, truncated network that returns the activations of named layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from . import trace as tracing
from .compute import Compute
from .mps import layout
from .trace import TRACE_SIZE, Trace

Captured = Mapping[str, Tensor]  # {layer: activation}


@dataclass(frozen=True)
class InputFormat:
    """The images that a network expects.

    Attributes:
        mean, std: of each color channel, for images in [0, 1]; see `normalize`.
        minimum: in pixels; smaller sides are padded by repeating the border.
        fixed: in pixels; the side of the only square that a network takes; None if it takes any size.
    """

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    minimum: int = 32
    fixed: int | None = None

    def normalize(self, image: Tensor) -> Tensor:
        """Subtract the mean from an image ``(N, 3, H, W)`` in [0, 1], and divide by the standard deviation."""
        mean, std = (image.new_tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return (image - mean) / std

    def fit(self, image: Tensor) -> Tensor:
        """Resize or pad an image ``(N, 3, H, W)`` to a size that the network takes; gradients flow through."""
        if self.fixed:
            return F.interpolate(image, (self.fixed, self.fixed), mode="bilinear", antialias=True)
        short_y, short_x = (max(0, self.minimum - side) for side in image.shape[2:])
        if short_y or short_x:
            padding = (short_x // 2, short_x - short_x // 2, short_y // 2, short_y - short_y // 2)
            return F.pad(image, padding, mode="replicate")
        return image

    def fitted_size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) in pixels that `fit` gives an image of this size."""
        if self.fixed:
            return self.fixed, self.fixed
        return max(height, self.minimum), max(width, self.minimum)


class Activations:
    """The activations of named layers for an image, in one forward pass that stops at the deepest of them.

    The network itself isn't changed. What runs is a frozen copy that shares its weights: in eval mode, on the device
    and at the precision of ``compute``, in the device's `layout`, without the modules after the deepest layer, and with
    every batch norm folded into the convolution before it.

    Torchvision's feature extraction could do the pruning, but only for networks that torch.fx can trace, and
    importing it takes longer than a whole dream; forward hooks work for every network.

    Args:
        network: any module that takes ``(N, 3, H, W)``.
        layers: names as in ``network.named_modules()``.
        trace: the network's trace, if there is one already.

    Raises:
        KeyError: a layer's name is unknown, or the layer returned no tensor in the trace.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: Iterable[str],
        input_format: InputFormat,
        compute: Compute,
        trace: Trace | None = None,
    ) -> None:
        self.layers = tuple(dict.fromkeys(layers))
        self.input_format = input_format
        self.compute = compute
        trace = trace or tracing.trace(network, input_format.fitted_size(*TRACE_SIZE))
        for layer in self.layers:
            if layer not in trace.shapes:
                raise KeyError(layer)
        self._network = _truncated(network, self.layers, trace).to(compute.device)
        self._mean: Tensor | None = torch.tensor(input_format.mean, device=compute.device).view(1, 3, 1, 1)
        self._scale: Tensor | None = 1 / torch.tensor(input_format.std, device=compute.device).view(1, 3, 1, 1)
        if trace.stem:
            self._fold_input_format(trace.stem)
        _lay_out(self._network, compute)
        self._is_planar = layout(compute.device) == torch.contiguous_format
        self._capture = _Capture(self.layers, trace)
        for layer in self.layers:
            self._network.get_submodule(layer).register_forward_hook(partial(self._capture.hook, layer))

    def _fold_input_format(self, stem: str) -> None:
        """Move the normalization from every pixel of every step into the weights of the first convolution."""
        convolution: Any = self._network.get_submodule(stem)
        convolution.weight = nn.Parameter(convolution.weight * self._scale, requires_grad=False)
        self._scale = None
        # the mean only if nothing is padded: padding stands for the mean
        if convolution.padding == (0, 0) and convolution.bias is not None:
            shift = (convolution.weight * self._mean).sum((1, 2, 3))
            convolution.bias = nn.Parameter(convolution.bias - shift, requires_grad=False)
            self._mean = None

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return ``{layer: activation}`` for an image ``(N, 3, H, W)`` in [0, 1]; gradients flow through.

        Feature maps are ``(N, C, H, W)``, tokens ``(N, L, C)``, flat layers ``(N, C)``.
        """
        self._capture.begin()
        fed = self.input_format.fit(image)
        if self._mean is not None:
            fed = fed - self._mean
        if self._scale is not None:
            fed = fed * self._scale
        if self._is_planar:
            fed = fed.contiguous()
        with self.compute.autocast(), suppress(_Complete):
            self._network(fed)
        return self._capture.taken()


class _Capture:
    """The outputs of layers during one forward pass.

    The network's hooks refer to it, so it must not refer to the network: a cycle's memory would be freed late.
    """

    def __init__(self, layers: tuple[str, ...], trace: Trace) -> None:
        self._clobbered, self._channels_last = trace.clobbered, trace.channels_last
        self._runs = Counter(name for what, name in trace.events if what == "end" and name in layers)
        self._pending: Counter[str] = Counter()
        self._outputs: dict[str, Tensor] = {}

    def begin(self) -> None:
        """Prepare for a forward pass."""
        self._pending = Counter(self._runs)
        self._outputs = {}

    def taken(self) -> dict[str, Tensor]:
        """Return what was captured, and let go of it."""
        outputs, self._outputs = self._outputs, {}
        return outputs

    def hook(self, layer: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        """The forward hook: keep the output of the layer's last run, and stop once all layers have run."""
        self._pending[layer] -= 1
        if self._pending[layer]:
            return
        complete = not any(self._pending.values())
        if layer in self._channels_last:
            output = output.permute(0, 3, 1, 2)
        self._outputs[layer] = output.clone() if layer in self._clobbered and not complete else output
        if complete:
            raise _Complete


# never run themselves, but read by their parent
_CONTAINERS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


class _Complete(Exception):
    """All the layers have run, so the rest of the network needn't."""


class _Removed(nn.Identity):
    """Takes the place of a module that isn't run, but that its parent may still read, as torch's transformers do.

    Everything in the module becomes a plain attribute, so it isn't moved to a device or laid out again.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        own = set(vars(self))
        attributes = {name: value for name, value in vars(module).items() if name not in own}
        vars(self).update(attributes | module._parameters | module._buffers | module._modules)


def _truncated(network: nn.Module, layers: Iterable[str], trace: Trace) -> nn.Module:
    """Copy the network's structure up to the last of ``layers``, sharing its weights, and fold batch norms."""
    shell = tracing.frozen_copy(network)
    events = trace.until(layers)
    used = {name for _, name in events}
    # a module that ran to its end may have used the weights of a child that it never called (attention does)
    ended = {name for what, name in events if what == "end"}
    removed: set[str] = set()
    for name, module in list(shell.named_modules()):
        inner = {name, *(f"{name}.{child}" for child, _ in module.named_modules() if child)}
        outer = {name[:i] for i, letter in enumerate(name) if letter == "."}
        if name and not isinstance(module, _CONTAINERS) and not inner & used and not outer & (ended | removed):
            replace_module(shell, name, _Removed(module))
            removed.add(name)
    for convolution, norm in trace.foldable:
        if {convolution, norm} <= used and convolution not in layers:
            conv: Any = shell.get_submodule(convolution)
            batch_norm: Any = shell.get_submodule(norm)
            replace_module(shell, convolution, fuse_conv_bn_eval(conv, batch_norm))
            replace_module(shell, norm, nn.Identity())
    return shell.requires_grad_(False)


def replace_module(network: nn.Module, name: str, module: nn.Module) -> None:
    """Put another module in place of the one with a name as in ``network.named_modules()``."""
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)


def _lay_out(network: nn.Module, compute: Compute) -> None:
    """Put weights into the device's `layout`, and cast those that autocast would otherwise cast at every step."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            for name, weight in list(module.named_parameters(recurse=False)):
                cast = weight.to(compute.precision)
                if cast.dim() == 4:
                    cast = cast.contiguous(memory_format=layout(compute.device))
                setattr(module, name, nn.Parameter(cast, requires_grad=False))


def channel(activation: Tensor, index: int) -> Tensor:
    """One channel of an activation: ``(N, H, W)``, ``(N, L)`` of tokens, or ``(N,)`` of a flat layer."""
    return activation[..., index] if activation.dim() == 3 else activation[:, index]


def channel_count(shape: tuple[int, ...]) -> int:
    """The number of channels of an activation: ``(N, C, H, W)`` or ``(N, C)``, or tokens ``(N, L, C)``."""
    return shape[-1] if len(shape) == 3 else shape[1]
