from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from dreamcli.networks import zoo

CODE = """
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.third = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.head(self.third(self.second(self.first(x))).mean((2, 3)))

@dataclass
class Widths:
    first: int = 8

class Curious(Small):
    # looks at its tensors while it is built, and keeps some that no state dict holds
    def __init__(self, num_classes=4):
        super().__init__(num_classes)
        self.rates = [rate.item() for rate in torch.linspace(0, 0.1, Widths().first)]
        self.noise = torch.rand(8, 1, 1)
        self.register_buffer("shift", torch.rand(8, 1, 1), persistent=False)

    def forward(self, x):
        x = self.first(x) + self.noise + self.shift + torch.linspace(0, 1, x.shape[3])
        return self.head(self.third(self.second(x)).mean((2, 3)))

class Named(Small):
    labels = ["ape", "bee", "cow", "dog"]

class Fixed(Small):
    def __init__(self):
        super().__init__()

def failing():
    raise ValueError("no luck")

def number():
    return 3
"""


@pytest.fixture
def own(run, photo: Path) -> None:
    """The user's code and weights."""
    Path("net.py").write_text(CODE)
    torch.save(zoo.load("net.py:Small", random=True).module.state_dict(), "net.pth")


@pytest.mark.parametrize(
    "arguments",
    [
        ("dream", "photo.png", "--layer", "second", "--steps", "2", "--octaves", "1"),
        ("class", "3", "--size", "40", "--steps", "2"),
        ("features", "photo.png", "--top", "2"),
        ("classify", "photo.png"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_own_network_works(run, own: None, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments, "--model", "net.py:Small", "--weights", "net.pth")
    assert outcome.code == 0, outcome.err


def test_it_may_name_its_classes(run, own: None) -> None:
    model = ("--model", "net.py:Named", "--weights", "net.pth")
    assert {"ape", "bee", "cow", "dog"} <= set(run("classify", "photo.png", *model).out.split())
    judge = ("--judge", "net.py:Named=net.pth", "--best-of", 2)
    assert run("class", "Bee", *model, *judge, "--size", 40, "--steps", 2).code == 0
    assert Path("bee-class.png").exists()
    assert "did you mean bee" in run("class", "bees", *model).err


def test_its_layers_need_no_weights(run, own: None) -> None:
    outcome = run("layers", "net.py:Small", "--size", 32)
    assert outcome.code == 0, outcome.err
    assert "net.py:Small: 1,428 parameters" in outcome.out


def test_its_constructor_may_look_at_tensors(run, own: None) -> None:
    state = torch.get_rng_state()
    one, other = (zoo.load("net.py:Curious", Path("net.pth")) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    image = torch.rand(1, 3, 40, 60)
    assert torch.equal(one.module(image), other.module(image))
    outcome = run("layers", "net.py:Curious", "--size", 32)
    assert outcome.code == 0, outcome.err
    outcome = run("classify", "photo.png", "--layer", "third", "--model", "net.py:Curious", "--weights", "net.pth")
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [("Small", 0, ""), ("Fixed", 1, "five.pth: head.weight has shape (5, 8), but the network needs (4, 8)")],
)
def test_weights_may_have_other_classes_if_the_network_may(run, own: None, model: str, code: int, message: str) -> None:
    state = torch.load("net.pth")
    torch.save(state | {"head.weight": torch.rand(5, 8), "head.bias": torch.rand(5)}, "five.pth")
    outcome = run("classify", "photo.png", "--model", f"net.py:{model}", "--weights", "five.pth")
    assert outcome.code == code
    assert message in outcome.err


def test_a_file_that_cannot_be_run_leaves_nothing(run, own: None) -> None:
    Path("broken.py").write_text("1 / 0")
    assert run("layers", "broken.py:Net").code == 1
    assert not [name for name in sys.modules if name.endswith("broken")]


def test_other_code_is_another_job(run, own: None) -> None:
    arguments = ("dream", "photo.png", "-m", "net.py:Small", "--weights", "net.pth", "--steps", 1, "--octaves", 1)
    assert run(*arguments).code == 0
    assert "already made" in run(*arguments).err
    Path("net.py").write_text(CODE + "# changed\n")
    assert run(*arguments).code == 1


def test_replay_runs_its_code_only_when_it_is_named(run, own: None) -> None:
    model = ("--model", "net.py:Small", "--weights", "net.pth")
    assert run("dream", "photo.png", *model, "--steps", 1, "--octaves", 1).code == 0
    outcome = run("replay", "photo-dream.png", "--weights", "net.pth")
    assert outcome.code == 1
    assert "made by your own network; name it with --model net.py:Small --weights FILE" in outcome.err
    assert run("replay", "photo-dream.png", *model).code == 0


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("net.py:Smal", 2, "has no class or function 'Smal'; did you mean Small"),
        ("net.py", 2, "does not name a class; the form is net.py:CLASS"),
        ("none.py:Small", 2, "there is no file none.py"),
        ("net.py:failing", 1, "can't be built: ValueError: no luck"),
        ("net.py:number", 2, "returns int, not a torch.nn.Module"),
        ("bad.py:Small", 1, "bad.py can't be run: SyntaxError"),
    ],
)
def test_what_is_wrong_is_explained(run, own: None, model: str, code: int, message: str) -> None:
    Path("bad.py").write_text("def (")
    outcome = run("dream", "photo.png", "--model", model, "--weights", "net.pth")
    assert outcome.code == code
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_weights_must_be_named(run, own: None) -> None:
    outcome = run("dream", "photo.png", "--model", "net.py:Small")
    assert outcome.code == 2
    assert "net.py:Small needs weights; give its state dict with --weights FILE" in outcome.err
