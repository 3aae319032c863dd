from __future__ import annotations

import pytest
import torch

from dreamcli.engine.activations import Activations
from dreamcli.engine.compute import Compute
from dreamcli.errors import DreamcliError, WrongRequest
from dreamcli.networks import zoo
from dreamcli.networks.card import ALIASED_LAYERS
from dreamcli.networks.weights import sha256


def test_the_bundled_network_loads_ready_to_use(network: zoo.Network) -> None:
    assert not network.module.training
    assert not any(p.requires_grad for p in network.module.parameters())
    assert len(network.weights_sha256) == 64
    with torch.no_grad():
        assert network.module(torch.zeros(2, 3, 64, 48)).shape == (2, 1000)


@pytest.mark.parametrize("name", sorted(ALIASED_LAYERS))
def test_layers_chosen_by_hand_are_there_and_grow_deeper(name: str) -> None:
    network = zoo.load(name, random=True)
    ends = [layer for what, layer in network.plan.events if what == "end"]
    low, mid, high = (ends.index(network.layer(alias)) for alias in ("low", "mid", "high"))
    assert low < mid < high
    with pytest.raises(WrongRequest, match=r"no layer 'hihg'; did you mean high"):
        network.layer("hihg")


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


def test_an_unknown_model_is_answered_with_near_names() -> None:
    with pytest.raises(WrongRequest, match="there is no model 'resnet51'; did you mean resnet50"):
        zoo.load("resnet51")


def test_a_layer_like_no_other_is_answered_with_all(network: zoo.Network) -> None:
    with pytest.raises(WrongRequest, match="it has low, mid, high, stem, pool1, fire2"):
        network.layer("zzzzzz")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("classes", [1000, 7])
def test_weights_of_ones_own_with_any_number_of_classes(tmp_path, suffix: str, classes: int) -> None:
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
    assert network.weights_sha256 == sha256(path)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "swin_t", "maxvit_t", "vit_b_32", "densenet121"])
def test_building_around_weights_leaves_nothing_uninitialised(tmp_path, name: str) -> None:
    """Networks are built without memory first; buffers that no state dict holds would stay empty."""
    whole = zoo.load(name, random=True)
    path = tmp_path / "own.pth"
    torch.save(whole.module.state_dict(), path)
    network = zoo.load(name, path)
    image = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network.module(image), whole.module(image))


def test_without_a_connection_it_says_what_to_put_where(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
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
