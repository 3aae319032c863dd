from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torchvision

from dreamcli.errors import Hint, WrongRequest
from dreamcli.networks import registry, zoo


def test_the_names_known_without_torchvision_are_those_of_its_registry() -> None:
    listed = torchvision.models.list_models(module=torchvision.models)
    assert listed == list(registry.TORCHVISION)
    assert registry.installed_names() == registry.model_names() == [*registry.OURS, *listed]


def test_a_later_torchvision_may_have_other_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    later = SimpleNamespace(
        list_models=lambda module: ["newnet"], get_model_weights=lambda name: torchvision.models.VGG16_Weights
    )
    monkeypatch.setattr(registry, "torchvision_models", lambda: later)
    assert registry.is_listed("newnet")
    assert registry.installed_names() == [*registry.OURS, "newnet"]
    assert registry.listing("newnet").parameters == 138_357_544
    with pytest.raises(WrongRequest, match="there is no model 'vgg16'"):
        registry.listing("vgg16")


@pytest.mark.parametrize(
    ("name", "own"),
    [("net.py:Net", True), (r"C:\nets\net.py:Net", True), ("net.py", True), ("net.py:", True), ("vgg16", False)],
)
def test_an_own_network_is_named_by_its_file(name: str, own: bool) -> None:
    assert registry.is_own(name) == own


@pytest.mark.parametrize("model", ["dreamnet", "lenet5", "vgg16", "maxvit_t"])
def test_known_layers_exist(model: str) -> None:
    network = zoo.skeleton(model)
    layers = registry.layer_names(model)
    assert layers[:3] == ["low", "mid", "high"]
    assert {network.layer(name) for name in layers} <= set(network.trace.shapes)
    if model in registry.OURS:
        weighted = {name for name, module in network.module.named_modules() if [*module.parameters(recurse=False)]}
        assert weighted <= set(layers)


@pytest.mark.parametrize(("model", "count"), [("dreamnet", 1000), ("vgg16", 1000), ("lenet5", 10), ("own.py:Net", 0)])
def test_known_classes_are_found_by_their_names(model: str, count: int) -> None:
    classes = registry.class_names(model)
    assert count - 10 < len(classes) <= count
    if count:
        network = zoo.skeleton(model)
        for name in classes:
            assert network.card.labels[network.class_index(name)] == name.replace("_", " ")


def test_a_bundled_network_is_listed_with_its_card() -> None:
    listing = registry.listing("lenet5")
    assert (listing.entry.year, listing.parameters, listing.labels) == (1998, 61_706, tuple("0123456789"))
    assert listing.is_bundled
    assert listing.is_here
    assert listing.url is None
    assert listing.card.startswith("# lenet5")


def test_a_torchvision_network_is_listed_with_its_download() -> None:
    listing = registry.listing("wide_resnet50_2")
    assert (listing.entry.year, listing.entry.paper) == (2016, "arXiv:1605.07146")
    assert listing.url
    assert listing.url.endswith(listing.path.name)
    assert (listing.labels, listing.card) == (registry.imagenet_labels(), "")


def test_an_unknown_model_gets_near_names() -> None:
    with pytest.raises(WrongRequest, match="there is no model 'vgg61'; did you mean vgg"):
        registry.listing("vgg61")
    with pytest.raises(WrongRequest, match=r"there is no model 'quux'$") as caught:
        registry.listing("quux")
    assert caught.value.hint is Hint.LIST_MODELS


def test_it_is_read_without_importing_torch() -> None:
    code = (
        "import sys; from dreamcli.networks import registry; registry.layer_names('dreamnet');"
        "registry.class_names('vgg16'); registry.is_listed('vgg16'); registry.listing('dreamnet');"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
