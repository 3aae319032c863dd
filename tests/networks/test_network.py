from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dreamcli.engine.compute import Compute
from dreamcli.errors import Hint, WrongRequest
from dreamcli.networks import zoo
from dreamcli.networks.network import MAX_KEPT
from dreamcli.settings.layer_spec import LayerSpec


@pytest.mark.parametrize(
    ("name", "layer"), [("low", "fire4"), ("high", "fire9"), ("fire2", "fire2"), ("stem.conv", "stem.conv")]
)
def test_layers_are_found_by_alias_and_by_name(network: zoo.Network, name: str, layer: str) -> None:
    assert network.layer(name) == network.find(LayerSpec(name, 3)) == layer


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (LayerSpec("hihg"), r"dreamnet has no layer 'hihg'; did you mean high"),
        (LayerSpec("zzzzzz"), "it has low, mid, high, stem, pool1, fire2"),
        (LayerSpec("mid", 384), "layer fire6 of dreamnet has channels 0 to 383; there is no 384"),
    ],
)
def test_an_unknown_layer_or_channel_is_explained(network: zoo.Network, spec: LayerSpec, message: str) -> None:
    with pytest.raises(WrongRequest, match=message):
        network.find(spec)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("goldfish", 1), ("Golden_Retriever", 207), ("  golden  retriever", 207), ("7", 7), ("Cardigan", 264),
     ("cardigan", 474)],
)  # fmt: skip
def test_classes_are_found_by_name_and_number(network: zoo.Network, wanted: str, index: int) -> None:
    assert network.class_index(wanted) == index
    assert network.card.labels[264] == "Cardigan"


@pytest.mark.parametrize(
    ("model", "wanted", "message", "hint"),
    [
        ("dreamnet", "goldfsh", "dreamnet has no class 'goldfsh'; did you mean goldfish", None),
        ("dreamnet", "husky", "dreamnet has no class 'husky'; did you mean Siberian husky", None),
        ("dreamnet", "cat", "dreamnet has no class 'cat'; did you mean tiger cat or Persian cat", None),
        ("dreamnet", "1000", "dreamnet has no class '1000' among its 1000", Hint.LIST_CLASSES),
        ("lenet5", "ten", "lenet5 has no class 'ten'; its 10 classes are 0, 1, and so on to 9", None),
    ],
)
def test_an_unknown_class_is_explained(model: str, wanted: str, message: str, hint: Hint | None) -> None:
    with pytest.raises(WrongRequest, match=message) as caught:
        zoo.skeleton(model).class_index(wanted)
    assert caught.value.hint is hint


def test_activations_are_kept_for_each_set_of_layers_and_precision(network: zoo.Network, compute: Compute) -> None:
    fresh = replace(network)
    first = fresh.activations(["fire6"], compute)
    assert fresh.activations(["fire6", "fire6"], replace(compute, budget=1)) is first
    half = fresh.activations(["fire6"], replace(compute, precision=torch.bfloat16))
    deeper = fresh.activations(["fire6", "fire9"], compute)
    assert len({id(first), id(half), id(deeper)}) == 3
    assert replace(network).activations(["fire6"], compute) is not first


def test_averages_in_place_of_maxima_are_kept(network: zoo.Network, compute: Compute) -> None:
    fresh = replace(network)
    averaged = fresh.with_average_pooling()
    assert fresh.with_average_pooling() is averaged
    assert averaged.activations(["fire6"], compute) is averaged.activations(["fire6"], compute)
    assert averaged.activations(["fire6"], compute) is not fresh.activations(["fire6"], compute)


def test_only_the_latest_are_kept(network: zoo.Network) -> None:
    fresh = replace(network)
    kept = [fresh.kept(number, object) for number in range(MAX_KEPT)]
    assert fresh.kept(0, object) is kept[0]  # now the latest
    fresh.kept("another", object)
    assert fresh.kept(0, object) is kept[0]
    assert fresh.kept(1, object) is not kept[1]
    fresh.forget()
    assert fresh.kept(0, object) is not kept[0]
