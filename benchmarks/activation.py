"""(d) How far a dream gets: the layer's mean activation on the final picture, beside Google's settings.

Google's notebook of 2015: 4 octaves of 1.4, steps of 1.5/255 along the plain normalized gradient, jitter
32; it takes as many gradient steps here as our default does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image

from dreamcli.art.artwork import Inputs
from dreamcli.art.dream import STEP_AT_FULL_STRENGTH, dream
from dreamcli.art.octaves import schedule
from dreamcli.art.pixels import to_tensor
from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import Picture, Pixels
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.layer_spec import ALIASES, LayerSpec

from .whole import SAMPLES

PHOTOGRAPHS = ("coffee", "chelsea", "rocket", "galaxies")
WIDTH = 400


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit) for every alias: the ratio of the two rises, the worst of the photographs."""
    network = zoo.load()
    ensemble = Ensemble.of(network)
    for alias in ALIASES:
        spec = (LayerSpec(alias),)
        activations = Activations(network.module, [network.layer(alias)], network.input_format, compute)
        ratios = []
        for name in PHOTOGRAPHS:
            with Image.open(SAMPLES / f"{name}.jpg") as image:
                photo = np.array(image.resize((WIDTH, WIDTH * image.height // image.width)))
            ours = DreamSettings(layers=spec)
            steps = sum(steps for _, steps in schedule((photo.shape[0], photo.shape[1]), ours))
            google = DreamSettings(
                layers=spec, parameterization="pixels", steps=math.ceil(steps / 4), octaves=4, octave_scale=1.4,
                strength=1.5 / 255 / STEP_AT_FULL_STRENGTH, color=1.0, jitter=32,
            )  # fmt: skip
            before, our, their = (
                _mean_activation(activations, pixels)
                for pixels in (
                    photo,
                    dream(ours, ensemble, Inputs(Picture(photo)), compute)[0].pixels,
                    dream(google, ensemble, Inputs(Picture(photo)), compute)[0].pixels,
                )
            )
            ratios.append((our - before) / (their - before))
        each = ", ".join(f"{name} {ratio:.2f}" for name, ratio in zip(PHOTOGRAPHS, ratios, strict=True))
        yield f"rise of the mean activation / Google's: {alias}", f"{min(ratios):.2f}  ({each})", "at least 1.00"


def _mean_activation(activations: Activations, pixels: Pixels) -> float:
    with torch.inference_mode():
        (activation,) = activations(to_tensor(pixels, activations.compute.device)).values()
        return float(activation.float().mean())
