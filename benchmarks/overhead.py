"""(a) One step of `ascend`, as `dream` takes it, over one bare forward and backward pass."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise

import torch

from dreamcli.art.dream import STEP_AT_FULL_STRENGTH
from dreamcli.engine.activations import Activations
from dreamcli.engine.ascent import NormalizedGradient, ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import LayerEnergy
from dreamcli.engine.parameterization import Pixels
from dreamcli.engine.transforms import Jitter
from dreamcli.networks import zoo
from dreamcli.settings.dream import DreamSettings

from .bare import bare_network, bare_step, random_image

NETWORKS = ("dreamnet", "squeezenet1_0", "googlenet", "vgg16")
SIZES = (224, 512)
LIMIT = 1.10
ROUNDS = 15


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit) for every network and size."""
    for name in NETWORKS:
        network = zoo.load(name, random=name != zoo.BUNDLED)
        layer = network.layer("mid")
        activations = Activations(network.module, [layer], network.input_format, compute)
        bare = bare_network(network, layer, compute)
        for size in SIZES:
            image = random_image(size, size, compute)
            pixels = Pixels(image)
            steps_each = 8 if size == SIZES[0] else 4
            pairs = []
            for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits both
                their = statistics.median([bare_step(bare, layer, image, compute) for _ in range(steps_each)][1:])
                our = statistics.median(_ascend_steps(pixels, layer, activations, steps_each)[1:])
                pairs.append((our / their, our, their))
            ratio, our, their = sorted(pairs)[ROUNDS // 2]
            yield (
                f"ascend step / bare step: {name} {layer}, {size} px",
                f"{ratio:.2f}  ({our * 1e3:.1f} ms / {their * 1e3:.1f} ms)",
                f"{LIMIT:.2f}",
            )


def _ascend_steps(pixels: Pixels, layer: str, activations: Activations, steps: int) -> list[float]:
    """Seconds of each step, but for the first."""
    settings = DreamSettings()
    ticks: list[float] = []
    ascend(
        pixels,
        LayerEnergy(layer),
        activations,
        steps=steps + 1,
        rule=NormalizedGradient(settings.strength * STEP_AT_FULL_STRENGTH, settings.color),
        transforms=[Jitter(settings.jitter)],
        generator=torch.Generator().manual_seed(0),
        on_step=lambda *_: ticks.append(time.perf_counter()),
    )
    return [after - before for before, after in pairwise(ticks)]
