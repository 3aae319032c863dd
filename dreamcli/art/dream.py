"""DeepDream: boost whatever a layer already sees in a picture, and feed the result back.

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from dreamcli.engine.ascent import Adam, NormalizedGradient, Optimizer
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import noise
from dreamcli.engine.octaves import over_white, resize
from dreamcli.engine.parameterization import Pixels, Pyramid
from dreamcli.engine.transforms import Jitter
from dreamcli.networks.ensemble import Ensemble, NetworkLayer
from dreamcli.settings.dream import PYRAMID_POWER, DreamSettings

from .artwork import Artwork, Inputs, OnStep, value_of
from .layer_objectives import objective_for
from .memory_plan import activations_for
from .octaves import DetailCanvas, climb_octaves, schedule
from .pixels import scaled_picture, to_pixels, to_tensor

# per step at strength 1: the mean change of a pixel, from black (0) to white (1), and that of a pyramid's leaves, of
# which the first step is as large, and later ones are smaller
STEP_AT_FULL_STRENGTH, PYRAMID_STEP = 6 / 255, 0.11
KEPT_LIGHT = 0.9  # of the photograph's, in a pyramid
# the smallest size of a pyramid that counts in full, in pixels on the longer side: at least the first, and the second
# for each place of the layers
COARSEST, PER_PLACE = 24, 2.0
PYRAMID_COLOR = 2.0  # relative to brightness, for colors that may drift freely
NOISE_CONTRAST = 0.5  # as a share of a photograph's


def dream(
    settings: DreamSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Dream on a photograph, or on noise.

    Args:
        settings: how to dream.
        ensemble: the networks to dream with.
        inputs: the photograph, and optionally a guide and a mask.
        compute: the device and precision.
        on_step: called after every step.

    Raises:
        WrongRequest: a layer is unknown, or a channel or neuron is out of range.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    start = _start(settings, inputs, generator, compute)
    size = (start.shape[2], start.shape[3])
    alpha = inputs.alpha_tensor(size, compute.device)
    has_neuron = any(spec.position for spec in settings.layers)
    as_pyramid = settings.parameterization == "pyramid" and not has_neuron
    # a neuron's position refers to its map of the whole picture
    largest = size if has_neuron else schedule(size, settings)[-1][0]

    def shown(image: Tensor) -> Tensor:
        return resize(over_white(image, alpha), largest).clamp(0, 1)

    layers = [layer for spec in settings.layers for layer in ensemble.find(spec)]
    activations = activations_for(layers, compute, largest)
    with torch.inference_mode():
        at_first = shown(start)
        seen = activations(at_first)
        objective = objective_for(settings.layers, ensemble, inputs, seen, compute, stands_out=as_pyramid)
        if settings.minimize:
            objective = -objective
        before = float(objective(seen, at_first))
        del seen  # large
    canvas = DetailCanvas(start, partial(_pyramid, settings, layers) if as_pyramid else Pixels, inputs)
    climbed = climb_octaves(
        canvas,
        lambda _octave: objective,
        activations,
        settings,
        optimizer=_optimizer(settings, inputs, canvas.size, compute, has_neuron),
        transforms=lambda _size: [] if has_neuron else [Jitter(settings.jitter)],
        generator=generator,
        on_step=on_step,
    )
    result = to_pixels(canvas.finished())
    after = value_of(objective, activations, shown(to_tensor(result, compute.device)))
    return [Artwork(result, {"before": before, "after": after}, climbed.stopped)]


def _start(settings: DreamSettings, inputs: Inputs, generator: torch.Generator, compute: Compute) -> Tensor:
    start = inputs.painted or inputs.start
    if start is not None:
        return scaled_picture(start, settings.size, compute.device)
    side = settings.side(None)
    return noise(1, side, side, NOISE_CONTRAST, generator).to(compute.device)


def _pyramid(settings: DreamSettings, layers: Sequence[NetworkLayer], image: Tensor) -> Pyramid:
    """What to climb from an image: shapes no larger than the layers see."""
    strides = [layer.stride for layer in layers if len(layer.shape) == 4]
    coarsest = max(COARSEST, PER_PLACE * max(image.shape[2:]) / max(strides)) if strides else COARSEST
    return Pyramid(image, PYRAMID_COLOR * settings.color, KEPT_LIGHT, coarsest)


def _optimizer(
    settings: DreamSettings, inputs: Inputs, size: tuple[int, int], compute: Compute, has_neuron: bool
) -> Optimizer:
    is_pyramid = settings.parameterization == "pyramid"
    step = settings.strength * STEP_AT_FULL_STRENGTH
    if has_neuron:
        # a single neuron's gradient is so spiky that following it directly kills the neuron at the first step;
        # Adam moves every pixel by about the same amount
        return Adam(step)
    if is_pyramid:
        step = settings.strength**PYRAMID_POWER * PYRAMID_STEP
    # the step is the mean over all pixels, masked and transparent ones included
    for mask in (inputs.mask_tensor(size, compute.device), inputs.alpha_tensor(size, compute.device)):
        if mask is not None:
            step *= float(mask.mean())
    if is_pyramid:
        return NormalizedGradient(step, steps=sum(steps for _, steps in schedule(size, settings)))
    return NormalizedGradient(step, settings.color)
