from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from dreamcli.engine.activations import Activations, InputFormat
from dreamcli.engine.compute import Compute
from dreamcli.engine.trace import TRACE_SIZE, trace

PLAIN = InputFormat(mean=(0, 0, 0), std=(1, 1, 1), minimum=1)


class Small(nn.Module):
    """Everything awkward: batch norms, in-place functions, a layer that runs twice, an unused tail."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(5))
        self.tail_ran = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.norm(self.conv(x)))
        x = self.relu(self.norm2(self.conv2(x)))
        self.tail_ran += 1
        return self.tail(x)


@pytest.fixture
def small() -> Small:
    torch.manual_seed(0)
    network = Small()
    network(torch.rand(4, 3, 64, 64))  # in training mode, for the norms' statistics and the lazy layer's shape
    for norm in (network.norm, network.norm2):
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.normal_(norm.bias)
    return network.eval()


def reference(network: Small, x: torch.Tensor) -> dict[str, torch.Tensor]:
    conv = network.conv(x)
    norm = network.norm(conv)
    conv2 = network.conv2(norm.relu())
    norm2 = network.norm2(conv2)
    return {"conv": conv, "norm": norm, "conv2": conv2, "norm2": norm2, "relu": norm2.relu()}


@pytest.mark.parametrize(
    "layers", [["conv"], ["norm"], ["conv2"], ["norm2"], ["relu"], ["relu", "norm", "conv"], ["conv2", "norm2"]]
)
def test_equals_what_the_whole_network_computes(small: Small, compute: Compute, layers: list[str]) -> None:
    image = torch.rand(1, 3, 64, 64)
    wanted = reference(small, image)
    found = Activations(small, layers, PLAIN, compute)(image)
    assert set(found) == set(layers)
    for layer in layers:
        torch.testing.assert_close(found[layer], wanted[layer], rtol=1e-4, atol=1e-5)


class Listed(nn.Module):
    """Goes through a list, a dictionary and parameters, most of them after the layer that is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.more = nn.ModuleList([nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)])
        self.named = nn.ModuleDict({"last": nn.Conv2d(4, 2, 1)})
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1))])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, layers, scales = self.first(x), list(self.more), list(self.scales)
        names = list(self.named)
        for layer in layers:
            x = layer(x)
        return self.named[names[0]](x * scales[0])


@pytest.mark.parametrize("layer", ["first", "more.0", "more.1", "named.last"])
def test_lists_of_layers_that_are_not_run_can_still_be_read(compute: Compute, layer: str) -> None:
    network, image = Listed().eval(), torch.rand(1, 3, 8, 8)
    network.more[0].register_forward_hook(lambda _m, _i, output: seen.append(output))
    seen: list[torch.Tensor] = []
    network(image)
    found = Activations(network, [layer], PLAIN, compute)(image)[layer]
    if layer == "more.0":
        torch.testing.assert_close(found, seen[0])


class Skipping(nn.Module):
    """A convolution whose output is used twice, once by a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return self.last(self.norm(x) + x)


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1)), "3"),
        (Skipping(), "last"),
    ],
)
def test_only_a_norm_that_alone_takes_the_convolutions_output_is_folded(
    network: nn.Module, layer: str, compute: Compute
) -> None:
    torch.manual_seed(0)
    network(torch.rand(4, 3, 20, 30))
    image = torch.rand(1, 3, 20, 30)
    found = Activations(network, [layer], PLAIN, compute)(image)[layer]
    torch.testing.assert_close(found, network.eval()(image))


def test_stops_at_the_deepest_layer_and_frees_the_rest(small: Small, compute: Compute) -> None:
    activations = Activations(small, ["norm"], PLAIN, compute)
    activations(torch.rand(1, 3, 64, 64))
    assert activations._network.tail_ran == small.tail_ran
    assert isinstance(activations._network.tail, nn.Identity)


def test_the_network_is_unchanged(small: Small, compute: Compute) -> None:
    before = {name: value.clone() for name, value in small.state_dict().items()}
    activations = Activations(small, ["relu"], PLAIN, compute)
    activations(torch.rand(1, 3, 64, 64, requires_grad=True))["relu"].sum().backward()
    for name, value in small.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.grad is None and p.requires_grad for p in small.parameters())
    assert not any(module._forward_hooks for module in small.modules())
    assert not any(p.requires_grad for p in activations._network.parameters())


@pytest.mark.parametrize("padding", [0, 1])
def test_normalizes_the_image(small: Small, compute: Compute, padding: int) -> None:
    small.conv.padding = (padding, padding)
    image = torch.rand(1, 3, 64, 64)
    shaped = InputFormat(mean=(0.1, 0.2, 0.3), std=(0.5, 0.4, 0.3))
    fed = (image - torch.tensor(shaped.mean).view(3, 1, 1)) / torch.tensor(shaped.std).view(3, 1, 1)
    found = Activations(small, ["conv"], shaped, compute)(image)["conv"]
    torch.testing.assert_close(found, small.conv(fed), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "size", "fitted"),
    [
        (InputFormat(minimum=32), (1, 1), (32, 32)),
        (InputFormat(minimum=32), (7, 500), (32, 500)),
        (InputFormat(minimum=32), (40, 33), (40, 33)),
        (InputFormat(fixed=24), (99, 7), (24, 24)),
    ],
)
def test_fits_any_picture_into_the_network(form: InputFormat, size: tuple[int, int], fitted: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, requires_grad=True)
    result = form.fit(image)
    assert tuple(result.shape[2:]) == fitted == form.fitted_size(*size)
    result.sum().backward()
    assert image.grad is not None
    assert bool((image.grad > 0).all())


def test_an_unknown_layer_raises_with_its_name(small: Small, compute: Compute) -> None:
    with pytest.raises(KeyError, match="conv9"):
        Activations(small, ["conv", "conv9"], PLAIN, compute)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("squeezenet1_1", "features.7"),
        ("resnet18", "layer3"),
        ("googlenet", "inception4a"),
        ("densenet121", "features.denseblock2"),
        ("mobilenet_v3_small", "features.8"),
        ("vgg11_bn", "features.14"),
        ("convnext_tiny", "features.3"),
        ("shufflenet_v2_x0_5", "stage3"),
    ],
)
def test_agrees_with_torchvisions_own_feature_extraction(name: str, layer: str, compute: Compute) -> None:
    from torchvision.models.feature_extraction import create_feature_extractor

    torch.manual_seed(0)
    options = {"init_weights": False} if name == "googlenet" else {}
    network = torchvision.models.get_model(name, weights=None, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # as if trained: folding must carry every term
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    network.eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        wanted = create_feature_extractor(network, [layer], suppress_diff_warning=True)(image)[layer]
        found = Activations(network, [layer], PLAIN, compute)(image)[layer]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))


def test_bfloat16_is_close_to_float32(small: Small, compute: Compute) -> None:
    image = torch.rand(1, 3, 64, 64)
    exact = Activations(small, ["relu"], PLAIN, compute)(image)["relu"]
    rough = Activations(small, ["relu"], PLAIN, Compute(compute.device, torch.bfloat16))(image)["relu"]
    assert rough.dtype == torch.bfloat16
    assert float((rough.float() - exact).abs().mean()) < 0.02 * float(exact.abs().mean())


@pytest.mark.parametrize("layer", ["features.1", "features.3.0.mlp"])
def test_channels_last_layers_are_returned_channels_first(compute: Compute, layer: str) -> None:
    torch.manual_seed(0)
    network = torchvision.models.swin_t(weights=None).eval()
    seen: list[torch.Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(lambda *given: seen.append(given[2]))
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        network(image)
        handle.remove()
        found = Activations(network, [layer], PLAIN, compute)(image)[layer]
    torch.testing.assert_close(found, seen[0].permute(0, 3, 1, 2))
    assert trace(network, TRACE_SIZE).shapes[layer][1] == found.shape[1]


def test_colors_that_are_convolved_separately_are_normalized_separately(compute: Compute) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU(), nn.Conv2d(6, 4, 3)).eval()
    form = InputFormat(minimum=1)
    image = torch.rand(1, 3, 20, 30)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (form.mean, form.std))
    found = Activations(network, ["2"], form, compute)(image)["2"]
    torch.testing.assert_close(found, network((image - mean) / std))


class Encoder(nn.Module):
    """Torch's own transformer, which looks at the weights and settings of its parts before it runs them."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


@pytest.mark.parametrize("layer", ["norm1", "linear1", "norm2"])
def test_a_module_may_look_at_those_that_are_left_out(compute: Compute, layer: str) -> None:
    torch.manual_seed(0)
    network = Encoder().eval()
    name = f"encoder.layers.0.{layer}"
    captured = Activations(network, [name], PLAIN, compute)(torch.rand(1, 3, 32, 32, requires_grad=True))
    assert captured[name].shape == (1, 16, 32 if layer == "linear1" else 16)
    assert captured[name].requires_grad
