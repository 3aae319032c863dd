from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dreamcli.engine import activations as activations_module
from dreamcli.engine.compute import Compute
from dreamcli.engine.mps import GapsOnCPU, layout
from dreamcli.networks.zoo import Network

GAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "a network's pool": lambda image: nn.AdaptiveAvgPool2d(4)(image),
    "pool": lambda image: F.adaptive_avg_pool1d(image[0], 4),
    "area": lambda image: F.interpolate(image, (4, 5), mode="area"),
    "bicubic": lambda image: F.grid_sample(
        image, torch.zeros(1, 2, 2, 2, device=image.device), "bicubic", "border", align_corners=False
    ),
}
OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "max pool": lambda image: F.max_pool2d(image, 2),
    "bilinear": lambda image: F.interpolate(image, (4, 5), mode="bilinear"),
    "product": lambda image: image @ image.mT,
}


@pytest.mark.parametrize("name", GAPS)
def test_what_is_done_on_the_cpu_has_the_same_value_and_gradient(name: str) -> None:
    image = torch.rand(1, 3, 7, 9, requires_grad=True)
    plain = GAPS[name](image)
    (wanted,) = torch.autograd.grad(plain.square().sum(), image)
    with GapsOnCPU("cpu"):
        found = GAPS[name](image)
    assert torch.equal(found, plain)
    assert torch.equal(torch.autograd.grad(found.square().sum(), image)[0], wanted)


@pytest.mark.parametrize("name", [*GAPS, *OTHERS])
def test_only_the_gaps_are_done_on_the_cpu(name: str) -> None:
    image = torch.rand(1, 3, 7, 9, device="meta")  # whose values can't be copied
    with GapsOnCPU("meta"):
        if name in OTHERS:
            OTHERS[name](image)
        else:
            with pytest.raises(NotImplementedError, match="meta"):
                GAPS[name](image)
    with GapsOnCPU("mps"):
        (GAPS | OTHERS)[name](image)


def test_on_mps_the_channels_do_not_come_last(
    network: Network, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert layout(torch.device("cpu")) == layout(torch.device("cuda")) == torch.channels_last
    image = torch.rand(1, 3, 64, 48).contiguous(memory_format=torch.channels_last)
    usual = network.activations(["fire4"], compute)(image)["fire4"]
    assert usual.is_contiguous(memory_format=torch.channels_last)
    network.forget()
    monkeypatch.setattr(activations_module, "layout", lambda _device: layout(torch.device("mps")))
    found = network.activations(["fire4"], compute)(image)["fire4"]
    assert found.is_contiguous()
    torch.testing.assert_close(found, usual, rtol=1e-3, atol=1e-4)
