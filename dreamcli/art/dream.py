"""DeepDream: boost whatever a layer already sees in a picture, and feed the result back.

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dreamcli.errors import check
from dreamcli.networks.spec import LayerSpec

if TYPE_CHECKING:
    # torch takes seconds to import, and the command line reads the defaults below for --help
    from dreamcli.engine.compute import Compute
    from dreamcli.files.reading import Pixels
    from dreamcli.networks.zoo import Network

    from .artwork import Artwork, OnStep

# the mean change of a pixel at each step, at strength 1, from black (0) to white (1)
STEP_AT_FULL_STRENGTH = 6 / 255
# the shorter side of the smallest octave, in pixels: below, there is nothing left to recognise
SMALLEST_OCTAVE = 64


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
    settings: DreamSettings, network: Network, pixels: Pixels, compute: Compute, on_step: OnStep | None = None
) -> Artwork:
    """Dream on a photograph.

    The octaves run from small to large. What is carried up from one to the next is the dreamed detail
    alone, enlarged and added to the sharp original, so the photograph stays sharp.

    Args:
        settings: how.
        network: who dreams.
        pixels: the photograph, ``(height, width, 3)`` uint8.
        compute: on what device, at what precision.
        on_step: called after every step.

    Raises:
        WrongRequest: a layer is unknown, or a channel or neuron out of range.
    """
    import torch

    from dreamcli.engine.activations import Activations
    from dreamcli.engine.ascent import Adam, NormalisedGradient, Rule, ascend
    from dreamcli.engine.octaves import octave_sizes, resize
    from dreamcli.engine.parameterization import Pixels as PixelParameterization
    from dreamcli.engine.transforms import Jitter

    from .artwork import Artwork, find_layer, objective_for, to_pixels, to_tensor

    photograph = to_tensor(pixels, compute.device)
    height, width = scaled_size(pixels.shape[0], pixels.shape[1], settings.size)
    layers = [find_layer(spec, network) for spec in settings.layers]
    activations = Activations(network.module, layers, network.input_format, compute, network.plan)
    original = resize(photograph, (height, width)).clamp(0, 1)
    with torch.inference_mode():
        seen = activations(original)
        objective = objective_for(settings.layers, network, seen)
        if settings.minimize:
            objective = -objective
        before = float(objective(seen, original))
    generator = torch.Generator().manual_seed(settings.seed)
    placed = any(spec.position for spec in settings.layers)
    transforms = [] if placed else [Jitter(settings.jitter)]
    step = settings.strength * STEP_AT_FULL_STRENGTH
    # a single neuron's gradient is so spiky that following it as it is kills the neuron at the first step;
    # Adam moves every pixel by about the same
    rule: Rule = Adam(step) if placed else NormalisedGradient(step, settings.color)
    sizes = octave_sizes(height, width, settings.octaves, settings.octave_scale, SMALLEST_OCTAVE)
    detail = torch.zeros_like(original[:, :, :1, :1])
    stopped = "done"
    for octave, size in enumerate(sizes, 1):
        base = resize(original, size).clamp(0, 1)
        image = PixelParameterization((base + resize(detail, size)).clamp(0, 1))
        ascent = ascend(
            image,
            objective,
            activations,
            steps=settings.steps,
            rule=rule,
            transforms=transforms,
            generator=generator,
            on_step=_reporter(on_step, settings.steps, octave, sizes),
        )
        detail = image.render().detach() - base
        if ascent.stopped != "done":
            stopped = ascent.stopped
            break
    result = to_pixels(original + resize(detail, (height, width)))
    with torch.inference_mode():
        final = to_tensor(result, compute.device)
        after = float(objective(activations(final), final))
    return Artwork(result, {"before": before, "after": after}, stopped)


def _reporter(
    on_step: OnStep | None, steps: int, octave: int, sizes: list[tuple[int, int]]
) -> Callable[[int, float], None] | None:
    """Turn the ascent's reports into the whole dream's: work is counted in pixels."""
    from .artwork import Step

    if on_step is None:
        return None
    areas = [height * width for height, width in sizes]

    def report(step: int, value: float) -> None:
        share = (sum(areas[: octave - 1]) + areas[octave - 1] * step / steps) / sum(areas)
        on_step(Step(step, steps, octave, len(sizes), value, share))

    return report


def scaled_size(height: int, width: int, longest: int | None) -> tuple[int, int]:
    """The size with ``longest`` pixels on the longer side, and the proportions kept; None changes nothing."""
    if longest is None:
        return height, width
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
