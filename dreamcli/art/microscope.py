"""What single channels respond to, what feeds them, and what they are for: the drawings of an atlas.

Olah, Mordvintsev and Schubert, "Feature Visualization", Distill, 2017; L. Schubert, M. Petrov, S. Carter, N. Cammarata,
G. Goh and C. Olah, "OpenAI Microscope", 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dreamcli.engine.activations import channel
from dreamcli.engine.compute import Compute
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.network import Network
from dreamcli.settings.microscope import DRAWINGS, TILE, MicroscopeSettings
from dreamcli.settings.visualization import BoostSettings

from .artwork import Artwork, Inputs, OnStep, part_of
from .pixels import to_tensor
from .sheet import grid
from .visualization import draw_each

FEEDS, CLASSES = 8, 5  # shown for each channel
DIGITS = 4  # of a number: more would differ from machine to machine


def show_channels(
    settings: MicroscopeSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Draw each channel: what raises it most, what lowers it most, and two different ones that raise it.

    Args:
        settings, ensemble, inputs, compute, on_step: see `dream`.

    Returns:
        a picture of four squares for each channel; its facts are "classes", ``[name, fall of its score]`` if the
        channel is silenced in its own drawing, and "feeds", ``[channel, weight]`` of the layer before.

    Raises:
        WrongRequest: a layer is unknown, a channel is out of range, or there are several networks.
    """
    network, inputs = ensemble.only, replace(inputs, start=None)
    rows: list[list[Artwork]] = [[] for _ in settings.layers]
    kinds: list[dict[str, object]] = [{}, {"minimize": True}, {"count": DRAWINGS - 2}]
    for run, changes in enumerate(kinds):
        drawn = draw_each(boosted(settings, changes), ensemble, inputs, compute, part_of(on_step, run, 3))
        for row, more in zip(rows, drawn, strict=False):
            row += more
        if len(drawn) < len(rows) or any(artwork.stopped == "interrupted" for row in drawn for artwork in row):
            return [_strip(row, settings, "interrupted") for row in rows]
    strongest = torch.cat([to_tensor(row[0].pixels, compute.device) for row in rows])
    layer = network.find(settings.layers[0])
    numbers = [spec.channel or 0 for spec in settings.layers]
    classes = classes_of(network.on(compute.device), layer, numbers, strongest)
    feeds = feeds_of(network, settings.before, layer, numbers, strongest, compute)
    return [
        _strip(row, settings, row[0].stopped, {"classes": spoken, "feeds": fed})
        for row, spoken, fed in zip(rows, classes, feeds, strict=True)
    ]


def boosted(settings: MicroscopeSettings, changes: dict[str, object]) -> BoostSettings:
    """The settings of `boost` that draw one of the squares."""
    schedule = {name: getattr(settings, name) for name in ("steps", "octaves", "octave_scale", "strength", "jitter")}
    values = {"layers": settings.layers, "size": settings.size or TILE, "seed": settings.seed, **schedule, **changes}
    return BoostSettings(**values)  # type: ignore[arg-type]


def _strip(
    row: Sequence[Artwork], settings: MicroscopeSettings, stopped: str, facts: dict[str, object] | None = None
) -> Artwork:
    """A channel's drawings side by side; those that are missing are black."""
    side = settings.size or TILE
    cells = {(0, place): artwork.pixels for place, artwork in enumerate(row)}
    pixels = grid(cells, (1, DRAWINGS), (side, side))
    return Artwork(pixels, row[0].score if row else {}, stopped, facts=facts or {})


def classes_of(
    network: Network, layer: str, channels: Sequence[int], drawings: Tensor
) -> list[list[tuple[str, float]]]:
    """The classes that each channel supports most: their scores fall most if it is silenced in its own drawing.

    Args:
        network: on the drawings' device.
        channels: of the layer.
        drawings: one for each channel, ``(N, 3, H, W)`` in [0, 1].

    Returns:
        for each channel up to five classes, with the fall of their logits, from the largest; only those that fall.
    """
    if not network.card.labels:
        return [[] for _ in channels]
    fitted = network.input_format.normalize(network.input_format.fit(drawings))
    places = torch.arange(len(channels), device=drawings.device)
    # tokens, and Swin's maps, have their channels last
    is_last = len(network.trace.shapes[layer]) == 3 or layer in network.trace.channels_last

    def silence(_module: object, _inputs: object, output: Tensor) -> Tensor:
        silenced = output.clone()
        if is_last:
            silenced[places, ..., channels] = 0
        else:
            silenced[places, channels] = 0
        return silenced

    with torch.inference_mode():
        whole = network.module(fitted).flatten(1)
        hook = network.module.get_submodule(layer).register_forward_hook(silence)
        try:
            falls = whole - network.module(fitted).flatten(1)
        finally:
            hook.remove()
    labels, found = network.card.labels, []
    for fall in falls.float():
        values, indices = fall.topk(min(CLASSES, len(labels)))
        pairs = zip(indices.tolist(), values.tolist(), strict=True)
        found.append([(labels[index], _rounded(value)) for index, value in pairs if value > 0])
    return found


def feeds_of(
    network: Network, before: str, layer: str, channels: Sequence[int], drawings: Tensor, compute: Compute
) -> list[list[tuple[int, float]]]:
    """The channels of another layer that feed each channel most in its own drawing.

    The weight is the gradient: how much the channel's mean rises if the other one rises by 1 everywhere. For a plain
    convolution, it is the sum of a kernel.

    Args:
        before: the layer that comes before; empty for none.
        layer, channels, drawings: as for `classes_of`.

    Returns:
        for each channel up to eight others with their weights, from the strongest.
    """
    if not before:
        return [[] for _ in channels]
    activations = network.activations([before, layer], compute)
    seen = activations(drawings.detach().requires_grad_())
    means = [channel(seen[layer][number : number + 1], index).mean() for number, index in enumerate(channels)]
    gradients: Sequence[Tensor | None] = torch.autograd.grad(torch.stack(means).sum(), seen[before], allow_unused=True)
    gradient = gradients[0]
    if gradient is None:  # another path leads to the layer
        return [[] for _ in channels]
    places = {4: (2, 3), 3: (1,)}.get(gradient.dim(), ())  # of maps, and of tokens
    return [_largest(row) for row in (gradient.float().sum(places) if places else gradient.float())]


def _largest(weights: Tensor) -> list[tuple[int, float]]:
    indices = weights.abs().topk(min(FEEDS, len(weights))).indices.tolist()
    return [(index, _rounded(float(weights[index]))) for index in indices if float(weights[index])]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
