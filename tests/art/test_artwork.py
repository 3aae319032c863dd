from __future__ import annotations

import numpy as np
import pytest
import torch

from dreamcli.art.artwork import MAX_REMEMBERED, Inputs, Memo, Step, part_of, value_of
from dreamcli.art.pixels import to_tensor
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import LayerEnergy, TotalVariation
from dreamcli.files.reading import Picture
from dreamcli.networks.zoo import Network
from dreamcli.settings.references import References
from tests.conftest import scene

CPU = torch.device("cpu")


def test_a_memo_makes_each_result_once() -> None:
    memo, made = Memo(), []

    def make() -> None:
        made.append(1)  # None is a result, too

    for _ in range(3):
        assert memo.get("a", make) is None
    assert memo.get("b", lambda: 5) == 5
    assert len(made) == 1


def test_a_memo_forgets_its_oldest_result() -> None:
    memo = Memo()
    for number in range(MAX_REMEMBERED + 1):
        memo.get(number, lambda number=number: number)  # type: ignore[misc]
    assert memo.get(1, lambda: -1) == 1
    assert memo.get(0, lambda: -1) == -1
    assert len(memo._results) == MAX_REMEMBERED


def test_a_memo_that_fails_remembers_nothing() -> None:
    memo = Memo()
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: 1 // 0)
    assert memo.get("a", lambda: 3) == 3


def test_a_mask_is_the_brightness_with_soft_edges() -> None:
    pixels = np.zeros((50, 100, 3), np.uint8)
    pixels[:, 50:] = 255
    pixels[:10, :10] = (255, 0, 0)
    inputs = Inputs(references=References(mask=Picture(pixels)))
    mask = inputs.mask_tensor((100, 200), CPU)
    assert mask is not None
    assert mask.shape == (1, 1, 100, 200)
    row = mask[0, 0, 60]
    assert float(row[:90].max()) < 1e-3
    assert float(row[110:].min()) > 0.999
    edge = row[90:110]
    assert (edge.diff() >= -1e-6).all()
    assert 0.1 < float(edge[9]) < 0.9
    assert float(mask[0, 0, 5, 5]) == pytest.approx(1 / 3, abs=0.02)


def test_without_a_mask_everything_may_change() -> None:
    assert Inputs().mask_tensor((10, 10), CPU) is None


def test_inputs_do_not_share_a_memo_unless_told_to() -> None:
    assert Inputs().memo is not Inputs().memo


def test_progress_of_a_part_is_progress_of_the_whole() -> None:
    seen: list[Step] = []
    step = Step(1, 2, 1, 1, 3.5, 0.5, scene)
    report = part_of(seen.append, 2, 4)
    assert report is not None
    report(step)
    assert seen[0].share == (2 + 0.5) / 4
    assert (seen[0].step, seen[0].value, seen[0].picture) == (1, 3.5, scene)
    assert part_of(None, 0, 1) is None


def test_the_value_of_an_objective(network: Network, compute: Compute) -> None:
    image = to_tensor(scene(), compute.device)
    activations = network.activations(["fire4"], compute)
    assert value_of(TotalVariation(), activations, image) == float(TotalVariation()({}, image))
    assert value_of(LayerEnergy("fire4"), activations, image) > 0
    assert value_of(TotalVariation(), activations, torch.full_like(image, 0.5)) == pytest.approx(0, abs=1e-6)
