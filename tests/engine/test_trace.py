from __future__ import annotations

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


@pytest.mark.parametrize(("size", "detected"), [((64, 96), True), ((64, 64), False)])
def test_channels_last_is_detected_in_an_image_of_2_to_3(size: tuple[int, int], detected: bool) -> None:
    class Permuted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1)

    network = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), Permuted(), nn.LayerNorm(8))
    found = trace(network, size)
    assert found.channels_last == ({"1", "2"} if detected else set())
    height, width = size[0] // 4, size[1] // 4
    assert found.shapes["1"] == ((1, 8, height, width) if detected else (1, height, width, 8))
    assert found.layers[1].shape == (height, width, 8)


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
