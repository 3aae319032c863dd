from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dreamcli.engine.field import Field
from dreamcli.engine.trace import TRACE_SIZE, TraceError, frozen_copy, trace

from .test_activations import Small


@pytest.fixture
def small() -> Small:
    network = Small()
    network(torch.rand(4, 3, 64, 64))  # gives the lazy layer its shape
    return network


def test_a_trace_has_the_order_the_folds_and_the_clobbered(small: Small) -> None:
    found = trace(small, TRACE_SIZE)
    assert [name for what, name in found.events if what == "start"][:4] == ["conv", "norm", "relu", "conv2"]
    assert found.foldable == [("conv", "norm"), ("conv2", "norm2")]
    assert {"norm", "norm2"} <= found.clobbered
    assert found.shapes["relu"] == (1, 8, 64, 96)
    assert found.stem == "conv"
    assert {"relu", "tail"} <= found.passing


def test_events_end_with_the_last_run_of_the_deepest_layer(small: Small) -> None:
    found = trace(small, TRACE_SIZE)
    assert found.until(["conv"]) == [("start", "conv"), ("end", "conv")]
    assert found.until(["relu", "conv"])[-1] == ("end", "relu")
    assert found.until(["relu"]).count(("end", "relu")) == 2


def test_the_network_is_unchanged(small: Small) -> None:
    trace(small.train(), TRACE_SIZE)
    assert small.training
    assert small.norm.training
    assert all(p.requires_grad for p in small.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in small.modules())


def test_a_frozen_copy_shares_its_weights(small: Small) -> None:
    copied = frozen_copy(small)
    assert not copied.training
    for name, parameter in copied.named_parameters():
        assert parameter.data_ptr() == small.get_parameter(name).data_ptr()
        assert not parameter.requires_grad


class Permuted(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1)


class Fixed(nn.Module):
    """Takes images of one width only."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] != 96:
            raise ValueError("wrong width")
        return x


def patches(side: int, channels: int) -> list[nn.Module]:
    return [nn.Conv2d(3, channels, side, stride=side), Permuted(), nn.LayerNorm(channels)]


@pytest.mark.parametrize(
    ("layers", "size", "channels_last"),
    [
        (patches(4, 8), (64, 96), {"1", "2"}),
        (patches(4, 8), (64, 64), {"1", "2"}),
        (patches(4, 8), (90, 60), {"1", "2"}),
        (patches(4, 16), (64, 64), {"1", "2"}),  # as many channels as rows and columns
        (patches(4, 36), (64, 96), {"1", "2"}),  # 2:3, whichever two sides are compared
        (patches(7, 8), (64, 96), {"1", "2"}),  # 9x13, which isn't 2:3
        ([nn.Conv2d(3, 20, 5), nn.MaxPool2d(2), nn.GELU()], (64, 96), set()),  # 20x30x46: 2:3 by chance
        ([nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Upsample(scale_factor=2)], (64, 96), set()),
        ([nn.Conv2d(3, 64, 1), nn.GELU()], (64, 64), set()),
        ([nn.Conv2d(3, 8, 4, 4), nn.Flatten(2)], (64, 96), set()),
        ([Fixed(), *patches(4, 8)], (64, 96), set()),  # there is no telling
    ],
)
def test_channels_last_is_told_by_a_wider_image(
    layers: list[nn.Module], size: tuple[int, int], channels_last: set[str]
) -> None:
    found = trace(nn.Sequential(*layers), size)
    assert found.channels_last == channels_last
    for name in channels_last:
        assert found.shapes[name] == found.shapes["0"]
    assert [row.shape for row in found.layers] == [found.shapes[row.name][1:] for row in found.layers]


def test_a_network_that_leaves_no_doubt_runs_once(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    forward = Small.forward
    monkeypatch.setattr(Small, "forward", lambda self, x: runs.append(1) or forward(self, x))
    trace(small, TRACE_SIZE)
    assert len(runs) == 1


class Padded(nn.Module):
    """Pads before it convolves."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(x, (1, 2, 3, 4)))


@pytest.mark.parametrize(
    ("network", "layer", "fields"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, (3, 5), 2, (1, 0))), "0", (Field(-1, 1, 2), Field(0, 4, 2))),
        (nn.Sequential(nn.Conv2d(3, 4, 3, padding="same", dilation=4)), "0", (Field(-4, 4), Field(-4, 4))),
        (nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(3, 1, 2)), "1", (Field(0, 4, 2), Field(0, 4, 2))),
        (nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.LazyLinear(2)), "0", (Field(0, 1, 2), Field(0, 1, 2))),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "1", None),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten()), "1", None),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4)), "1", None),
        (Padded(), "conv", (Field(-3, -1, 2), Field(-1, 1, 2))),
    ],
)
def test_fields(network: nn.Module, layer: str, fields: tuple[Field, Field] | None) -> None:
    network(torch.rand(1, 3, 16, 24))
    assert trace(network, (16, 24)).fields[layer] == fields


class Function(nn.Module):
    """Any function as a layer."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def between(layer: nn.Module, channels: int = 4) -> nn.Sequential:
    """A layer between two convolutions, the first with a stride, all weights positive."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), layer, nn.Conv2d(channels, 1, 3, 1, 1)).double()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    return network


@pytest.mark.parametrize(
    ("layer", "channels", "stride"),
    [
        (nn.ConvTranspose2d(4, 4, 2, 2), 4, 1),
        (nn.ConvTranspose2d(4, 4, 3, 2, 1, output_padding=1), 4, 1),
        (nn.ConvTranspose2d(4, 4, (3, 5), 3, (0, 1), dilation=2), 4, 2 / 3),
        (nn.ConvTranspose2d(4, 4, 3, 1, 1), 4, 2),
        (nn.PixelShuffle(2), 1, 1),
        (nn.PixelUnshuffle(2), 16, 4),
        (nn.Upsample(scale_factor=2), 4, 1),
        (nn.Upsample(scale_factor=4, mode="bilinear"), 4, 0.5),
        (nn.Upsample(scale_factor=2, mode="bicubic"), 4, 1),
        (nn.Upsample(scale_factor=1.5, mode="nearest-exact"), 4, 4 / 3),
        (nn.Upsample(scale_factor=0.5, mode="bilinear"), 4, 4),
        (nn.Sequential(nn.ConvTranspose2d(4, 4, 2, 2), nn.AvgPool2d(2), nn.Upsample(scale_factor=2)), 4, 1),
    ],
    ids=str,
)
def test_fields_after_resizing_match_gradients(layer: nn.Module, channels: int, stride: float) -> None:
    network, size = between(layer, channels), (48, 64)
    found = trace(network.float(), size)
    fields = found.fields["2"]
    assert fields
    assert fields[0].stride == fields[1].stride == pytest.approx(stride)
    assert found.layers[-1].field_stride == (pytest.approx(stride),) * 2
    image = torch.rand(1, 3, *size, dtype=torch.double, requires_grad=True)
    output = network.double()(image)
    places = len(fields[0].spans)
    start = round(16 / stride / places) * places
    for unit in range(start, start + places):
        image.grad = None
        output[0, 0, unit, unit].backward(retain_graph=True)
        assert image.grad is not None
        for axis, field in enumerate(fields):
            seen = image.grad.abs().sum((0, 1, 3 - axis)).nonzero()
            turn, place = divmod(unit, places)
            first, last = (pixel + turn * field.step for pixel in field.spans[place])
            assert (int(seen.min()), int(seen.max())) == (first, last)


WHOLE = None
NEXT = (Field(-1, 1, 2), Field(-1, 1, 2))  # as the convolution before it


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        (lambda x: F.interpolate(x, (30, 40)), WHOLE),  # where its units lie depends on the size
        (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), WHOLE),
        (lambda x: F.interpolate(x, scale_factor=0.37), WHOLE),
        (lambda x: F.interpolate(x, scale_factor=0.5, mode="area"), WHOLE),
        (lambda x: F.pad(x, (1, 1, 1, 1), mode="circular"), WHOLE),
        (lambda x: F.layer_norm(x, x.shape[1:]), WHOLE),
        (lambda x: x[..., 1:], WHOLE),
        (lambda x: torch.cat([x, x], 3), WHOLE),
        (lambda x: x.flip(3), WHOLE),
        (lambda x: x * x.sum((2, 3), keepdim=True), WHOLE),
        (lambda x: x / x.norm(), WHOLE),
        (lambda x: x.reshape(1, 4, 12, 64), WHOLE),
        (lambda x: F.lp_pool2d(x, 2, 2), WHOLE),
        (lambda x: torch.cat([x[:, :2], F.relu(x[:, 2:])], 1), NEXT),
        (lambda x: x.view(1, 2, 2, 24, 32).transpose(1, 2).reshape(1, 4, 24, 32), NEXT),
        (lambda x: x * x.mean(1, keepdim=True), NEXT),
        (lambda x: F.linear(x.permute(0, 2, 3, 1), torch.ones(4, 4)).permute(0, 3, 1, 2), NEXT),
        (lambda x: F.normalize(x), NEXT),
    ],
)
def test_what_moves_units_in_unknown_ways_sees_the_whole(
    function: Callable[[torch.Tensor], torch.Tensor], fields: tuple[Field, Field] | None
) -> None:
    assert trace(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), Function(function)), (48, 64)).fields["1"] == fields


def test_work_and_notes_of_a_transposed_convolution() -> None:
    layer = trace(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 6, 3, 2)), (9, 10)).layers[1]
    assert layer.shape == (6, 19, 21)
    assert layer.multiply_adds == 9 * 10 * 4 * 6 * 3 * 3
    assert not layer.note


class Failing(nn.Module):
    """Raises an error for any image."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.error = error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError, ValueError, AssertionError])
def test_a_failure_is_located(error: type[Exception]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(Failing(error("too small\nfor me"))))
    with pytest.raises(TraceError, match=r"^1\.0: too small$") as caught:
        trace(network, (16, 24))
    assert (caught.value.layer, caught.value.reason) == ("1.0", "too small")
    assert isinstance(caught.value.__cause__, error)


def test_a_failure_outside_of_all_layers_is_the_networks() -> None:
    with pytest.raises(TraceError, match=r"^the network: RuntimeError$"):
        trace(Failing(RuntimeError()), (16, 24))


def test_meta_devices_give_the_same_trace(small: Small) -> None:
    computed = trace(small, TRACE_SIZE)
    assert trace(small.to("meta"), TRACE_SIZE) == computed
