from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dreamcli.art.memory_plan import activations_for
from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.engine.footprint import bytes_of_pass, installed
from dreamcli.engine.joint import JointActivations
from dreamcli.engine.tiles import TiledActivations
from dreamcli.errors import DreamcliError, Hint
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import NetworkLayer
from dreamcli.networks.zoo import Network
from dreamcli.settings.layer_spec import LayerSpec

HUGE = (4000, 6000)


@pytest.fixture(autouse=True)
def plenty_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dreamcli.art.memory_plan.installed", lambda _device: 2**50)


@pytest.mark.parametrize(
    ("size", "layer", "kind"),
    [
        ((1000, 1500), "fire6", Activations),
        (HUGE, "fire6", TiledActivations),
        (HUGE, "fire9", TiledActivations),
        (HUGE, "flatten", Activations),  # its units see the whole picture
    ],
)
def test_large_pictures_go_through_in_tiles(
    network: Network, compute: Compute, size: tuple[int, int], layer: str, kind: type
) -> None:
    assert type(activations_for([NetworkLayer(network, layer)], compute, size)) is kind


@pytest.mark.parametrize(("name", "layer"), [("mobilenet_v3_small", "features.8"), ("lenet5", "maps.tanh3")])
def test_a_network_whose_units_see_the_whole_picture_is_not_tiled(name: str, layer: str, compute: Compute) -> None:
    assert type(activations_for([NetworkLayer(zoo.load(name, random=True), layer)], compute, HUGE)) is Activations


@pytest.mark.parametrize(("layer", "fits"), [("fire6", True), ("flatten", False)])
def test_a_picture_that_does_not_fit_is_refused(
    network: Network, compute: Compute, layer: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dreamcli.art.memory_plan.installed", lambda _device: 8 * 2**30)
    if fits:
        activations_for([NetworkLayer(network, layer)], compute, HUGE)
        return
    with pytest.raises(DreamcliError, match=r"^6000x4000 pixels would take \d+\.\d GiB .* has 8\.0$") as caught:
        activations_for([NetworkLayer(network, layer)], compute, HUGE)
    assert caught.value.hint is Hint.SMALLER
    with pytest.raises(DreamcliError, match=r"^90 pictures of 600x400 pixels would take ") as caught:
        activations_for([NetworkLayer(network, layer)], compute, (400, 600), count=90)
    assert caught.value.hint is Hint.FEWER


def test_each_size_is_checked_though_the_activations_are_kept(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [NetworkLayer(network, "flatten")]
    small = activations_for(layers, compute, (100, 100))
    assert activations_for(layers, compute, (1000, 1500)) is small
    monkeypatch.setattr("dreamcli.art.memory_plan.installed", lambda _device: 8 * 2**30)
    with pytest.raises(DreamcliError, match="6000x4000 pixels would take"):
        activations_for(layers, compute, HUGE)


def test_tiles_are_kept_for_each_budget(network: Network, compute: Compute) -> None:
    layers = [NetworkLayer(network, "fire6")]
    tiled = activations_for(layers, compute, HUGE)
    assert activations_for(layers, compute, (4100, 6100)) is tiled
    assert activations_for(layers, replace(compute, budget=compute.budget // 8), HUGE) is not tiled


def test_the_estimate_grows_with_depth_and_precision(network: Network, compute: Compute) -> None:
    def estimate(layer: str, precision: torch.dtype) -> float:
        return bytes_of_pass(network.trace, [layer], Compute(compute.device, precision))

    assert estimate("fire4", torch.float32) < estimate("fire6", torch.float32) < estimate("fire9", torch.float32)
    assert estimate("fire6", torch.bfloat16) == estimate("fire6", torch.float32) / 2


def test_a_limit_on_the_process_counts_as_the_whole_memory(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    everything = installed(torch.device("cpu"))
    limit, unlimited = tmp_path / "memory.max", tmp_path / "max"
    limit.write_text("1000000\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr("dreamcli.engine.footprint._LIMITS", (unlimited, tmp_path / "none"))
    assert 1e8 < everything <= installed(torch.device("cpu"))
    monkeypatch.setattr("dreamcli.engine.footprint._LIMITS", (unlimited, limit))
    assert installed(torch.device("cpu")) == 1_000_000


def test_an_ensemble_shares_the_budget_and_is_the_same_in_tiles(compute: Compute) -> None:
    layers = zoo.load_all("dreamnet+efficientnet_lite0").find(LayerSpec("low"))
    image = torch.rand(1, 3, 320, 480, generator=torch.Generator().manual_seed(0)).requires_grad_()
    whole = activations_for(layers, compute, (320, 480))
    tiled = activations_for(layers, replace(compute, budget=50 * 2**20), (320, 480))
    assert isinstance(tiled, JointActivations)
    assert {type(part) for part in tiled.parts.values()} == {TiledActivations}
    assert {part.compute.budget for part in tiled.parts.values()} == {25 * 2**20}
    seen, wanted = tiled(image), whole(image)
    assert list(seen) == list(wanted) == [layer.key for layer in layers]
    for key in seen:
        torch.testing.assert_close(seen[key], wanted[key], rtol=1e-4, atol=1e-4)
    found, expected = (
        torch.autograd.grad(sum(activation.square().mean() for activation in each.values()), image)[0]
        for each in (seen, wanted)
    )
    assert float((found - expected).abs().max()) < 1e-4 * float(expected.abs().max())
