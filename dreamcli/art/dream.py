"""DeepDream: boost whatever a layer already sees in a picture, and feed the result back.

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamcli.errors import check
from dreamcli.networks.spec import LayerSpec

from .schedule import check_schedule

if TYPE_CHECKING:
    # torch takes seconds to import, and the command line reads the defaults below for --help
    from torch import Tensor

    from dreamcli.engine.ascent import Rule
    from dreamcli.engine.compute import Compute
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, Inputs, OnStep

# the mean change of a pixel at each step, at strength 1, from black (0) to white (1)
STEP_AT_FULL_STRENGTH = 6 / 255
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
        check_schedule(self)


def dream(
    settings: DreamSettings, network: Network, inputs: Inputs, compute: Compute, on_step: OnStep | None = None
) -> list[Artwork]:
    """Dream on a photograph, or on noise.

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

    from dreamcli.engine.natural import noise
    from dreamcli.engine.parameterization import Pixels
    from dreamcli.engine.transforms import Jitter

    from .artwork import Artwork, find_layer, objective_for, scaled_tensor, to_pixels, to_tensor, value_of
    from .climb import climb
    from .memory import activations_for

    generator = torch.Generator().manual_seed(settings.seed)
    if inputs.start is None:
        side = settings.size or SIZE_FROM_NOISE
        original = noise(1, side, side, NOISE_CONTRAST, generator).to(compute.device)
    else:
        original = scaled_tensor(inputs.start, settings.size, compute.device)
    layers = [find_layer(spec, network) for spec in settings.layers]
    activations = activations_for(network, layers, compute, (original.shape[2], original.shape[3]))
    with torch.inference_mode():
        seen = activations(original)
        objective = objective_for(settings.layers, network, inputs, seen, compute)
        if settings.minimize:
            objective = -objective
        before = float(objective(seen, original))
        del seen  # large
    placed = any(spec.position for spec in settings.layers)
    transforms = [] if placed else [Jitter(settings.jitter)]
    image, stopped = climb(
        original,
        objective,
        activations,
        inputs,
        settings,
        parameterize=Pixels,
        rule=_rule(settings, inputs, original, placed),
        transforms=transforms,
        generator=generator,
        on_step=on_step,
    )
    result = to_pixels(image)
    after = value_of(objective, activations, to_tensor(result, compute.device))
    return [Artwork(result, {"before": before, "after": after}, stopped)]


def _rule(settings: DreamSettings, inputs: Inputs, original: Tensor, placed: bool) -> Rule:
    from dreamcli.engine.ascent import Adam, NormalisedGradient

    step = settings.strength * STEP_AT_FULL_STRENGTH
    if placed:
        # a single neuron's gradient is so spiky that following it as it is kills the neuron at the first step;
        # Adam moves every pixel by about the same
        return Adam(step)
    if inputs.mask is not None:
        mask = inputs.mask_tensor((original.shape[2], original.shape[3]), original.device)
        step *= float(mask.mean())  # the mean is over all pixels, also those that stay
    return NormalisedGradient(step, settings.color)
