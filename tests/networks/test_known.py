from __future__ import annotations

import subprocess
import sys

import pytest

from dreamcli.networks import known, zoo


def test_torchvisions_source_names_what_torchvision_lists() -> None:
    assert known.model_names() == zoo.names()


@pytest.mark.parametrize(
    ("name", "own"),
    [("net.py:Net", True), (r"C:\nets\net.py:Net", True), ("net.py", True), ("net.py:", True), ("vgg16", False)],
)
def test_a_network_of_ones_own_is_named_by_its_file(name: str, own: bool) -> None:
    assert known.is_own(name) == own


@pytest.mark.parametrize("model", ["dreamnet", "lenet5", "vgg16", "maxvit_t"])
def test_layers_that_are_known_are_there(model: str) -> None:
    network = zoo.skeleton(model)
    layers = known.layer_names(model)
    assert layers[:3] == ["low", "mid", "high"]
    assert {network.layer(name) for name in layers} <= set(network.plan.shapes)
    if model in known.IN_THE_BOX:
        weighted = {name for name, module in network.module.named_modules() if [*module.parameters(recurse=False)]}
        assert weighted <= set(layers)


@pytest.mark.parametrize(("model", "count"), [("dreamnet", 1000), ("vgg16", 1000), ("lenet5", 10), ("own.py:Net", 0)])
def test_classes_that_are_known_are_found_by_their_names(model: str, count: int) -> None:
    classes = known.class_names(model)
    assert count - 10 < len(classes) <= count
    if count:
        network = zoo.skeleton(model)
        for name in classes:
            assert network.card.labels[network.class_index(name)] == name.replace("_", " ")


def test_nothing_of_it_imports_torch() -> None:
    code = (
        "import sys; from dreamcli.networks import known; known.layer_names('dreamnet'); known.class_names('vgg16');"
        "known.model_names(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
