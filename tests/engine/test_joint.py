from __future__ import annotations

import pytest
import torch

from dreamcli.engine.ascent import NormalizedGradient, ascend
from dreamcli.engine.compute import Compute
from dreamcli.engine.joint import JointActivations
from dreamcli.engine.objectives import LayerEnergy
from dreamcli.engine.parameterization import Pixels
from dreamcli.networks import zoo


@pytest.fixture(scope="module")
def digits() -> zoo.Network:
    return zoo.load("lenet5")


def test_each_network_sees_the_image_in_its_own_format(
    network: zoo.Network, digits: zoo.Network, compute: Compute
) -> None:
    image = torch.rand(1, 3, 48, 48)
    alone = {"a/": network.activations(["fire4"], compute), "b/": digits.activations(["maps.tanh1"], compute)}
    seen = JointActivations(alone)(image)
    assert list(seen) == ["a/fire4", "b/maps.tanh1"]
    torch.testing.assert_close(seen["a/fire4"], alone["a/"](image)["fire4"], rtol=0, atol=0)
    torch.testing.assert_close(seen["b/maps.tanh1"], alone["b/"](image)["maps.tanh1"], rtol=0, atol=0)


def test_an_ascent_climbs_all_networks_together(network: zoo.Network, compute: Compute) -> None:
    other = zoo.load("efficientnet_lite0")
    torch.manual_seed(0)
    image = 0.4 + 0.2 * torch.rand(1, 3, 48, 48)
    parts = {"a/": network.activations(["fire4"], compute), "b/": other.activations(["block4"], compute)}
    joint, pixels = JointActivations(parts), Pixels(image.clone())
    energies = (LayerEnergy("a/fire4"), LayerEnergy("b/block4"))
    before = [float(energy(joint(image), image)) for energy in energies]
    generator = torch.Generator().manual_seed(0)
    ascend(pixels, sum(energies), joint, steps=10, optimizer=NormalizedGradient(0.02), generator=generator)  # type: ignore[arg-type]
    after = [float(energy(joint(pixels.render().detach()), image)) for energy in energies]
    assert after[0] > before[0] + 0.05, (before, after)
    assert after[1] > before[1] + 0.05, (before, after)
