"""What every art form has in common: the way in from pixels, and the way out to them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from dreamcli.engine.activations import Activations, Captured, channel_count
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel, Guide, LayerEnergy, Neuron, Objective, rms
from dreamcli.engine.octaves import resize
from dreamcli.engine.parameterization import blurred
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Pixels
from dreamcli.networks.spec import LayerSpec
from dreamcli.networks.zoo import Network

SOFT_EDGE = 0.01  # of a mask: the standard deviation of its blur, as a share of the picture's shorter side
GUIDE_SIZE = 224  # pixels, of the longer side of a guide: each of its places is compared with each of the picture's


@dataclass(frozen=True)
class Step:
    """How far a picture is: ``step`` of ``steps`` in ``octave`` of ``octaves``, all counted from 1.

    Attributes:
        value: the objective before this step.
        share: of the whole work that is done, in (0, 1].
        picture: gives the picture as it is now, ``(height, width, 3)`` uint8 in the octave's size; of several that
            are made together, the first. Rendered when it is called for, so while the step is being reported.
    """

    step: int
    steps: int
    octave: int
    octaves: int
    value: float
    share: float
    picture: Callable[[], Pixels]


OnStep = Callable[[Step], None]


@dataclass(frozen=True)
class Inputs:
    """What an artwork is made from, beside a network.

    Attributes:
        start: the picture to start from, ``(height, width, 3)`` uint8; None for noise.
        others: pictures that play a part of their own, by role. "guide": its features are climbed towards;
            "mask": bright where the start may change; "style-1" and so on: painted in the manner of.
        judge: a network that has no part in the making, but is asked what it sees.
        alpha: the start's opacity, ``(height, width)`` uint8; None if it is opaque everywhere.
        cache: what was found out about ``others`` and will serve the next picture, too.
    """

    start: Pixels | None = None
    others: Mapping[str, Pixels] = field(default_factory=dict)
    judge: Network | None = None
    alpha: Pixels | None = None
    cache: dict[Any, Any] = field(default_factory=dict)

    @property
    def guide(self) -> Pixels | None:
        """The picture whose features are climbed towards."""
        return self.others.get("guide")

    @property
    def mask(self) -> Pixels | None:
        """The picture that is bright where the start may change."""
        return self.others.get("mask")

    def mask_tensor(self, size: tuple[int, int], device: torch.device) -> Tensor:
        """The mask's brightness at this (height, width), with soft edges: ``(1, 1, height, width)`` in [0, 1]."""
        assert self.mask is not None
        brightness = to_tensor(self.mask, device).mean(1, keepdim=True)
        return blurred(resize(brightness, size).clamp(0, 1), SOFT_EDGE * min(size))


@dataclass(frozen=True)
class Artwork:
    """A picture that was made.

    Attributes:
        pixels: ``(height, width, 3)`` uint8.
        score: the objective before and after, in the last octave that was climbed.
        stopped: "done", "interrupted" or "non-finite"; the pixels are what was reached by then.
        rank: how good it is beside others of the same wish.
    """

    pixels: Pixels
    score: dict[str, float] = field(default_factory=dict)
    stopped: str = "done"
    rank: float = 0.0


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """Turn ``(H, W, 3)`` uint8 into ``(1, 3, H, W)`` float32 in [0, 1], channels-last."""
    tensor = torch.tensor(pixels, device=device)
    return tensor.permute(2, 0, 1).unsqueeze(0).float().div_(255)


def to_pixels(image: Tensor) -> Pixels:
    """Turn ``(1, 3, H, W)`` in [0, 1] (clipped) into ``(H, W, 3)`` uint8, rounded."""
    levels = image.detach()[0].clamp(0, 1).mul_(255).round_().to(torch.uint8)
    return levels.permute(1, 2, 0).cpu().contiguous().numpy()


def scaled_size(height: int, width: int, longest: int | None) -> tuple[int, int]:
    """The size with ``longest`` pixels on the longer side, and the proportions kept; None changes nothing."""
    if longest is None:
        return height, width
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def scaled_tensor(pixels: Pixels, longest: int | None, device: torch.device) -> Tensor:
    """As `to_tensor`, with the size that `scaled_size` gives; ``(1, 3, height, width)`` in [0, 1]."""
    size = scaled_size(pixels.shape[0], pixels.shape[1], longest)
    return resize(to_tensor(pixels, device), size).clamp(0, 1)


def value_of(objective: Objective, activations: Activations, image: Tensor) -> float:
    """An objective's value for an image ``(1, 3, H, W)`` in [0, 1]."""
    with torch.no_grad():
        return float(objective(activations(image), image))


def in_octave(
    on_step: OnStep | None, steps: int, octave: int, sizes: list[tuple[int, int]], render: Callable[[], Tensor]
) -> Callable[[int, float], None] | None:
    """Turn an ascent's reports into the whole picture's: work is counted in pixels; ``render`` gives the image."""
    if on_step is None:
        return None
    areas = [height * width for height, width in sizes]

    def picture() -> Pixels:
        with torch.no_grad():
            return to_pixels(render())

    def report(step: int, value: float) -> None:
        share = (sum(areas[: octave - 1]) + areas[octave - 1] * step / steps) / sum(areas)
        on_step(Step(step, steps, octave, len(sizes), value, share, picture))

    return report


def shared_progress(on_step: OnStep | None, run: int, runs: int) -> OnStep | None:
    """Turn the reports of one of several equal runs, counted from 0, into those of the whole."""
    if on_step is None:
        return None
    return lambda step: on_step(replace(step, share=(run + step.share) / runs))


def objective_for(
    specs: tuple[LayerSpec, ...], network: Network, inputs: Inputs, seen: Captured, compute: Compute
) -> Objective:
    """Turn layer specs into what to climb: the layers, channels and neurons, or a guide's features in the layers.

    Args:
        specs: with their weights; with a guide, whole layers.
        network: to find them in.
        inputs: for a guide.
        seen: the layers' activations for the full-sized picture: a neuron's position is on its feature
            map there, and channels and neurons are measured by the layer's RMS there.
        compute: on what device the guide is looked at.

    Raises:
        WrongRequest: a layer is unknown, or a channel or position out of range.
    """
    if inputs.guide is None:
        terms = [_term(spec, network, seen) for spec in specs]
    else:
        terms = _guide_terms(specs, network, inputs.guide, compute)
    return reduce(operator.add, (spec.weight * term for spec, term in zip(specs, terms, strict=True)))


def _guide_terms(specs: tuple[LayerSpec, ...], network: Network, guide: Pixels, compute: Compute) -> list[Objective]:
    layers = [find_layer(spec, network) for spec in specs]
    with torch.inference_mode():
        seen = network.activations(layers, compute)(scaled_tensor(guide, GUIDE_SIZE, compute.device))
    return [Guide.of(layer, seen[layer]) for layer in layers]


def find_layer(spec: LayerSpec, network: Network) -> str:
    """Give the name of the layer that a spec means.

    Raises:
        WrongRequest: there is no such layer, or it has no such channel.
    """
    layer = network.layer(spec.layer)
    count = channel_count(network.plan.shapes[layer])
    if spec.channel is not None and spec.channel >= count:
        raise WrongRequest(
            f"layer {layer} of {network.card.name} has channels 0 to {count - 1}; there is no {spec.channel}"
        )
    return layer


def _term(spec: LayerSpec, network: Network, seen: Captured) -> Objective:
    layer = find_layer(spec, network)
    if spec.channel is None:
        return LayerEnergy(layer)
    scale = rms(seen[layer])
    if spec.position is None:
        return Channel(layer, spec.channel, scale)
    if seen[layer].dim() != 4:
        raise WrongRequest(f"layer {layer} of {network.card.name} has no rows and columns: leave out the @Y,X")
    rows, columns = seen[layer].shape[2:]
    row, column = spec.position
    if row >= rows or column >= columns:
        raise WrongRequest(
            f"layer {layer} has {rows} rows and {columns} columns for a picture of this size; "
            f"there is no neuron at @{row},{column}"
        )
    return Neuron(layer, spec.channel, (row + 0.5) / rows, (column + 0.5) / columns, scale)
