"""DeepDream: boost whatever a layer already sees in a picture, and feed the result back.

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamcli.errors import check
from dreamcli.networks.spec import LayerSpec

if TYPE_CHECKING:
    # torch takes seconds to import, and the command line reads the defaults below for --help
    from dreamcli.engine.compute import Compute
    from dreamcli.engine.parameterization import Parameterization
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep

# the mean change of a pixel at each step, at strength 1, from black (0) to white (1)
STEP_AT_FULL_STRENGTH = 6 / 255
# the shorter side of the smallest octave, in pixels: below, there is nothing left to recognise
SMALLEST_OCTAVE = 64
SIZE_FROM_NOISE = 512  # pixels
NOISE_CONTRAST = 0.5  # as a share of a photograph's


@dataclass(frozen=True)
class DreamSettings:
    """How to dream.

    Attributes:
        layers: what to boost; several add up by their weights.
        minimize: fade what the layers see, instead.
        size: pixels on the longer side of the result; None keeps the input's own.
        steps: gradient steps in each octave.
        octaves: how many sizes, each ``octave_scale`` times the one before, up to the full size.
        octave_scale: more than 1.
        strength: from 0 (nothing) to 1: how far each step goes, the same on every layer and network.
        color: from 0 to 1: how far colours may go, beside brightness; 1 follows the network, 0 keeps
            them. Not used for a neuron at a position.
        jitter: pixels that the picture is shifted by at random before each step, at most. Not used for
            a neuron at a position, from under which it would shift the picture away.
        seed: of the randomness.
    """

    layers: tuple[LayerSpec, ...] = (LayerSpec("mid"),)
    minimize: bool = False
    size: int | None = None
    steps: int = 12
    octaves: int = 6
    octave_scale: float = 1.3
    strength: float = 0.5
    color: float = 0.5
    jitter: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise WrongRequest for a setting out of its range."""
        check(len(self.layers) > 0, "layers must name one layer at least")
        check(self.size is None or 1 <= self.size <= 100_000, f"size must be from 1 to 100000, not {self.size}")
        check(self.steps >= 1, f"steps must be at least 1, not {self.steps}")
        check(1 <= self.octaves <= 100, f"octaves must be from 1 to 100, not {self.octaves}")
        check(1 < self.octave_scale < math.inf, f"octave scale must be more than 1, not {self.octave_scale:g}")
        check(0 <= self.strength <= 1, f"strength must be from 0 to 1, not {self.strength:g}")
        check(0 <= self.color <= 1, f"color must be from 0 to 1, not {self.color:g}")
        check(self.jitter >= 0, f"jitter must be at least 0, not {self.jitter}")
        check(0 <= self.seed < 2**63, f"seed must be from 0 to 2**63 - 1, not {self.seed}")


def dream(
    settings: DreamSettings, network: Network, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Dream on a photograph, or on noise.

    The octaves run from small to large. What is carried up from one to the next is the dreamed detail
    alone, enlarged and added to the sharp original, so the photograph stays sharp.

    Args:
        settings: how.
        network: who dreams.
        inputs: the photograph, a guide and a mask, as far as they are wanted.
        compute: on what device, at what precision.
        on_step: called after every step.

    Returns:
        the one picture.

    Raises:
        WrongRequest: a layer is unknown, or a channel or neuron out of range.
    """
    import torch

    from dreamcli.engine.ascent import Adam, NormalisedGradient, Rule, ascend
    from dreamcli.engine.natural import noise
    from dreamcli.engine.octaves import octave_sizes, resize
    from dreamcli.engine.parameterization import Masked, Pixels
    from dreamcli.engine.transforms import Jitter

    from .artwork import (
        Artwork,
        find_layer,
        guide_objective,
        in_octave,
        objective_for,
        scaled_size,
        to_pixels,
        to_tensor,
    )
    from .memory import activations_for

    generator = torch.Generator().manual_seed(settings.seed)
    if inputs.start is None:
        height = width = settings.size or SIZE_FROM_NOISE
        original = noise(1, height, width, NOISE_CONTRAST, generator).to(compute.device)
    else:
        height, width = scaled_size(inputs.start.shape[0], inputs.start.shape[1], settings.size)
        original = resize(to_tensor(inputs.start, compute.device), (height, width)).clamp(0, 1)
    layers = [find_layer(spec, network) for spec in settings.layers]
    activations = activations_for(network, layers, compute, (height, width))
    with torch.inference_mode():
        seen = activations(original)
        objective = (
            objective_for(settings.layers, network, seen)
            if inputs.guide is None
            else guide_objective(settings.layers, network, inputs.guide, compute)
        )
        if settings.minimize:
            objective = -objective
        before = float(objective(seen, original))
        del seen  # large
    placed = any(spec.position for spec in settings.layers)
    transforms = [] if placed else [Jitter(settings.jitter)]
    step = settings.strength * STEP_AT_FULL_STRENGTH
    # a single neuron's gradient is so spiky that following it as it is kills the neuron at the first step;
    # Adam moves every pixel by about the same
    rule: Rule = Adam(step) if placed else NormalisedGradient(step, settings.color)
    mask = None if inputs.mask is None else inputs.mask_tensor((height, width), compute.device)
    if mask is not None and isinstance(rule, NormalisedGradient):
        rule.size *= float(mask.mean())  # the mean is over all pixels, also those that stay
    sizes = octave_sizes(height, width, settings.octaves, settings.octave_scale, SMALLEST_OCTAVE)
    detail = torch.zeros_like(original[:, :, :1, :1])
    stopped = "done"
    for octave, size in enumerate(sizes, 1):
        base = resize(original, size).clamp(0, 1)
        image = Pixels((base + resize(detail, size)).clamp(0, 1))
        seen_image: Parameterization = image
        if mask is not None:
            seen_image = Masked(image, base, inputs.mask_tensor(size, compute.device))
        ascent = ascend(
            seen_image,
            objective,
            activations,
            steps=settings.steps,
            rule=rule,
            transforms=transforms,
            generator=generator,
            on_step=in_octave(on_step, settings.steps, octave, sizes),
        )
        detail = image.render().detach() - base
        if ascent.stopped != "done":
            stopped = ascent.stopped
            break
    detail = resize(detail, (height, width))
    result = to_pixels(original + (detail if mask is None else detail * mask))
    del original, base, detail, image, seen_image  # large, too
    with torch.inference_mode():
        final = to_tensor(result, compute.device)
        after = float(objective(activations(final), final))
    return [Artwork(result, {"before": before, "after": after}, stopped)]
