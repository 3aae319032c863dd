from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dreamcli.art.score import LONGEST, SIZE, most_active, probabilities, probability, top
from dreamcli.engine.compute import Compute
from dreamcli.networks import zoo
from dreamcli.networks.zoo import Network
from tests.conftest import scene


class Tokens(nn.Module):
    """A network with a layer of tokens, ``norm``."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, stride=8)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def test_probabilities_add_up_to_one(network: Network, compute: Compute) -> None:
    found = probabilities(network, scene())
    assert found.shape == (1000,)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert not found.requires_grad
    coarse = probabilities(network, scene(), replace(compute, precision=torch.bfloat16))
    assert coarse.dtype == torch.float32
    assert not torch.equal(coarse, found)


def test_the_likeliest_classes_come_first(network: Network) -> None:
    found = probabilities(network, scene())
    answers = top(network, scene(), 3)
    assert answers[0] == (network.card.labels[int(found.argmax())], float(found.max()))
    assert [value for _, value in answers] == sorted((value for _, value in answers), reverse=True)
    assert len(top(network, scene())) == 5
    assert len(top(zoo.load("lenet5"), scene(), 99)) == 10


def test_the_least_likely_of_several_classes_counts(network: Network) -> None:
    answers = dict(top(network, scene(), 3))
    assert probability(network, scene(), list(answers)) == pytest.approx(min(answers.values()))


def test_answers_that_are_not_finite_are_left_out() -> None:
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4))
    nn.init.constant_(module[2].weight, float("inf"))
    assert top(zoo.wrap(module), scene()) == []


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((448, 448), (SIZE, SIZE)),
        ((50, 100), (SIZE, 2 * SIZE)),
        ((2, 900), (SIZE, LONGEST)),
        ((900, 1), (LONGEST, SIZE)),
    ],
)
def test_a_network_is_shown_the_whole_picture(
    network: Network, shape: tuple[int, int], seen: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def forward(image: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(image.shape[2:]))
        return torch.zeros(1, 1000)

    monkeypatch.setattr(network.module, "forward", forward)
    probabilities(network, scene(*shape))
    assert sizes == [seen]


@pytest.mark.parametrize(("layer", "channels"), [("fire6", 384), ("flatten", 1000)])
def test_the_most_active_channels_have_the_largest_means(
    network: Network, compute: Compute, layer: str, channels: int
) -> None:
    found = most_active(network, layer, scene(), 2000, compute)
    assert len(found) == channels
    assert {name for name, _ in found} == {f"{layer}:{index}" for index in range(channels)}
    assert [mean for _, mean in found] == sorted((mean for _, mean in found), reverse=True)
    assert most_active(network, layer, scene(), 2, compute) == found[:2]


def test_the_channels_of_tokens_are_counted_too(compute: Compute) -> None:
    found = most_active(zoo.wrap(Tokens()), "norm", scene(), 3, compute)
    assert len(found) == 3
    assert all(np.isfinite(mean) for _, mean in found)
    assert {name.partition(":")[0] for name, _ in found} == {"norm"}
