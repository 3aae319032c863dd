"""(i) What torch.compile would gain on one forward and backward pass, and how long it takes to compile."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import torch

from dreamcli.engine.compute import Compute
from dreamcli.networks import zoo
from dreamcli.settings.dream import DreamSettings

from .bare import bare_network, bare_step, random_image

HEIGHT, WIDTH = 384, 512
ROUNDS = 9


def rows(compute: Compute) -> Iterator[tuple[str, str, str]]:
    """Give (what, measured, aim)."""
    settings = DreamSettings()
    for network in zoo.load_all(settings.model).networks:
        layer = network.find(settings.layers[0])
        for precision in (torch.float32, torch.bfloat16):
            at = Compute(compute.device, precision, compute.budget)
            bare = bare_network(network, layer, at)
            image = random_image(HEIGHT, WIDTH, at)
            eager = statistics.median([bare_step(bare, layer, image, at) for _ in range(ROUNDS)][2:])
            compiled = torch.compile(bare)
            started = time.perf_counter()
            bare_step(compiled, layer, image, at)
            compiling = time.perf_counter() - started
            fast = statistics.median([bare_step(compiled, layer, image, at) for _ in range(ROUNDS)][2:])
            what = f"{network.card.name}, {str(precision).removeprefix('torch.')}: eager / compiled"
            yield what, f"{eager / fast:.2f}  ({eager * 1e3:.0f} ms; {compiling:.0f} s to compile)", "more than 1.15"
