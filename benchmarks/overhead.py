"""(a) One step of `ascend`, as `dream` takes it: over one bare forward and backward pass, and over other networks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch

from dreamcli.art.dream import STEP_AT_FULL_STRENGTH
from dreamcli.art.memory_plan import activations_for
from dreamcli.engine.activations import Activations
from dreamcli.engine.ascent import NormalizedGradient, ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.joint import AnyActivations
from dreamcli.engine.objectives import LayerEnergy, Objective
from dreamcli.engine.parameterization import Pixels
from dreamcli.engine.transforms import Jitter
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.registry import OURS
from dreamcli.settings.dream import DreamSettings
from dreamcli.settings.layer_spec import LayerSpec

from .bare import bare_network, bare_step, random_image

NETWORKS = ("dreamnet", "efficientnet_lite0", "vgg19_gatys", "squeezenet1_0", "googlenet", "vgg16")
PRETRAINED = tuple(OURS)
ENSEMBLE = ("dreamnet", "efficientnet_lite0")
RIVALS = ("efficientnet_lite0", "mobilenet_v2")  # of comparable depth at mid
SIZES = (224, 512)
LIMIT, LIMIT_OF_ENSEMBLE, LIMIT_OF_RIVALS = 1.10, 1.05, 1.0
ROUNDS = 15


def rows(automatic: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit) for every network and size."""
    for name in NETWORKS:
        network = zoo.load(name, random=name not in PRETRAINED)
        compute = replace(automatic, precision=torch.float32) if network.prefers_float32 else automatic
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
                our = statistics.median(_ascend_steps(pixels, LayerEnergy(layer), activations, steps_each)[1:])
                pairs.append((our / their, our, their))
            ratio, our, their = sorted(pairs)[ROUNDS // 2]
            yield (
                f"ascend step / bare step: {name} {layer}, {size} px",
                f"{ratio:.2f}  ({our * 1e3:.1f} ms / {their * 1e3:.1f} ms)",
                f"{LIMIT:.2f}",
            )

    precise = replace(automatic, precision=torch.float32)
    alone = {name: _stepper([name], precise) for name in {*ENSEMBLE, *RIVALS}}
    together = _stepper(ENSEMBLE, precise)
    yield _compared(
        f"ascend step of {'+'.join(ENSEMBLE)} / the sum of both alone, {SIZES[1]} px",
        [together],
        [alone[name] for name in ENSEMBLE],
        LIMIT_OF_ENSEMBLE,
    )
    ours, theirs = RIVALS
    yield _compared(
        f"ascend step of {ours} / of {theirs}, mid, {SIZES[1]} px", [alone[ours]], [alone[theirs]], LIMIT_OF_RIVALS
    )


def _stepper(names: Sequence[str], compute: Compute) -> Callable[[], float]:
    """Measure the seconds of one step of networks that climb their mid layers together."""
    networks = [zoo.load(name, random=name not in PRETRAINED) for name in names]
    layers = Ensemble.of(*networks).find(LayerSpec("mid"))
    activations = activations_for(layers, compute, (SIZES[1], SIZES[1]))
    objective = sum(LayerEnergy(layer.key) for layer in layers)
    assert isinstance(objective, Objective)
    pixels = Pixels(random_image(SIZES[1], SIZES[1], compute))
    return lambda: statistics.median(_ascend_steps(pixels, objective, activations, 4)[1:])


def _compared(
    what: str, ours: Sequence[Callable[[], float]], theirs: Sequence[Callable[[], float]], limit: float
) -> tuple[str, str, str]:
    """One row: the sum of our seconds over the sum of theirs, measured in turns."""
    pairs = [(sum(each() for each in ours), sum(each() for each in theirs)) for _ in range(ROUNDS)]
    our, their = sorted(pairs, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    return what, f"{our / their:.2f}  ({our * 1e3:.1f} ms / {their * 1e3:.1f} ms)", f"{limit:.2f}"


def _ascend_steps(pixels: Pixels, objective: Objective, activations: AnyActivations, steps: int) -> list[float]:
    """Seconds of each step, but for the first."""
    settings = DreamSettings()
    ticks: list[float] = []
    ascend(
        pixels,
        objective,
        activations,
        steps=steps + 1,
        optimizer=NormalizedGradient(settings.strength * STEP_AT_FULL_STRENGTH, settings.color),
        transforms=[Jitter(settings.jitter)],
        generator=torch.Generator().manual_seed(0),
        on_step=lambda *_: ticks.append(time.perf_counter()),
    )
    return [after - before for before, after in pairwise(ticks)]
