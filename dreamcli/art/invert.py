"""Inversion: draw from noise what a layer remembers of a photograph.

Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", 2015 (arXiv:1412.0035).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dreamcli.engine.ascent import Adam
from dreamcli.engine.compute import Compute
from dreamcli.engine.natural import noise
from dreamcli.engine.objectives import Objective, TotalVariation, WeightedSum
from dreamcli.engine.octaves import over_white, resize
from dreamcli.engine.parameterization import Fourier
from dreamcli.engine.style import ContentDistance
from dreamcli.engine.transforms import Jitter
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.invert import InvertSettings

from .artwork import Artwork, Inputs, OnStep, value_of
from .memory_plan import activations_for
from .octaves import DetailCanvas, Size, climb_octaves
from .pixels import scaled_tensor, to_pixels

START_CONTRAST = 0.1  # of the initial noise, as a share of a photograph's
RATE = 0.1  # Adam's learning rate at strength 1


def invert(
    settings: InvertSettings, ensemble: Ensemble, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Draw from noise what the layers see in a photograph.

    Args:
        settings, ensemble, compute, on_step: see `dream`.
        inputs: the photograph.

    Raises:
        WrongRequest: a layer is unknown.
    """
    return redraw(settings, ensemble, inputs, compute, on_step, lambda layer, seen: -ContentDistance(layer, seen))


def redraw(
    settings: InvertSettings,
    ensemble: Ensemble,
    inputs: Inputs,
    compute: Compute,
    on_step: OnStep | None,
    compare: Callable[[str, Tensor], Objective],
    color: float = 1.0,
) -> list[Artwork]:
    """Draw from noise, climbing what ``compare`` returns for each layer and the photograph's activation in it.

    ``color`` is how far colors may drift, from 0 to 1.
    """
    assert inputs.start is not None  # the command requires an IMAGE
    photo = scaled_tensor(inputs.start.on_white, settings.size, compute.device)
    height, width = photo.shape[2:]
    alpha = inputs.alpha_tensor((height, width), compute.device)
    terms = [(spec.weight * layer.weight, layer) for spec in settings.layers for layer in ensemble.find(spec)]
    activations = activations_for([layer for _, layer in terms], compute, (height, width))

    def objective(size: Size) -> Objective:
        with torch.no_grad():
            seen = activations(resize(photo, size).clamp(0, 1))
        compared = [(weight, compare(layer.key, seen[layer.key])) for weight, layer in terms]
        return WeightedSum((*compared, (-settings.tv, TotalVariation())))

    generator = torch.Generator().manual_seed(settings.seed)
    start = noise(1, height, width, START_CONTRAST, generator).to(compute.device)
    canvas = DetailCanvas(start, lambda image: Fourier(image, color), inputs)
    climbed = climb_octaves(
        canvas,
        lambda octave: objective(octave.size),
        activations,
        settings,
        optimizer=Adam(settings.strength * RATE),
        transforms=lambda _size: [Jitter(settings.jitter)],
        generator=generator,
        on_step=on_step,
    )
    image = canvas.finished().clamp(0, 1)
    whole = objective((height, width))
    ends = {"before": start, "after": image}
    score = {name: value_of(whole, activations, over_white(one, alpha)) for name, one in ends.items()}
    return [Artwork(to_pixels(image), score, climbed.stopped)]
