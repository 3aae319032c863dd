from __future__ import annotations

import pytest
import torch

from dreamcli.art.artwork import Inputs
from dreamcli.art.layer_objectives import objective_for
from dreamcli.art.pixels import scaled_tensor, to_tensor
from dreamcli.engine.activations import Captured
from dreamcli.engine.compute import Compute
from dreamcli.engine.objectives import Channel, Guide, LayerEnergy, Neuron, Objective
from dreamcli.errors import WrongRequest
from dreamcli.files.reading import Picture
from dreamcli.networks.ensemble import Ensemble
from dreamcli.networks.zoo import Network
from dreamcli.settings.layer_spec import LayerSpec
from dreamcli.settings.references import References
from tests.conftest import scene

LAYERS = ["fire4", "fire6", "fire9", "flatten"]


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return to_tensor(scene(96, 128), torch.device("cpu"))


@pytest.fixture(scope="module")
def seen(network: Network, compute: Compute, image: torch.Tensor) -> Captured:
    with torch.no_grad():
        return network.activations(LAYERS, compute)(image)


def target(network: Network, compute: Compute, seen: Captured, *texts: str, guide: Picture | None = None) -> Objective:
    specs = [LayerSpec.parse(text) for text in texts]
    return objective_for(specs, Ensemble.of(network), Inputs(references=References(guide=guide)), seen, compute)


def test_a_layer_is_climbed_by_its_energy(network: Network, compute: Compute, seen: Captured, image) -> None:
    whole = target(network, compute, seen, "low")
    assert float(whole(seen, image)) == pytest.approx(float(LayerEnergy("fire4")(seen, image)))


def test_weights_add_up(network: Network, compute: Compute, seen: Captured, image: torch.Tensor) -> None:
    one, other = (float(target(network, compute, seen, text)(seen, image)) for text in ("low", "high:3"))
    both = target(network, compute, seen, "low*0.5", "high:3*-2")
    assert float(both(seen, image)) == pytest.approx(0.5 * one - 2 * other, rel=1e-5)


def test_channels_and_neurons_are_measured_in_the_layers_units(
    network: Network, compute: Compute, seen: Captured, image: torch.Tensor
) -> None:
    rms = float(seen["fire6"].square().mean().sqrt())
    active = int(seen["fire6"][0].mean((1, 2)).argmax())
    found = target(network, compute, seen, f"mid:{active}")
    plain = float(Channel("fire6", active, 1.0)(seen, image))
    assert float(found(seen, image)) == pytest.approx(plain / rms, rel=1e-4)


def test_a_neuron_keeps_its_place_at_every_size(network: Network, compute: Compute, seen: Captured, image) -> None:
    rows, columns = seen["fire4"].shape[2:]
    found = target(network, compute, seen, f"fire4:5@{rows - 1},2")
    ((weight, term),) = found.terms  # type: ignore[attr-defined]
    assert weight == 1
    assert isinstance(term, Neuron)
    assert (term.y, term.x) == ((rows - 0.5) / rows, 2.5 / columns)


@pytest.mark.parametrize("shape", [(60, 80), (448, 224)])
def test_a_guide_is_seen_at_one_size_in_every_layer(
    network: Network, compute: Compute, seen: Captured, image: torch.Tensor, shape: tuple[int, int]
) -> None:
    guided = target(network, compute, seen, "low", "mid*2", guide=Picture(scene(*shape)))
    with torch.no_grad():
        shown = network.activations(["fire4", "fire6"], compute)(scaled_tensor(scene(*shape), 224, compute.device))
    low, mid = (float(Guide.of(layer, shown[layer])(seen, image)) for layer in ("fire4", "fire6"))
    assert float(guided(seen, image)) == pytest.approx(low + 2 * mid, rel=1e-4)
    assert float(guided(seen, image)) > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mif", "did you mean mid"),
        ("mid:384", "layer fire6 of dreamnet has channels 0 to 383; there is no 384"),
        ("mid:3@99,0", r"layer fire6 has \d+ rows and \d+ columns .*; there is no neuron at @99,0"),
        ("mid:3@0,99", "there is no neuron at @0,99"),
        ("flatten:3@0,0", "layer flatten of dreamnet has no rows and columns: leave out the @Y,X"),
    ],
)
def test_an_unknown_target_is_explained(
    network: Network, compute: Compute, seen: Captured, text: str, message: str
) -> None:
    with pytest.raises(WrongRequest, match=message):
        target(network, compute, seen, text)
