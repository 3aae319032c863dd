"""The layer table of a network, and the rules that pick layers by their depth."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from torch import nn

from dreamcli.engine.trace import Layer, Trace, TraceError, trace
from dreamcli.errors import DreamcliError
from dreamcli.settings.layer_spec import ALIASES

from .registry import find, is_own

DEFAULT_SIZE = 224  # pixels on a side: what most networks were trained for
# where layers are picked if nobody chose them by hand: the share of the weighted layers that lie before
ALIAS_DEPTHS = (0.3, 0.55, 0.8)
STYLE_DEPTHS, CONTENT_DEPTH = (0.05, 0.15, 0.3, 0.5, 0.7), 0.55


def layer_table(network: nn.Module, size: tuple[int, int], blocks: Container[str] = ()) -> list[Layer]:
    """List a network's layers in the order of execution: shapes, parameters, receptive fields, multiply-adds.

    Args:
        network: on any device, including "meta", where nothing is computed; left as it is.
        size: (height, width) of the picture, in pixels.
        blocks: outer modules that get a row of their own, after the last of their layers.

    Raises:
        DreamcliError: the picture is too small for a layer, or the network doesn't take this size.
    """
    found = traced(network, size)
    last = {name: row for row in found.layers for name in row.ends}  # a block may run several times
    rows: list[Layer] = []
    for row in found.layers:
        rows += [row, *(found.blocks[name] for name in row.ends if name in blocks and last[name] is row)]
    return rows


def aliases_of_rows(table: Sequence[Layer], aliases: Mapping[str, str]) -> list[str]:
    """For each row of a layer table, the aliases that mean it, such as ``mid, high``; usually none.

    An alias means what a layer gives in its last run, if it runs several times.
    """
    last = {row.name: number for number, row in enumerate(table)}
    return [
        ", ".join(alias for alias, layer in aliases.items() if layer == row.name and last[layer] == number)
        for number, row in enumerate(table)
    ]


def traced(network: nn.Module, size: tuple[int, int]) -> Trace:
    """Follow a picture of this (height, width) through a network.

    Raises:
        DreamcliError: as `layer_table`.
    """
    try:
        return trace(network, size)
    except TraceError as error:
        picture = f"a picture of {size[1]}x{size[0]} pixels"
        raise DreamcliError(f"{picture} doesn't fit {error.layer or 'the network'}: {error.reason}") from error


def aliases(name: str, network: nn.Module, trace: Trace) -> dict[str, str]:
    """The layers that low, mid and high stand for: those chosen by hand for this name, otherwise by depth."""
    entry = None if is_own(name) else find(name)
    chosen: Sequence[str] = (entry and entry.layers) or ()
    if not chosen or not trace.shapes.keys() >= set(chosen):
        chosen = layers_at_depths(ALIAS_DEPTHS, network, trace)
    return dict(zip(ALIASES, chosen, strict=True))


def earlier_aliases(name: str) -> dict[str, str]:
    """The same before recipe 3; empty if they are the same."""
    entry = None if is_own(name) else find(name)
    return dict(zip(ALIASES, (entry and entry.earlier_layers) or (), strict=False))


def style_layers(name: str, network: nn.Module, trace: Trace) -> tuple[tuple[str, ...], str]:
    """The layers where style is measured, and the one for content: as chosen by hand, otherwise by depth."""
    entry = None if is_own(name) else find(name)
    style, content = (entry.style_layers, entry.content_layer) if entry else ((), "")
    if not trace.shapes.keys() >= {*style, content}:
        *deep, content = layers_at_depths((*STYLE_DEPTHS, CONTENT_DEPTH), network, trace)
        style = tuple(dict.fromkeys(deep))
    return style, content


def layers_at_depths(depths: Sequence[float], network: nn.Module, trace: Trace) -> list[str]:
    """For each depth, from 0 to 1, the layer before which that share of the weighted layers lies.

    Prefers whole blocks to the convolutions inside them. Layers without rows and columns, such as the scores of the
    classes, are left out if there are others.
    """
    weighted = {name for name, module in network.named_modules() if [*module.parameters(recurse=False)]}
    total = sum(what == "end" and name in weighted for what, name in trace.events)
    passed, depth_of = 0, {}
    for what, name in trace.events:
        if what == "end":
            passed += name in weighted
            depth_of[name] = passed / max(1, total)

    def has_room(shape: tuple[int, ...]) -> bool:
        return len(shape) == 3 or (len(shape) == 4 and shape[2] > 1)

    candidates = [name for name in depth_of if has_room(trace.shapes.get(name, ()))] or list(trace.shapes)

    return [
        min(candidates, key=lambda name: abs(depth_of[name] - wanted) + 0.03 * name.count(".")) for wanted in depths
    ]


def human(number: float) -> str:
    """A large number with a unit: 1.2 M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.{2 if number < 10 * size else 1}f} {unit}"
    return f"{number:.0f}"


def parameter_total(name: str, network: nn.Module) -> int:
    """The number of a network's parameters, as torchvision counts them."""
    entry = None if is_own(name) else find(name)
    uncounted = entry.uncounted if entry else ()
    return sum(p.numel() for key, p in network.named_parameters() if not key.startswith(uncounted))


def window_text(layer: Layer) -> str:
    """The window of a convolution or a pool, such as ``3x3/2 pad 1``; empty for other layers."""
    if layer.kernel is None or layer.stride is None or layer.padding is None:
        return ""
    text = f"{layer.kernel[0]}x{layer.kernel[1]}"
    text += f"/{pair_text(layer.stride)}" if layer.stride != (1, 1) else ""
    return text + (f" pad {pair_text(layer.padding)}" if layer.padding != (0, 0) else "")


def pair_text(pair: tuple[float, float]) -> str:
    """``3``, or ``3x5`` if the two differ."""
    return f"{pair[0]:g}" if pair[0] == pair[1] else f"{pair[0]:g}x{pair[1]:g}"
