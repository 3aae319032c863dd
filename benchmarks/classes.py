"""(f) `class`: a step of its default parameterization and transforms, and what a batch saves."""

from __future__ import annotations

import operator
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from itertools import pairwise

import torch

from dreamcli.art.climbing import optimizer_of, parameterization_of, transforms_of
from dreamcli.engine import natural
from dreamcli.engine.ascent import ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.joint import JointActivations
from dreamcli.engine.objectives import Channel, Objective
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.visualization import ClassSettings

from .bare import bare_network, bare_step, random_image

SIZE, LIMIT, ROUNDS, CLASS = 224, 1.25, 9, 1
BATCHES = {2: "1.30", 4: "", 8: ""}  # numbers of pictures, and limits


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    ensemble = zoo.load_all(ClassSettings.model)
    if ensemble.prefers_float32 and compute.device.type == "cpu":
        compute = replace(compute, precision=torch.float32)  # as a session does
    activations = JointActivations(
        {layer.prefix: layer.network.activations([layer.name], compute) for layer, _ in ensemble.scores_of(CLASS)}
    )
    image = random_image(SIZE, SIZE, compute)  # what the networks see of ours
    bare = [(bare_network(network, network.output, compute), network.output) for network in ensemble.networks]
    pairs = []
    for _ in range(ROUNDS):
        their = sum(
            statistics.median([bare_step(network, output, image, compute) for _ in range(8)][1:])
            for network, output in bare
        )
        our = _step_seconds(ensemble, activations, 1)
        pairs.append((our / their, our, their))
    ratio, our, their = sorted(pairs)[ROUNDS // 2]
    text = f"{ratio:.2f}  ({our * 1e3:.1f} ms / {their * 1e3:.1f} ms)"
    yield f"class step / bare steps of its networks, {SIZE} px", text, f"{LIMIT:.2f}"
    for count, limit in BATCHES.items():
        ratios = [
            _step_seconds(ensemble, activations, count) / count / _step_seconds(ensemble, activations, 1)
            for _ in range(3)
        ]
        yield f"a picture's step in a batch of {count} / alone", f"{statistics.median(ratios):.2f}", limit


def _step_seconds(ensemble: Ensemble, activations: JointActivations, count: int) -> float:
    """The median time of a step without redirected gradients, by default settings, for ``count`` pictures at once."""
    settings = ClassSettings(classes=(CLASS,))
    generator = torch.Generator().manual_seed(0)
    start = natural.noise(count, SIZE, SIZE, 0.1, generator).to(activations.compute.device)
    scores: list[Objective] = [Channel(output.key, index) for output, index in ensemble.scores_of(CLASS)]
    ticks: list[float] = []
    ascend(
        parameterization_of(settings, start, settings.color),
        reduce(operator.add, scores),
        activations,
        steps=9,
        optimizer=optimizer_of(settings, (SIZE, SIZE)),
        transforms=transforms_of(settings),
        generator=generator,
        on_step=lambda _step, _value: ticks.append(time.perf_counter()),
    )
    return statistics.median(b - a for a, b in pairwise(ticks))
