"""(f) `class`: a step of its default parameterization and transforms, and what a batch saves."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise

import torch

from dreamcli.art.climbing import parameterization_of, rule_of, transforms_of
from dreamcli.engine import natural
from dreamcli.engine.activations import Activations
from dreamcli.engine.ascent import ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel
from dreamcli.networks import zoo
from dreamcli.settings.visualization import ClassSettings

from .bare import bare_network, bare_step, random_image

SIZE, LIMIT, ROUNDS = 224, 1.25, 9
BATCHES = {2: "1.30", 4: "", 8: ""}  # numbers of pictures, and limits


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, limit)."""
    for name in ("dreamnet", "squeezenet1_0"):
        network = zoo.load(name, random=name != zoo.BUNDLED)
        activations = Activations(network.module, [network.output], network.input_format, compute)
        bare = bare_network(network, network.output, compute)
        image = random_image(SIZE, SIZE, compute)  # what the network sees of ours
        pairs = []
        for _ in range(ROUNDS):
            their = statistics.median([bare_step(bare, network.output, image, compute) for _ in range(8)][1:])
            our = _step_seconds(network, activations, 1)
            pairs.append((our / their, our, their))
        ratio, our, their = sorted(pairs)[ROUNDS // 2]
        text = f"{ratio:.2f}  ({our * 1e3:.1f} ms / {their * 1e3:.1f} ms)"
        yield f"class step / bare step: {name}, {SIZE} px", text, f"{LIMIT:.2f}"
        for count, limit in BATCHES.items():
            ratios = [
                _step_seconds(network, activations, count) / count / _step_seconds(network, activations, 1)
                for _ in range(3)
            ]
            yield f"a picture's step in a batch of {count} / alone: {name}", f"{statistics.median(ratios):.2f}", limit


def _step_seconds(network: zoo.Network, activations: Activations, count: int) -> float:
    """The median time of a step without rescue, with the default settings, for ``count`` pictures at once."""
    settings = ClassSettings(classes=(1,))
    generator = torch.Generator().manual_seed(0)
    start = natural.noise(count, SIZE, SIZE, 0.1, generator).to(activations.compute.device)
    ticks: list[float] = []
    ascend(
        parameterization_of(settings, start, settings.color),
        Channel(network.output, 1),
        activations,
        steps=9,
        rule=rule_of(settings, (SIZE, SIZE)),
        transforms=transforms_of(settings),
        generator=generator,
        on_step=lambda _step, _value: ticks.append(time.perf_counter()),
    )
    return statistics.median(b - a for a, b in pairwise(ticks))
