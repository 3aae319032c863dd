"""Several networks at once, from the command line; and the networks that each command has by default."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dreamcli.cli import load_command
from dreamcli.files.record import read_record
from dreamcli.forms import settings_classes
from dreamcli.networks import zoo
from dreamcli.settings.classify import ClassifySettings
from tests.conftest import QUICK, scene

FORMS = settings_classes()

PAIR = "dreamnet+efficientnet_lite0*0.5"
COMMANDS = {
    "dream": ("dream", "photo.png"),
    "class": ("class", "goldfish", "--size", 64, "--count", 2, "--sheet", "--prior", 0.1),
    "boost": ("boost", "--layer", "mid", "--layer", "efficientnet_lite0/block4:3*0.5", "--size", 64),
    "style": ("style", "photo.png", "--style", "style.png"),
}


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_ensemble_makes_a_picture_that_replays(run, photo: Path, command: str) -> None:
    Image.fromarray(scene(50, 50)).save("style.png")
    arguments = (*COMMANDS[command], *QUICK, "-o", "out.png")
    assert run(*arguments, "-m", PAIR).code == 0
    record = read_record(Path("out.png"))
    assert record is not None
    assert record.provenance.network["name"] == PAIR
    hashes = [zoo.load(name).weights_sha256 for name in ("dreamnet", "efficientnet_lite0")]
    assert record.provenance.network["sha256"] == "+".join(hashes)
    assert run("replay", "out.png").code == 0
    np.testing.assert_array_equal(pixels("out.png"), pixels("out-replay.png"))
    assert "already made" in run(*arguments, "-m", PAIR).err
    outcome = run(*arguments, "-m", "dreamnet+efficientnet_lite0")
    assert outcome.code == 1
    assert "made with different settings" in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_ensemble_differs_from_each_of_its_networks(run, photo: Path, command: str) -> None:
    Image.fromarray(scene(50, 50)).save("style.png")
    arguments = ("boost", "--layer", "mid:3", "--size", 64) if command == "boost" else COMMANDS[command]
    for name in (PAIR, "dreamnet", "efficientnet_lite0"):
        assert run(*arguments, *QUICK, "-m", name, "-o", f"{name}.png").code == 0
    assert (pixels(f"{PAIR}.png") != pixels("dreamnet.png")).any()
    assert (pixels(f"{PAIR}.png") != pixels("efficientnet_lite0.png")).any()


def test_a_preset_holds_an_ensemble(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-m", PAIR, "-o", "out.png")
    assert run("replay", "out.png", "--save-preset", "pair").code == 0
    assert f'model = "{PAIR}"' in Path("config/dreamcli/presets/pair.toml").read_text()
    assert run("dream", "photo.png", "--preset", "pair", "-o", "again.png").code == 0
    np.testing.assert_array_equal(pixels("out.png"), pixels("again.png"))


def test_a_network_in_an_ensemble_may_have_weights_of_its_own(run, photo: Path) -> None:
    torch.save(zoo.load("lenet5", random=True).module.state_dict(), "own.pth")
    model = "dreamnet+lenet5=own.pth"
    assert run("dream", "photo.png", *QUICK, "-m", model, "-o", "out.png").code == 0
    outcome = run("replay", "out.png")
    assert outcome.code == 1
    assert "was made with different weights for dreamnet+lenet5; give them with --model NAME=FILE+..." in outcome.err
    assert run("replay", "out.png", "--model", model).code == 0
    np.testing.assert_array_equal(pixels("out.png"), pixels("out-replay.png"))
    outcome = run("replay", "out.png", "--model", "lenet5=own.pth+dreamnet", "--overwrite")
    assert outcome.code == 2
    assert "out.png was made by dreamnet+lenet5, not by lenet5=own.pth+dreamnet" in outcome.err


def test_a_network_of_your_own_climbs_with_others(run, photo: Path) -> None:
    Path("net.py").write_text(
        "from torch import nn\n\n\nclass Small(nn.Sequential):\n    def __init__(self):\n"
        "        pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten()\n"
        "        super().__init__(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), *pooled, nn.Linear(8, 5))\n"
    )
    torch.save(zoo.load("net.py:Small", random=True).module.state_dict(), "net.pth")
    model = "net.py:Small=net.pth+dreamnet"
    arguments = ("dream", "photo.png", *QUICK, "--layer", "Small/2", "--layer", "low", "-m", model, "-o", "out.png")
    assert run(*arguments).code == 0
    outcome = run("replay", "out.png")
    assert outcome.code == 1
    assert "was made with your own network; name it with --model net.py:Small=FILE+dreamnet" in outcome.err
    assert run("replay", "out.png", "--model", model).code == 0


@pytest.mark.parametrize(
    "arguments", [("features", "photo.png"), ("filters",), ("classify", "photo.png")], ids=lambda words: words[0]
)
def test_what_shows_one_network_refuses_several(run, photo: Path, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments, "-m", PAIR)
    assert outcome.code == 2
    assert f"this works with one network at a time, not with {PAIR}" in outcome.err


@pytest.mark.parametrize("form", [*FORMS.values(), ClassifySettings], ids=lambda form: form.command)
def test_a_commands_default_networks_are_written_in_its_settings(form: type) -> None:
    (option,) = [option for option in load_command(form.command).params if option.name == "model"]
    assert option.default == form.model


def test_a_command_uses_its_default_networks(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DREAMCLI_MODEL", "DREAMCLI_JUDGE"):
        monkeypatch.delenv(name)
    assert run("dream", "photo.png", *QUICK).code == 0
    record = read_record(Path("photo-dream.png"))
    assert record is not None
    assert record.provenance.network["name"] == FORMS["dream"].model
    assert json.loads(run("classify", "photo.png", "--json").out)["model"] == "efficientnet_lite0"


def test_a_judge_that_chose_nothing_does_not_make_a_picture_another(run, photo: Path) -> None:
    arguments = ("dream", "photo.png", *QUICK, "-o", "out.png")
    run(*arguments)
    outcome = run(*arguments, "--judge", "lenet5")
    assert outcome.code == 0
    assert "already made" in outcome.err
    chosen = ("class", "goldfish", *QUICK, "--size", 48, "--best-of", 2, "-o", "best.png")
    run(*chosen)
    assert "made with different settings" in run(*chosen, "--judge", "efficientnet_lite0").err
