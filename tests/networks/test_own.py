from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

import dreamcli
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

class Centered(Named):
    mean, std = (0.5, 0.5, 0.5), [0.25, 0.25, 0.25]

class Tensors(Small):
    mean, std = torch.tensor([0.5] * 3), torch.tensor([0.25] * 3)

class Number(Small):
    mean = "half"

class Half(Small):
    mean, std = 0.5, (0.25,)

class Heads(Small):
    def forward(self, x):
        return super().forward(x), x

class Nothing(Small):
    def forward(self, x):
        super().forward(x)

class Numbered(Small):
    labels = ["1", "2", "3", "4"]

class Inside(Small):
    def __init__(self, num_classes=4):
        super().__init__(num_classes)
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1), persistent=False)

class FewLabels(Small):
    labels = ["ape"]

class LabelsByNumber(Small):
    labels = {0: "ape", 1: "bee", 2: "cow", 3: "dog"}

class Whole(Small):
    image_size = (64, 64)

class Broad(Small):
    image_size = (32, 48)

class Crooked(Small):
    std = (0.2, 0, 0.2)

class Square(Small):
    def forward(self, x):
        return super().forward(x + torch.zeros(1, 3, 64, 64))

class Four(Small):
    def forward(self, x):
        return super().forward(nn.functional.conv2d(x, torch.zeros(3, 4, 3, 3)))

class Two(Small):
    def forward(self, x, y):
        return x

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


def test_a_label_goes_before_a_number(run, own: None) -> None:
    model = ("--model", "net.py:Numbered", "--weights", "net.pth", "--size", 40, "--steps", 1)
    assert run("class", "1", *model).err.startswith("1 -> 1-class.png")
    assert run("class", "0", *model, "-o", "first.png").err.startswith("1 -> first.png")
    assert run("class", " ", *model).err == "dreamcli: a class has an empty name\n"


def test_it_may_say_how_pictures_are_normalized(run, own: None) -> None:
    centered, plain, inside = (zoo.load(f"net.py:{name}", Path("net.pth")) for name in ("Centered", "Small", "Inside"))
    assert (centered.input_format.mean, centered.input_format.std) == ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert inside.input_format == plain.input_format
    for other in ("Tensors", "Half"):
        assert zoo.load(f"net.py:{other}", Path("net.pth")).input_format == centered.input_format
    assert zoo.wrap(centered.module).input_format == centered.input_format  # from Python, too
    assert zoo.wrap(centered.module, mean=torch.zeros(3)).input_format.mean == (0, 0, 0)
    assert plain.input_format.mean == zoo.IMAGENET_MEAN
    assert zoo.load("net.py:Whole", Path("net.pth")).input_format.fixed == 64
    model = ("--weights", "net.pth", "--size", 48, "--steps", 1, "--octaves", 1)
    for name in ("Centered", "Small"):
        assert run("dream", "photo.png", "--model", f"net.py:{name}", *model, "-o", f"{name}.png").code == 0
    assert Path("Centered.png").read_bytes() != Path("Small.png").read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("FewLabels", "net.py:FewLabels has 4 classes, but 1 labels"),
        ("LabelsByNumber", "the labels of net.py:LabelsByNumber must be a list of names, not dict"),
        ("Number", "the mean of net.py:Number must be three numbers, or one, not 'half'"),
        ("Nothing", "a picture of 96x64 pixels doesn't fit the network: it returns a NoneType, not one tensor"),
        ("Four", "expected input[1, 3, 64, 96] to have 4 channels, but got 3 channels instead"),
        ("Broad", "image_size of net.py:Broad must be a number of pixels, not (32, 48)"),
        ("Crooked", "std must be more than 0"),
        ("Square", "if net.py:Square takes pictures of one size only, set its image_size"),
        ("Two", "a picture of 96x64 pixels doesn't fit the network: Two.forward() missing 1 required positional"),
    ],
)
def test_what_a_network_says_wrongly_is_explained(run, own: None, name: str, message: str) -> None:
    for command in (("layers", f"net.py:{name}"), ("classify", "photo.png", "-m", f"net.py:{name}=net.pth")):
        outcome = run(*command)
        assert outcome.code in (1, 2)
        assert message in outcome.err
        assert outcome.err.count("\n") == 1
        assert ("set its image_size" in outcome.err) == (name == "Square")  # only with an error that it explains


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
    [
        ("Small", 0, ""),
        ("Fixed", 1, "has no classes: the network's head isn't in five.pth: head.weight has shape (5, 8), but"),
    ],
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
    assert "made with your own network; name it with --model net.py:Small --weights FILE" in outcome.err
    assert run("replay", "photo-dream.png", *model).code == 0


def test_replay_tells_changed_code_from_changed_weights(run, own: None) -> None:
    model = ("--model", "net.py:Small", "--weights", "net.pth")
    assert run("dream", "photo.png", *model, "--steps", 1, "--octaves", 1).code == 0
    Path("net.py").write_text(CODE + "# a comment\n")
    assert "identical" in run("replay", "photo-dream.png", *model).err
    Path("net.py").write_text(CODE.replace("nn.ReLU", "nn.Tanh"))
    outcome = run("replay", "photo-dream.png", *model, "--overwrite")
    assert outcome.code == 1
    assert "not the same: the code of net.py:Small has changed since" in outcome.err
    torch.save({name: value + 0.1 for name, value in torch.load("net.pth").items()}, "other.pth")
    outcome = run("replay", "photo-dream.png", "--model", "net.py:Named", "--weights", "net.pth")
    assert "was made by net.py:Small, not by net.py:Named" in outcome.err
    outcome = run("replay", "photo-dream.png", "--model", "net.py:Small", "--weights", "other.pth")
    assert outcome.code == 1
    assert "was made with different weights for net.py:Small; give them with --weights" in outcome.err


def test_a_module_in_python_cannot_be_replayed(run, own: None) -> None:
    module = zoo.load("net.py:Small", random=True).module
    dreamcli.dream("photo.png", model=module, mean=(0.5, 0.5, 0.5), size=48, steps=1, octaves=1).save("out.png")
    for more in ((), ("--model", "net.py:Small", "--weights", "net.pth")):
        outcome = run("replay", "out.png", *more)
        assert outcome.code == 1
        assert outcome.err == (
            "dreamcli: out.png was made by Small, which isn't known here: a module in Python, or a package's network\n"
        )


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


def test_a_missing_weight_is_named_whatever_it_is_called(run, own: None) -> None:
    Path("aux.py").write_text(CODE.replace("self.second", "self.aux1"))
    outcome = run("classify", "photo.png", "-m", "aux.py:Small=net.pth")
    assert outcome.code == 1
    assert "2 of 8 weights missing (aux1.1.weight, aux1.1.bias), 2 unexpected (second.1.weight" in outcome.err


GRAY = """
from torch import nn
from {sibling} import block

class Gray(nn.Module):
    mean, std = 0.13, 0.31
    labels = ["ape", "bee"]

    def __init__(self):
        super().__init__()
        from {sibling} import KERNEL  # while it is built
        self.first, self.second = block({channels}, KERNEL), block(4, KERNEL)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = self.second(self.first(x))
        return dict(maps=x, logits=self.head(x.mean((2, 3))))

ready = Gray()
"""
BLOCKS = """
from torch import nn

KERNEL = {kernel}

def block(channels, kernel):
    return nn.Sequential(nn.Conv2d(channels, 4, kernel, padding=1), nn.ReLU())
"""
FOLDERS = {"a": (1, 3), "b": (3, 5)}  # channels and kernels


@pytest.fixture
def folders(run, photo: Path) -> None:
    """Two folders, each with a network and a sibling that it imports; their files have the same names."""
    for folder, (channels, kernel) in FOLDERS.items():
        Path(folder).mkdir()
        Path(folder, "net.py").write_text(GRAY.format(channels=channels, sibling="blocks"))
        Path(folder, "blocks.py").write_text(BLOCKS.format(kernel=kernel))
        torch.save(zoo.load(f"{folder}/net.py:Gray", random=True).module.state_dict(), f"{folder}.pth")


@pytest.mark.parametrize("wanted", ["Gray", "ready"])
def test_a_file_imports_its_own_siblings(folders: None, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others = ModuleType("blocks")  # somebody else's
    monkeypatch.setitem(sys.modules, "blocks", others)
    path, names = list(sys.path), set(sys.modules)
    for _ in range(2):
        for folder, (channels, kernel) in FOLDERS.items():
            network = zoo.load(f"{folder}/net.py:{wanted}", Path(f"{folder}.pth"))
            assert network.module.first[0].weight.shape == (4, channels, kernel, kernel)
    assert (sys.path, sys.modules["blocks"]) == (path, others)
    assert not {name for name in set(sys.modules) - names if "net" in name or "blocks" in name}


def test_a_file_of_a_package_imports_its_siblings_relatively(folders: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a/__init__.py").touch()
    Path("a/net.py").write_text(GRAY.format(channels=1, sibling=".blocks"))
    theirs = {"a": ModuleType("a"), "a.net": ModuleType("a.net")}  # the caller's, imported before
    theirs["a"].__file__ = str(Path("a/__init__.py").resolve())
    for name, module in theirs.items():
        monkeypatch.setitem(sys.modules, name, module)
    names = set(sys.modules)
    assert zoo.load("a/net.py:Gray", Path("a.pth")).card.is_grey
    assert {name: sys.modules[name] for name in theirs} == theirs
    assert not {name for name in set(sys.modules) - names if name.partition(".")[0] == "a"}


def test_what_a_network_does_depends_on_its_siblings_code_too(folders: None) -> None:
    digests = [zoo.load("a/net.py:Gray", Path("a.pth")).weights_sha256]
    Path("a/blocks.py").write_text(BLOCKS.format(kernel=3) + "# changed\n")
    digests.append(zoo.load("a/net.py:Gray", Path("a.pth")).weights_sha256)
    weights, code = zip(*(digest.split("+") for digest in digests), strict=True)
    assert weights[0] == weights[1]
    assert code[0] != code[1]


QUICK = ("--steps", 1, "--octaves", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("dream", "photo.png", *QUICK),
        ("class", "bee", "--size", 32, *QUICK),
        ("boost", "--layer", "second:1", "--size", 32, *QUICK),
        ("style", "photo.png", "--style", "photo.png", *QUICK),
        ("features", "photo.png", "--layer", "second"),
        ("classify", "photo.png"),
        ("explain", "photo.png", "--size", 32),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_network_of_one_channel_works(run, folders: None, arguments: tuple[object, ...]) -> None:
    outcome = run(*arguments, "--model", "a/net.py:Gray=a.pth")
    assert outcome.code == 0, outcome.err


def test_it_climbs_with_one_in_color(run, folders: None) -> None:
    Path("b/color.py").write_text(Path("b/net.py").read_text().replace("Gray", "Color"))
    models = ("--model", "a/net.py:Gray=a.pth+b/color.py:Color=b.pth")
    for arguments in (("dream", "photo.png"), ("class", "bee", "--size", 32)):
        outcome = run(*arguments, *QUICK, *models)
        assert outcome.code == 0, outcome.err
    assert zoo.load_all(models[1]).networks[1].card.is_grey is False


def test_without_a_head_it_dreams_but_has_no_classes(run, own: None) -> None:
    state = {key: value for key, value in torch.load("net.pth").items() if not key.startswith("head")}
    torch.save({"model": {f"backbone.{key}": value for key, value in state.items()}}, "body.pth")
    model = ("--model", "net.py:Named=body.pth")
    reason = "the network's head isn't in body.pth: 2 of 8 weights missing (head.weight, head.bias)"
    outcome = run("dream", "photo.png", *model, *QUICK)
    assert outcome.code == 0
    assert outcome.lines == [f"photo.png -> photo-dream.png ({reason})"]
    for arguments in (("class", "bee"), ("classify", "photo.png"), ("boost", "--layer", "head:1")):
        outcome = run(*arguments, *model, "--size", 32, *QUICK)
        assert outcome.code in (1, 2)
        assert not list(Path().glob("*-class.png")) + list(Path().glob("*-boost.png"))
    assert run("class", "bee", *model).err == f"dreamcli: net.py:Named has no classes: {reason}\n"
