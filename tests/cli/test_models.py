from __future__ import annotations

import json
from pathlib import Path

import pytest
import torchvision

from dreamcli.networks.known import imagenet_labels
from dreamcli.networks.listing import PAPERS, listing, names
from dreamcli.networks.zoo import Network


def test_all_models_are_listed_with_their_facts(run) -> None:
    listed = {entry["name"]: entry for entry in json.loads(run("models", "--json").out)}
    assert list(listed) == names()
    for name, entry in listed.items():
        assert entry["year"] >= 1998, name
        assert entry["paper"], name
        # some files hold more than is loaded
        assert 0.9 < entry["megabytes"] * 1e6 / entry["parameters"] / (2 if entry["bundled"] else 4) < 2.1, name
    assert listed["dreamnet"]["here"]
    plain = run("models")
    assert plain.code == 0
    assert all(name in plain.out for name in listed)


def test_every_family_is_used() -> None:
    assert all(any(name.startswith(family) for name in names()) for family in PAPERS)


def test_one_model(run, network: Network) -> None:
    outcome = run("models", "dreamnet")
    assert f"{sum(p.numel() for p in network.module.parameters()):,}" in outcome.out
    assert "What it is bad at" in outcome.out
    assert json.loads(run("models", "vgg16", "--json").out)["parameters"] == 138357544
    assert json.loads(run("models", "googlenet", "--json").out)["mid"] == "inception4c"
    assert "licence" in run("models", "resnet34").out


def test_of_a_network_of_ones_own_nothing_is_made_up(run) -> None:
    Path("net.py").write_text("raise SystemExit")  # which is not run
    facts = json.loads(run("models", "net.py:Net", "--json").out)
    assert facts["bundled"] is False
    assert facts["parameters"] is facts["classes"] is None
    assert facts["code"] == "net.py"
    assert "parameters" not in run("models", "net.py:Net").out
    assert "the classes of net.py:Net are known to its code alone" in run("models", "net.py:Net", "--classes").err


def test_classes_are_searched(run) -> None:
    assert run("models", "--classes", "FISH").out.splitlines()[0].split() == ["1", "goldfish"]
    assert len(run("models", "vgg16", "--classes").out.splitlines()) == 1000
    assert json.loads(run("models", "dreamnet", "--classes", "goldfish", "--json").out)["classes"] == {"1": "goldfish"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("resnet51",), "did you mean resnet50"), (("--classes", "zzz"), "dreamnet has no class with 'zzz' in its name")],
)
def test_what_is_not_there_is_said(run, arguments: tuple[str, ...], message: str) -> None:
    outcome = run("models", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_the_labels_in_the_box_are_torchvisions() -> None:
    weights = torchvision.models.get_model_weights("resnet50").DEFAULT
    assert imagenet_labels() == tuple(weights.meta["categories"])


def test_torchvisions_numbers_are_given() -> None:
    for name in ("alexnet", "vit_b_16"):
        assert listing(name).parameters == torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
