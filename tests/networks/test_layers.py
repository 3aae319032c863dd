from __future__ import annotations

import copy
import re

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from dreamcli.errors import DreamcliError
from dreamcli.networks import zoo
from dreamcli.networks.arithmetic import arithmetic
from dreamcli.networks.layers import Layer, aliases_of_rows, layer_table, parameter_total
from dreamcli.networks.registry import OURS, model_names


def rows(network: nn.Module, size: tuple[int, int] = (224, 224)) -> dict[str, Layer]:
    return {layer.name: layer for layer in layer_table(network, size)}


class Branches(nn.Module):
    """Two branches with different fields, joined twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, (3, 5), stride=2, padding=(1, 0))
        self.wide = nn.Conv2d(4, 4, 5, padding=4, dilation=2)
        self.pool = nn.AvgPool2d(2, stride=1)
        self.narrow = nn.Conv2d(4, 4, 2)
        self.shifted = nn.Conv2d(4, 4, 3, padding=1)
        self.down = nn.AvgPool2d(3, 2, padding=1)
        self.last = nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(x))
        joined = self.pool(self.wide(x)) + self.narrow(x)
        both = torch.cat([joined, self.shifted(joined)], 1)
        return self.last(self.down(both))


def seen_by_gradients(network: nn.Module, layer: str, size: tuple[int, int]) -> tuple[int, int]:
    """The number of input rows and columns that the middle unit of a layer depends on."""
    found: list[torch.Tensor] = []
    positive = copy.deepcopy(network).double()
    with torch.no_grad():
        for parameter in positive.parameters():
            parameter.fill_(0.01)
    for module in positive.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, nn.MaxPool2d):  # passes the gradient of one pixel; a mean, of all
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode))
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    positive.eval().get_submodule(layer).register_forward_hook(lambda _m, _i, output: found.append(output))
    image = torch.full((1, 3, *size), 0.5, dtype=torch.double, requires_grad=True)
    positive(image)
    middle = found[0][0].sum(0)
    middle[middle.shape[0] // 2, middle.shape[1] // 2].backward()
    assert image.grad is not None
    touched = image.grad[0].abs().sum(0) > 0
    down, right = touched.any(1).nonzero(), touched.any(0).nonzero()
    return int(down.max() - down.min()) + 1, int(right.max() - right.min()) + 1


@pytest.mark.parametrize("layer", ["stem", "wide", "pool", "narrow", "shifted", "down", "last"])
def test_fields_match_gradients_through_branches(layer: str) -> None:
    size = (96, 110)
    network = Branches()
    assert rows(network, size)[layer].field == seen_by_gradients(network, layer, size)


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("alexnet", "features.12", 320),
        ("dreamnet", "fire9.expand3x3.relu", 256),
        ("googlenet", "inception4b.branch3.1.conv", 384),
        ("resnet18", "layer3.1.conv2", 384),
        ("squeezenet1_1", "features.12.expand3x3", 320),
    ],
)
def test_fields_match_gradients_in_real_networks(name: str, layer: str, size: int) -> None:
    network = zoo.load(name, random=True).module
    found = rows(network, (size, size))[layer]
    assert found.field == seen_by_gradients(network, layer, (size, size))
    assert found.field[0] < size  # no border cut it off


# Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019, table 1; its
# AlexNet ("v2") is torchvision's. Its ResNet-50 has 483, since there each stage's stride is in its last block;
# torchvision, like He et al., puts it in the first, at the 3x3 convolution.
@pytest.mark.parametrize(
    ("name", "layer", "field", "stride"),
    [
        ("alexnet", "features.12", 195, 32),
        ("vgg16", "features.30", 212, 32),
        ("resnet50", "layer4.2.conv3", 427, 32),
        ("googlenet", "inception3a.branch2.1.conv", 43, 8),
    ],
)
def test_fields_are_as_published(name: str, layer: str, field: int, stride: int) -> None:
    found = rows(zoo.skeleton(name).module)[layer]
    assert found.field == (field, field)
    assert found.field_stride == (stride, stride)


TORCHVISIONS = model_names()[len(OURS) :]


def published_total(name: str) -> int:
    return int(torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"])


def makes() -> dict[str, list[str]]:
    """Torchvision's networks by what they are made of, such as "resnet" or "swin_v2", the smallest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(TORCHVISIONS, key=published_total):
        found.setdefault(re.split(r"(?<!v)\d|_(?!v)", name)[0], []).append(name)
    return found


# the larger ones take up to ten seconds to build
@pytest.mark.parametrize("name", [name for names in makes().values() for name in names[:3]])
def test_totals_are_torchvisions(name: str) -> None:
    assert parameter_total(name, zoo.skeleton(name).module) == published_total(name)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet50", "mobilenet_v2", "densenet121", "googlenet"])
def test_work_is_torchvisions(name: str) -> None:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    work = sum(layer.multiply_adds for layer in layer_table(zoo.skeleton(name).module, (224, 224)))
    assert work / 1e9 == pytest.approx(weights.meta["_ops"], rel=0.01, abs=0.001)


def test_shapes_and_parameters_of_a_classic() -> None:
    table = rows(zoo.skeleton("alexnet").module)
    first = table["features.0"]
    assert (first.shape, first.kernel, first.stride, first.padding) == ((64, 55, 55), (11, 11), (4, 4), (2, 2))
    assert first.parameters == 64 * 3 * 11 * 11 + 64
    assert first.multiply_adds == 64 * 55 * 55 * 3 * 11 * 11
    assert table["classifier.1"].parameters == 9216 * 4096 + 4096
    assert table["classifier.6"].field is None


class Shared(nn.Module):
    """Runs one activation and one block twice."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.first = nn.Conv2d(3, 4, 3, 2, 1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1), nn.ReLU())
        self.last = nn.Conv2d(4, 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.first(x))
        return self.act(self.last(self.block(self.block(x)[..., ::2])))


def test_an_alias_stands_beside_the_last_run_of_what_it_means() -> None:
    aliases = {"low": "block", "mid": "act", "high": "act"}
    table = layer_table(Shared(), (32, 32), {"block", "act"})
    found = list(zip((row.name for row in table), aliases_of_rows(table, aliases), strict=True))
    assert found == [
        ("first", ""), ("act", ""), ("block.0", ""), ("block.1", ""), ("block.0", ""), ("block.1", ""),
        ("block", "low"), ("last", ""), ("act", "mid, high"),
    ]  # fmt: skip
    (block,) = [row for row in table if row.is_block]
    assert (block.kind, block.shape, block.parameters, block.multiply_adds) == ("Sequential", (4, 16, 8), 0, 0)
    assert table[-1].shape == (6, 16, 8)


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("dreamnet", "fire9", (512, 14, 14)),
        ("resnet18", "layer3", (256, 14, 14)),
        ("swin_t", "features.3", (192, 28, 28)),
        ("vit_b_16", "encoder", (197, 768)),
    ],
)
def test_a_block_has_the_shape_of_its_output(name: str, layer: str, shape: tuple[int, ...]) -> None:
    network = zoo.skeleton(name)
    without = layer_table(network.module, (224, 224))
    table = network.table(224, [layer])
    assert {row.name: row.shape for row in table}[layer] == shape
    assert [row for row in table if not row.is_block] == without
    aliases = network.card.aliases
    assert {row.name for row in table if row.is_block} <= {layer, *aliases.values()}
    assert sorted(filter(None, aliases_of_rows(table, aliases))) == ["high", "low", "mid"]


def test_a_size_that_does_not_fit_is_explained() -> None:
    table = rows(nn.Sequential(nn.Conv2d(3, 1, 3, stride=3)), (7, 7))
    assert "(7 - 3) / 3 + 1 = 2.33 is not a whole number" in table["0"].note
    assert not rows(nn.Sequential(nn.Conv2d(3, 1, 3, stride=3)), (9, 9))["0"].note


@pytest.mark.parametrize(("name", "size"), [("alexnet", 20), ("vit_b_16", 100), ("inception_v3", 40)])
def test_a_picture_that_does_not_go_through_is_explained(name: str, size: int) -> None:
    with pytest.raises(DreamcliError, match=f"a picture of {size}x{size} pixels doesn't fit"):
        layer_table(zoo.skeleton(name).module, (size, size))


def test_the_network_is_left_as_it_is() -> None:
    network = torchvision.models.squeezenet1_1(weights=None).train()
    layer_table(network, (64, 64))
    assert network.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_the_arithmetic_of_a_transposed_convolution() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(3, 6, 5, 2, groups=3))
    (layer,) = layer_table(network, (9, 10))
    assert arithmetic(layer, network[0]) == (
        "parameters: 6 filters x (5 x 5 x 1) weights + 6 biases = 156",
        "multiply-adds: 150 weights x 9 x 10 places = 13,500",
    )
    assert (layer.parameters, layer.multiply_adds) == (156, 13_500)
