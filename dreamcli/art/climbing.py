"""How `visualization` climbs: what is optimized, how far each step goes, and what changes at random before it."""

from __future__ import annotations

from torch import Tensor

from dreamcli.engine.ascent import Adam, NormalizedGradient, Optimizer
from dreamcli.engine.parameterization import Fourier, Parameterization, Phase, Pixels, Pyramid
from dreamcli.engine.transforms import Crop, Jitter, Mirror, Noise, Pad, Transform, Turn
from dreamcli.settings.visualization import VisualizationSettings

from .octaves import Size, schedule

# per step at strength 1: the mean change of a pyramid's leaves, or Adam's learning rate, where 1 is a frequency's
# amplitude in photographs (fourier), a radian (phase), or the difference between black and white (pixels)
RATES = {"pyramid": 0.015, "fourier": 0.05, "phase": 0.2, "pixels": 0.02}
# pixels around the picture, so that shapes needn't touch the edge of what the network sees; a pyramid's random crops
# rarely reach the picture's own edge
PADDING = {"pyramid": 0, "fourier": 16, "phase": 16, "pixels": 16}
BLURRED_SHARE = 0.8  # of the steps; the rest are for sharp edges


def parameterization_of(settings: VisualizationSettings, image: Tensor, color: float) -> Parameterization:
    """What to climb, starting from an image ``(N, 3, H, W)`` in [0, 1]."""
    if settings.parameterization == "fourier":
        return Fourier(image, color)
    if settings.parameterization == "phase":
        return Phase(image, color)
    if settings.parameterization == "pyramid":
        return Pyramid(image, color)
    blurred = round(BLURRED_SHARE * settings.steps) if settings.blur else 0
    return Pixels(image, [settings.blur * (1 - step / blurred) for step in range(blurred)])


def optimizer_of(settings: VisualizationSettings, size: Size) -> Optimizer:
    """How gradients become steps, for pictures of this (height, width)."""
    rate = settings.strength * RATES[settings.parameterization]
    if settings.parameterization != "pyramid":
        return Adam(rate)
    return NormalizedGradient(rate, steps=sum(steps for _, steps in schedule(size, settings)))


def transforms_of(settings: VisualizationSettings) -> list[Transform]:
    """The random changes before each step."""
    padding = PADDING[settings.parameterization]
    transforms: list[Transform] = [Pad(padding)] if padding else []
    transforms.append(Jitter(settings.jitter))
    if settings.turn or settings.zoom:
        transforms.append(Turn(settings.turn, (1 - settings.zoom, 1 + settings.zoom)))
    if settings.crop < 1:
        transforms.append(Crop((settings.crop, 1.0)))
    if settings.mirror:
        transforms.append(Mirror())
    if settings.noise:
        transforms.append(Noise(settings.noise))
    return transforms
