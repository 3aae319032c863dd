"""Somebody else's network, used as ours are: fed with pictures in color, and answering with one tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from dreamcli.engine.activations import InputFormat, replace_module
from dreamcli.engine.trace import TRACE_SIZE, Trace, TraceError, tensors_in, trace
from dreamcli.errors import DreamcliError, WrongRequest

from .layers import DEFAULT_SIZE, traced

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, as in Pillow's "L" and torchvision's Grayscale
LOGITS = ("logits", "out")  # what others call the answer among several outputs


def unwrapped(module: nn.Module) -> nn.Module:
    """The module in wrappers of torch's own: ``torch.compile``, ``DataParallel``, ``AveragedModel`` and the like."""
    while type(module).__module__.startswith("torch.") and not isinstance(module, torch.jit.ScriptModule):
        inner = dict(module.named_children())
        if len(inner) != 1 or not inner.keys() <= {"_orig_mod", "module"}:
            break
        (module,) = inner.values()
    return module


def original(module: nn.Module, name: str) -> nn.Module:
    """The module without torch's own wrappers, also around its parts. It is changed in place.

    Raises:
        WrongRequest: it is scripted or traced, or a part of it is.
    """
    module = unwrapped(module)
    if isinstance(module, torch.jit.ScriptModule):
        raise WrongRequest(f"{name} is TorchScript, which can't be taken apart; use the module that it was made from")
    for child, part in list(module.named_children()):
        inner = original(part, f"{child} of {name}")
        if inner is not part:
            replace_module(module, child, inner)
    return module


def traced_as_ours(module: nn.Module, name: str, input_format: InputFormat) -> tuple[Trace, InputFormat]:
    """Make a network take pictures in color and return one tensor; return its trace, and the format of its input.

    A network that takes one channel is shown the brightness from then on, and gets the attribute ``is_grey``.

    Args:
        module: gets hooks, which its copies share.
        name: for errors.

    Raises:
        DreamcliError: a picture doesn't go through the network.
    """
    size = input_format.fitted_size(*TRACE_SIZE)
    module.register_forward_hook(_one_tensor)
    try:
        return traced(module, size), input_format
    except DreamcliError as in_color:
        error = in_color
    if _takes_brightness(module, size):
        vars(module)["is_grey"] = True
        input_format = _in_gray(input_format)
        try:
            return traced(module, size), input_format
        except DreamcliError as in_gray:
            error = in_gray
    if _is_about_size(module, input_format, size):
        raise DreamcliError(f"{error}; if {name} takes pictures of one size only, set its image_size") from error
    raise error


def _one_tensor(_module: nn.Module, _inputs: object, output: object) -> object:
    """The forward hook: among several outputs, the one that is called the logits, otherwise the first tensor."""
    for name in LOGITS:
        named = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(named, Tensor):
            return named
    return next(tensors_in(output), output)


def _takes_brightness(module: nn.Module, size: tuple[int, int]) -> bool:
    """Show a network the brightness if it gets further with it than with colors; return whether it does."""
    in_color = _passed(module, size)
    hook = module.register_forward_pre_hook(_brightness)
    if _passed(module, size) > in_color:
        return True
    hook.remove()
    return False


def _passed(module: nn.Module, size: tuple[int, int]) -> float:
    """The number of layers that a picture goes through; infinite if it goes through them all."""
    try:
        trace(module, size)
    except TraceError as error:
        return error.passed
    return math.inf


def _brightness(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The hook before the forward pass: a picture's brightness, ``(N, 1, H, W)``, in place of its colors.

    Its gradient is the same for red, green and blue. With the luma's own shares, whatever is drawn would be green.
    """
    image, *others = inputs
    if image.shape[1] == 1:
        return inputs
    luma = torch.stack([share * image[:, color] for color, share in enumerate(LUMA)], 1).sum(1, keepdim=True)
    mean = image.mean(1, keepdim=True)
    return luma.detach() + (mean - mean.detach()), *others


def _in_gray(input_format: InputFormat) -> InputFormat:
    """The same format for the brightness: one mean and one standard deviation for all colors."""
    mean, std = (
        sum(share * value for share, value in zip(LUMA, values, strict=True))
        for values in (input_format.mean, input_format.std)
    )
    return replace(input_format, mean=(mean,) * 3, std=(std,) * 3)


def _is_about_size(module: nn.Module, input_format: InputFormat, size: tuple[int, int]) -> bool:
    """Whether what keeps a picture out is its size: then there is another reason at another size."""
    if input_format.fixed:
        return False
    reason, other = (_reason(module, each) for each in (size, (DEFAULT_SIZE, DEFAULT_SIZE)))
    return reason != other and "channels" not in reason


def _reason(module: nn.Module, size: tuple[int, int]) -> str:
    try:
        trace(module, size)
    except TraceError as error:
        return error.reason
    return ""
