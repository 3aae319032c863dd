from __future__ import annotations

import pytest

from dreamcli.errors import WrongRequest
from dreamcli.networks import zoo
from dreamcli.networks.ensemble import Ensemble
from dreamcli.settings.layer_spec import LayerSpec


@pytest.fixture(scope="module")
def pair() -> Ensemble:
    return zoo.load_all("dreamnet+efficientnet_lite0*0.5")


def keys(ensemble: Ensemble, spec: str) -> list[str]:
    return [layer.key for layer in ensemble.find(LayerSpec.parse(spec))]


def test_a_single_network_keeps_the_names_of_its_layers(network: zoo.Network) -> None:
    alone = Ensemble.of(network)
    assert alone.only is network
    assert (alone.name, alone.weights_sha256) == ("dreamnet", network.weights_sha256)
    assert keys(alone, "mid") == keys(alone, "dreamnet/mid") == ["fire6"]


def test_an_ensemble_names_all_its_networks(pair: Ensemble) -> None:
    assert pair.name == "dreamnet+efficientnet_lite0*0.5"
    assert pair.weights_sha256 == "+".join(network.weights_sha256 for network in pair.networks)
    with pytest.raises(WrongRequest, match="one network at a time, not with dreamnet"):
        _ = pair.only


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("mid", ["dreamnet/fire6", "efficientnet_lite0/block8"]),
        ("fire6", ["dreamnet/fire6"]),
        ("block4:3", ["efficientnet_lite0/block4"]),
        ("stem", ["dreamnet/stem", "efficientnet_lite0/stem"]),
        ("efficientnet_lite0/stem", ["efficientnet_lite0/stem"]),
        ("dreamnet/high*0.5", ["dreamnet/fire9"]),
    ],
)
def test_a_layer_is_found_in_the_networks_that_have_it(pair: Ensemble, spec: str, found: list[str]) -> None:
    assert keys(pair, spec) == found
    assert [layer.weight for layer in pair.find(LayerSpec.parse(spec))] == [
        0.5 if key.startswith("efficient") else 1.0 for key in found
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("blok4", r"^dreamnet\+efficientnet_lite0\*0.5 has no layer 'blok4'; did you mean block4"),
        ("dreamnet/block4", "^dreamnet has no layer 'block4'"),
        ("dreamnt/mid", r"^there is no network 'dreamnt' in dreamnet\+efficientnet_lite0\*0.5; did you mean dreamnet"),
        ("x/mid", "^there is no network 'x' in .*; choose dreamnet or efficientnet_lite0$"),
        ("mid:300", "^layer block8 of efficientnet_lite0 has channels 0 to 79; there is no 300$"),
    ],
)
def test_an_unknown_layer_is_explained(pair: Ensemble, spec: str, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        pair.find(LayerSpec.parse(spec))


def test_a_class_is_found_by_its_name_in_each_network() -> None:
    digits, other = zoo.load("lenet5"), zoo.load("lenet5", random=True)
    backwards = zoo.wrap(other.module, labels=tuple("9876543210"), name="backwards")
    both = Ensemble.of(digits, backwards)
    assert both.class_index("3") == 3
    assert [(output.key, index) for output, index in both.scores_of(3)] == [
        (f"lenet5/{digits.output}", 3),
        (f"backwards/{backwards.output}", 6),
    ]


def test_classes_that_share_a_name_keep_their_numbers() -> None:
    module = zoo.load("lenet5").module
    twice = Ensemble.of(*(zoo.wrap(module, labels=["crane"] * 10, name=name) for name in ("one", "other")))
    assert [index for _, index in twice.scores_of(7)] == [7, 7]


@pytest.mark.parametrize(
    ("models", "name", "message"),
    [
        ("dreamnet+lenet5", "goldfish", "^lenet5 has no class 'goldfish'$"),
        ("dreamnet+vgg19_gatys", "goldfish", "^vgg19_gatys has no classes$"),
        ("dreamnet+efficientnet_lite0", "goldfsh", "dreamnet has no class 'goldfsh'"),
    ],
)
def test_a_class_that_a_network_lacks_is_refused(models: str, name: str, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        zoo.load_all(models).class_index(name)


def test_a_class_number_out_of_range_is_refused(network: zoo.Network) -> None:
    with pytest.raises(WrongRequest, match=r"^dreamnet has 1000 classes, from 0$"):
        Ensemble.of(network).scores_of(1000)
