from __future__ import annotations

import json
from pathlib import Path

import pytest
import torchvision

from dreamcli.networks.registry import imagenet_labels, listing, model_names
from dreamcli.networks.zoo import Network

BYTES = {"dreamnet": 2, "lenet5": 2, "vgg19_gatys": 1}  # for each parameter, where there aren't 4


def test_all_models_are_listed_with_their_facts(run) -> None:
    listed = {entry["name"]: entry for entry in json.loads(run("models", "--json").out)}
    assert list(listed) == model_names()
    for name, entry in listed.items():
        assert entry["year"] >= 1998, name
        assert entry["paper"], name
        # some files hold more than the model needs
        assert 0.9 < entry["megabytes"] * 1e6 / entry["parameters"] / BYTES.get(name, 4) < 2.1, name
    assert listed["dreamnet"]["here"]
    plain = run("models")
    assert plain.code == 0
    assert all(name in plain.out for name in listed)


def test_one_model(run, network: Network) -> None:
    outcome = run("models", "dreamnet")
    assert f"{sum(p.numel() for p in network.module.parameters()):,}" in outcome.out
    assert "Weaknesses" in outcome.out
    assert json.loads(run("models", "vgg16", "--json").out)["parameters"] == 138357544
    assert json.loads(run("models", "googlenet", "--json").out)["mid"] == "inception4c"
    assert "license" in run("models", "resnet34").out


def test_nothing_is_made_up_about_your_own_network(run) -> None:
    Path("net.py").write_text("raise SystemExit")  # it must not be run
    facts = json.loads(run("models", "net.py:Net", "--json").out)
    assert facts["bundled"] is False
    assert facts["parameters"] is facts["classes"] is None
    assert facts["code"] == "net.py"
    assert "parameters" not in run("models", "net.py:Net").out
    assert "the classes of net.py:Net are only known to its code" in run("models", "net.py:Net", "--classes").err


def test_classes_are_searched(run) -> None:
    assert "    1  goldfish" in run("models", "--classes", "FISH").out.splitlines()
    cats = [line.split(maxsplit=1)[1] for line in run("models", "--classes", "cat").out.splitlines()]
    assert cats[:2] == ["tiger cat", "Persian cat"]  # before the oystercatcher
    assert "oystercatcher" in cats[-4:]
    assert len(run("models", "vgg16", "--classes").out.splitlines()) == 1000
    assert json.loads(run("models", "dreamnet", "--classes", "goldfish", "--json").out)["classes"] == {"1": "goldfish"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("resnet51",), "did you mean resnet50"), (("--classes", "zzz"), "dreamnet has no class with 'zzz' in its name")],
)
def test_unknown_models_and_classes_are_reported(run, arguments: tuple[str, ...], message: str) -> None:
    outcome = run("models", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_the_bundled_labels_are_those_of_torchvision() -> None:
    weights = torchvision.models.get_model_weights("resnet50").DEFAULT
    assert imagenet_labels() == tuple(weights.meta["categories"])


def test_parameters_are_those_of_torchvision() -> None:
    for name in ("alexnet", "vit_b_16"):
        assert listing(name).parameters == torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
