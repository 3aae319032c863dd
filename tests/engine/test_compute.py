from __future__ import annotations

import pytest
import torch

from dreamcli.engine.compute import Compute


def test_auto_finds_something_that_runs() -> None:
    compute = Compute.resolve()
    with compute.autocast():
        product = torch.ones(2, 2, device=compute.device) @ torch.ones(2, 2, device=compute.device)
    assert float(product.sum()) == 8


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_named_precision_is_used(precision: str) -> None:
    assert Compute.resolve("cpu", precision).precision == getattr(torch, precision)


def test_a_torch_that_does_not_know_the_processor_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)  # as torch 2.10
    assert Compute.resolve("cpu").precision == torch.float32


@pytest.mark.parametrize(("device", "precision"), [("gpu", "auto"), ("cpu", "float64")])
def test_unknown_names_are_refused(device: str, precision: str) -> None:
    with pytest.raises(ValueError, match="one of"):
        Compute.resolve(device, precision)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a cuda device")
def test_a_missing_device_raises_with_those_available() -> None:
    with pytest.raises(ValueError, match=r"no cuda device on this machine; it has: .*cpu"):
        Compute.resolve("cuda")
