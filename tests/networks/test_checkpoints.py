"""Checkpoints as other programs save them."""

from __future__ import annotations

import argparse
import os
import pathlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from dreamcli.errors import DreamcliError
from dreamcli.networks.checkpoints import matched, read_state_dicts
from dreamcli.networks.weights import assign


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("code-was-run",)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))


def weights(value: float = 1.0) -> dict[str, Tensor]:
    return {name: torch.full_like(tensor, value) for name, tensor in network().state_dict().items()}


def prefixed(prefix: str, value: float = 1.0) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in weights(value).items()}


def taken(path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """What a network gets from a file, and what is said about it."""
    module = network()
    match = matched(read_state_dicts(path), module.state_dict())
    assert not assign(module, match.state, path)
    return module, match.notes


def optimizer() -> dict[str, Any]:
    module = network()
    found = torch.optim.Adam(module.parameters())
    module(torch.rand(2, 3, 3, 3)).sum().backward()
    found.step()
    return found.state_dict()


def averaged() -> dict[str, Tensor]:
    module = network()
    module.load_state_dict(weights())
    return AveragedModel(module).state_dict()


BESIDE = {"epoch": 3, "best": torch.tensor(0.5), "optimizer": optimizer(), "names": ["a"], "scheduler": {"last": 1}}
NAMES = ("state_dict", "model_state_dict", "net", "model", "params", "weights", "ema", "anything")
PREFIXES = ("model.", "module.", "_orig_mod.", "backbone.", "encoder.", "module._orig_mod.model.", "a.b.c.d.")
SAVED: dict[str, object] = {
    "plain": weights(),
    **{f"in {name}": {**BESIDE, name: weights()} for name in NAMES},
    **{f"after {prefix}": prefixed(prefix) for prefix in PREFIXES},
    "in two wrappers, after two prefixes": {**BESIDE, "checkpoint": {"model": prefixed("module.model.")}},
    "averaged": averaged(),
    "averaged, in a wrapper": {**BESIDE, "ema": averaged()},
    "arguments beside it": {"model": weights(), "args": argparse.Namespace(lr=0.1, inner=argparse.Namespace(a=[1]))},
    "paths and scores beside it": {
        "model": weights(), "folder": pathlib.Path("/data"), "best": np.float64(0.5), "at": np.int64(3)
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
def test_reads_what_people_save(tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save(SAVED[name], tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    module, notes = taken(tmp_path / "w.pth")
    assert all(bool((tensor == 1).all()) for tensor in module.state_dict().values())
    assert notes == ()
    assert not any("_Bystander" in str(each) for each in torch.serialization.get_safe_globals())


def test_a_prefix_that_only_the_network_has_is_added(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "w.pth")
    wrapped = nn.Sequential(nn.Sequential(network()))
    match = matched(read_state_dicts(tmp_path / "w.pth"), wrapped.state_dict())
    assert not assign(wrapped, match.state, tmp_path)
    assert match.notes == ()


@pytest.mark.parametrize(
    ("saved", "note"),
    [
        ({"model": weights(1), "ema": weights(2)}, "of its weights, model were taken; ema fit, too"),
        ({**prefixed("query.", 1), **prefixed("key.", 2)}, "of its weights, query were taken; key fit, too"),
        (
            {**prefixed("encoder.", 1), **{f"decoder.{n}.weight": torch.ones(2) for n in range(4)}},
            "decoder.0.weight, decoder.1.weight, decoder.2.weight and 1 more left out of its weights",
        ),
    ],
)
def test_a_choice_is_said(tmp_path: Path, saved: object, note: str) -> None:
    torch.save(saved, tmp_path / "w.pth")
    module, notes = taken(tmp_path / "w.pth")
    assert notes == (note,)
    assert all(bool((tensor == 1).all()) for tensor in module.state_dict().values())


def test_the_weights_that_fit_are_found_among_others(tmp_path: Path) -> None:
    other = {f"layers.{n}.weight": torch.ones(9) for n in range(99)}
    torch.save({"generator": other, "discriminator": prefixed("module."), "step": {"0.weight": torch.ones(1)}},
               tmp_path / "w.pth")  # fmt: skip
    assert taken(tmp_path / "w.pth")[1] == ()


@pytest.mark.parametrize("name", ["w.safetensors", "w.SAFETENSORS", "w.bin", "w.pth", "w"])
@pytest.mark.parametrize("kind", ["safetensors", "torch", "older"])
def test_the_contents_say_what_a_file_is(tmp_path: Path, name: str, kind: str) -> None:
    if kind == "safetensors":
        save_file({key: tensor.half() for key, tensor in weights().items()}, tmp_path / name)
    else:
        torch.save(weights(), tmp_path / name, _use_new_zipfile_serialization=kind == "torch")
    module, _ = taken(tmp_path / name)
    assert module.state_dict()["0.weight"].dtype == torch.float32


def test_a_pickle_never_runs_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for beside in ({}, {"args": argparse.Namespace(a=_Bomb())}):
        torch.save({"weight": _Bomb(), **beside}, tmp_path / "w.pth")
        with pytest.raises(
            DreamcliError, match=r"refused, because it isn't a plain state dict and loading it would run code"
        ):
            read_state_dicts(tmp_path / "w.pth")
    assert not (tmp_path / "code-was-run").exists()


def test_what_would_run_code_is_named(tmp_path: Path) -> None:
    torch.save(network(), tmp_path / "w.pth")
    with pytest.raises(DreamcliError, match=r"run code \(torch\.nn\.modules\.container\.Sequential\); save"):
        read_state_dicts(tmp_path / "w.pth")


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_torchscript_gets_our_advice(tmp_path: Path) -> None:
    torch.jit.script(network()).save(tmp_path / "w.pt")
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(DreamcliError, match=r"w\.pt: a TorchScript file, which is code as well as weights") as caught,
    ):
        read_state_dicts(tmp_path / "w.pt")
    assert "weights_only" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("w.pth", b"hello, this is text", "not a readable weights file"),
        ("w.pth", b"", "not a readable weights file"),
        ("w.pth", b"PK\x03\x04 half a zip file", "not a readable weights file"),
        ("w.safetensors", b"", "not a readable safetensors file"),
        ("w.safetensors", b"\xff" * 100, "not a readable safetensors file"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, name: str, contents: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(DreamcliError, match=message) as caught:
        read_state_dicts(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [[1, 2], {}, {"a": 1}, torch.ones(3), {"model": {"a": [torch.ones(1)]}}])
def test_other_objects_are_refused(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "w.pth")
    with pytest.raises(DreamcliError, match="not a state dict"):
        read_state_dicts(tmp_path / "w.pth")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DreamcliError, match=r"none\.pth: no such weights file"):
        read_state_dicts(tmp_path / "none.pth")
