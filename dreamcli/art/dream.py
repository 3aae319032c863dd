"""DeepDream: boost whatever a layer already sees in a picture, and feed the result back.

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dreamcli.engine.ascent import Adam, NormalizedGradient, Optimizer
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import noise
from dreamcli.engine.octaves import over_white
from dreamcli.engine.parameterization import Pixels
from dreamcli.engine.transforms import Jitter
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.dream import DreamSettings

from .artwork import Artwork, Inputs, OnStep, value_of
from .layer_objectives import objective_for
from .memory_plan import activations_for
from .octaves import DetailCanvas, climb_octaves
from .pixels import scaled_picture, to_pixels, to_tensor

# the mean change of a pixel in each step, at strength 1, from black (0) to white (1)
STEP_AT_FULL_STRENGTH = 6 / 255
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
    alpha = inputs.alpha_tensor((start.shape[2], start.shape[3]), compute.device)
    shown = over_white(start, alpha)
    layers = [layer for spec in settings.layers for layer in ensemble.find(spec)]
    activations = activations_for(layers, compute, (start.shape[2], start.shape[3]))
    with torch.inference_mode():
        seen = activations(shown)
        objective = objective_for(settings.layers, ensemble, inputs, seen, compute)
        if settings.minimize:
            objective = -objective
        before = float(objective(seen, shown))
        del seen  # large
    has_neuron = any(spec.position for spec in settings.layers)
    canvas = DetailCanvas(start, Pixels, inputs)
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
    after = value_of(objective, activations, over_white(to_tensor(result, compute.device), alpha))
    return [Artwork(result, {"before": before, "after": after}, climbed.stopped)]


def _start(settings: DreamSettings, inputs: Inputs, generator: torch.Generator, compute: Compute) -> Tensor:
    start = inputs.painted or inputs.start
    if start is not None:
        return scaled_picture(start, settings.size, compute.device)
    side = settings.side(None)
    return noise(1, side, side, NOISE_CONTRAST, generator).to(compute.device)


def _optimizer(
    settings: DreamSettings, inputs: Inputs, size: tuple[int, int], compute: Compute, has_neuron: bool
) -> Optimizer:
    step = settings.strength * STEP_AT_FULL_STRENGTH
    if has_neuron:
        # a single neuron's gradient is so spiky that following it directly kills the neuron at the first step;
        # Adam moves every pixel by about the same amount
        return Adam(step)
    # the step is the mean over all pixels, masked and transparent ones included
    for mask in (inputs.mask_tensor(size, compute.device), inputs.alpha_tensor(size, compute.device)):
        if mask is not None:
            step *= float(mask.mean())
    return NormalizedGradient(step, settings.color)
