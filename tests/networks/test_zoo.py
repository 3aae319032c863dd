from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError, Hint, WrongRequest
from dreamcli.networks import registry, zoo
from dreamcli.networks.registry import OURS, TORCHVISION
from dreamcli.networks.weights import state_sha256
from dreamcli.networks.wheels import file_sha256
from dreamcli.settings.layer_spec import ALIASES


def test_the_bundled_network_loads_ready_to_use(network: zoo.Network) -> None:
    assert not network.module.training
    assert not any(p.requires_grad for p in network.module.parameters())
    assert len(network.weights_sha256) == 64
    with torch.no_grad():
        assert network.module(torch.zeros(2, 3, 64, 48)).shape == (2, 1000)


@pytest.mark.parametrize("name", [name for name, entry in {**OURS, **TORCHVISION}.items() if entry.layers])
def test_layers_chosen_by_hand_exist_and_go_deeper(name: str) -> None:
    network = zoo.load(name, random=True)
    ends = [layer for what, layer in network.trace.events if what == "end"]
    low, mid, high = (ends.index(network.layer(alias)) for alias in ("low", "mid", "high"))
    assert low < mid < high


@pytest.mark.parametrize(
    "name",
    ["shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf", "vgg11", "resnet34", "swin_t", "vit_b_32", "maxvit_t"],
)
def test_any_other_network_has_low_mid_and_high(name: str, compute: Compute) -> None:
    network = zoo.load(name, random=True)
    layers = [network.layer(alias) for alias in ("low", "mid", "high")]
    assert len(set(layers)) == 3
    image = torch.rand(1, 3, 64, 96, requires_grad=True)
    found = Activations(network.module, layers, network.input_format, compute)(image)
    for layer in layers:
        assert found[layer].dim() in (3, 4)
    found[layers[2]].square().sum().backward()
    assert float(image.grad.abs().max()) > 0


def test_an_unknown_model_gets_near_names() -> None:
    with pytest.raises(WrongRequest, match="there is no model 'resnet51'; did you mean resnet50"):
        zoo.load("resnet51")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("classes", [1000, 7])
def test_own_weights_may_have_any_number_of_classes(tmp_path, suffix: str, classes: int) -> None:
    from safetensors.torch import save_file
    from torchvision.models import squeezenet1_1

    torch.manual_seed(3)
    own = squeezenet1_1(num_classes=classes).eval()
    path = tmp_path / f"own{suffix}"
    save_file(own.state_dict(), path) if suffix == ".safetensors" else torch.save(own.state_dict(), path)
    network = zoo.load("squeezenet1_1", path)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.module(image), own(image))
    assert network.weights_sha256 == file_sha256(path)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "swin_t", "maxvit_t", "vit_b_32", "densenet121"])
def test_building_around_weights_leaves_nothing_uninitialised(tmp_path, name: str) -> None:
    """Networks are first built without memory, where buffers that no state dict holds would stay empty."""
    whole = zoo.load(name, random=True)
    path = tmp_path / "own.pth"
    torch.save(whole.module.state_dict(), path)
    network = zoo.load(name, path)
    image = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network.module(image), whole.module(image))


def test_offline_it_says_which_file_goes_where(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def unreachable(*_arguments: object, **_options: object) -> None:
        raise OSError("no connection")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(DreamcliError) as caught:
        zoo.load("squeezenet1_1")
    message = str(caught.value)
    assert "squeezenet1_1-b8a52dc0.pth is not cached" in message
    assert f"put it at {tmp_path}/checkpoints/squeezenet1_1-b8a52dc0.pth" in message
    assert "\n" not in message


def test_a_real_imagenet_network_knows_a_goldfish(shared) -> None:
    import io
    import zipfile

    import numpy as np
    from PIL import Image
    from torchvision.models import SqueezeNet1_0_Weights

    network = zoo.load("squeezenet1_0", shared / "networks" / "squeezenet1_0.safetensors")
    with zipfile.ZipFile(shared / "data" / "imagenet-samples" / "images.zip") as archive:
        picture = Image.open(io.BytesIO(archive.read("001_n01443537_goldfish.webp"))).convert("RGB").resize((224, 224))
    image = torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(t).view(3, 1, 1) for t in (network.input_format.mean, network.input_format.std))
    with torch.no_grad():
        best = network.module((image - mean) / std).argmax()
    assert SqueezeNet1_0_Weights.DEFAULT.meta["categories"][best] == "goldfish"


def test_an_own_network_needs_its_weights(tmp_path: Path) -> None:
    code = tmp_path / "net.py"
    code.write_text("raise SystemExit")  # not run
    for load in (zoo.load, zoo.load_judge):
        with pytest.raises(WrongRequest, match=r"net.py:Net needs weights") as caught:
            load(f"{code}:Net")
        assert caught.value.hint is Hint.WEIGHTS


def test_a_judge_is_named_with_or_without_its_weights(tmp_path: Path) -> None:
    judge = zoo.load_judge("lenet5")
    path = tmp_path / "seven.pth"
    torch.save(zoo.load("lenet5", random=True).module.state_dict(), path)
    other = zoo.load_judge(f"lenet5={path}")
    assert judge.card.name == other.card.name == "lenet5"
    assert judge.weights_sha256 != other.weights_sha256 == file_sha256(path)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.second(self.first(x)).mean((2, 3)))


def test_a_network_in_memory_is_wrapped_and_left_as_it_is(compute: Compute) -> None:
    module = Small().half()
    network = zoo.wrap(module, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2), labels=["ape", "bee", "cow"])
    assert network.card.name == "Small"
    assert network.card.labels == ("ape", "bee", "cow")
    assert network.class_index("Bee") == 1
    assert set(network.card.aliases) == {"low", "mid", "high"}
    assert network.input_format.mean == (0.5, 0.5, 0.5)
    assert network.weights_sha256 == state_sha256(module.state_dict())
    assert module.training
    assert all(p.requires_grad and p.dtype == torch.float16 for p in module.parameters())
    image = torch.rand(1, 3, 40, 50, requires_grad=True)
    before = network.activations([network.output], compute)(image)["head"]
    before.sum().backward()
    assert float(image.grad.abs().max()) > 0
    nn.init.zeros_(module.head.weight)  # further training changes neither the copy nor its digest
    assert torch.equal(replace(network).activations([network.output], compute)(image)["head"], before)


def test_a_wrapped_network_has_the_layers_of_its_name() -> None:
    import torchvision

    module = torchvision.models.resnet18(weights=None)
    named, unnamed = zoo.wrap(module, name="resnet18"), zoo.wrap(module)
    assert named.card.aliases == zoo.load("resnet18", random=True).card.aliases
    assert (unnamed.card.name, unnamed.card.labels[999]) == ("ResNet", "999")
    assert named.card.is_residual
    assert unnamed.card.is_residual
    assert zoo.wrap(Small(), name="resnet18").card.aliases.keys() == {"low", "mid", "high"}
    assert not zoo.wrap(Small(), name="lenet5").card.is_grey
    assert zoo.skeleton("lenet5").card.is_grey


class Tuples(Small):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last((super().forward(x),))[0]


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (Small(), {"labels": ["ape", "bee"]}, "Small has 3 classes, but there are 2 labels"),
        (Small(), {"std": (0.2, 0.0, 0.2)}, "std must be more than 0"),
        (Small(), {"mean": (0.2, float("nan"), 0.2)}, "mean must be finite"),
        (Small(), {"mean": (0.5, 0.5)}, "mean and std must have 3 values each, or 1 for all colors, not 2 and 3"),
        (nn.Flatten(), {}, "Flatten has no weights"),
        (nn.Conv2d(3, 4, 3), {}, "Conv2d doesn't end with a layer that returns a tensor"),
        (nn.Sequential(nn.Conv2d(4, 2, 3)), {}, "a picture of 96x64 pixels doesn't fit 0: "),
    ],
)
def test_what_cannot_be_wrapped_is_explained(module: nn.Module, arguments: dict, message: str) -> None:
    with pytest.raises(DreamcliError, match=message):
        zoo.wrap(module, **arguments)


def test_a_network_without_feature_maps_still_has_aliases() -> None:
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))
    assert set(zoo.wrap(module).card.aliases.values()) <= {"0", "1", "2", "3", "4"}


@pytest.mark.parametrize("name", ["efficientnet_lite0", "vgg19_gatys"])
def test_a_network_from_a_wheel_is_loaded_by_its_name(name: str) -> None:
    network = zoo.load(name)
    assert network.weights_sha256 == OURS[name].sha256
    assert {network.layer(alias) for alias in ALIASES} <= network.trace.shapes.keys()
    assert {*network.card.style_layers, network.card.content_layer} <= network.trace.shapes.keys()
    assert len(network.card.labels) == len(registry.labels_of(name))


def test_a_network_without_classes_refuses_what_needs_them() -> None:
    network = zoo.load("vgg19_gatys")
    assert network.card.labels == ()
    with pytest.raises(WrongRequest, match=r"^vgg19_gatys has no classes$"):
        network.class_index("goldfish")
    with pytest.raises(WrongRequest, match=r"^vgg19_gatys has no classes, so it can't judge$"):
        zoo.load_judge("vgg19_gatys")


def test_a_classifier_that_ends_in_a_pool_keeps_its_classes() -> None:
    assert len(zoo.skeleton("squeezenet1_0").card.labels) == 1000
