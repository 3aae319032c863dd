from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dreamcli.errors import DreamcliError
from dreamcli.networks.weights import assign, fetch, read_state_dict, state_sha256


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("code-was-run",)


@pytest.fixture
def linear() -> nn.Module:
    return nn.Linear(3, 2)


GOOD = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}


@pytest.mark.parametrize(
    "wrapped", [GOOD, {"state_dict": GOOD}, {"model": GOOD}, {f"module.{k}": v for k, v in GOOD.items()}]
)
def test_reads_what_people_save(tmp_path: Path, linear: nn.Module, wrapped: object) -> None:
    torch.save(wrapped, tmp_path / "w.pth")
    assign(linear, read_state_dict(tmp_path / "w.pth"), tmp_path)
    assert torch.equal(linear.weight, torch.ones(2, 3))


def test_half_precision_becomes_float32(tmp_path: Path, linear: nn.Module) -> None:
    save_file({k: v.half() for k, v in GOOD.items()}, tmp_path / "w.safetensors")
    assign(linear, read_state_dict(tmp_path / "w.safetensors"), tmp_path)
    assert linear.weight.dtype == torch.float32


def test_a_pickle_never_runs_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": _Bomb()}, tmp_path / "w.pth")
    with pytest.raises(
        DreamcliError, match="refused, because it isn't a plain state dict and loading it would run code"
    ):
        read_state_dict(tmp_path / "w.pth")
    assert not (tmp_path / "code-was-run").exists()


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
        read_state_dict(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [[1, 2], {}, {"a": 1}, torch.ones(3)])
def test_other_objects_are_refused(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "w.pth")
    with pytest.raises(DreamcliError, match="not a state dict"):
        read_state_dict(tmp_path / "w.pth")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DreamcliError, match=r"none\.pth: no such weights file"):
        read_state_dict(tmp_path / "none.pth")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": torch.ones(2, 3)}, "lacks bias"),
        (GOOD | {"extra": torch.ones(1)}, "has unknown extra"),
        (
            {"a": torch.ones(1), "b": torch.ones(1), "c": torch.ones(1)},
            "lacks weight, bias and has unknown a, b and 1 more",
        ),
        (GOOD | {"bias": torch.zeros(3)}, r"bias has shape \(3,\), but the network needs \(2,\)"),
        (GOOD | {"bias": torch.tensor([0, float("nan")])}, "bias holds values that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(linear: nn.Module, state: dict, message: str) -> None:
    with pytest.raises(DreamcliError, match=f"w.pth: .*{message}"):
        assign(linear, state, Path("w.pth"))


def test_a_state_dicts_digest_depends_on_every_name_type_shape_and_value() -> None:
    digest = state_sha256(GOOD)
    assert digest == state_sha256(dict(reversed(GOOD.items())))
    others = [
        {"weight": GOOD["weight"], "shift": GOOD["bias"]},
        GOOD | {"bias": torch.zeros(2, dtype=torch.int32)},
        GOOD | {"bias": torch.zeros(2, 1)},
        GOOD | {"bias": torch.tensor([0.0, 1.0])},
        {name: tensor.bfloat16() for name, tensor in GOOD.items()},
        GOOD | {"steps": torch.tensor(3)},
    ]
    assert len({digest, *map(state_sha256, others)}) == 7


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """A weights file to download, and where the cached copy goes."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    contents = b"weights"
    name = f"net-{hashlib.sha256(contents).hexdigest()[:8]}.pth"
    (tmp_path / name).write_bytes(contents)
    return (tmp_path / name).as_uri(), tmp_path / "hub" / "checkpoints" / name


def test_fetch_downloads_once_and_checks(remote: tuple[str, Path], tmp_path: Path) -> None:
    url, cached = remote
    digest = hashlib.sha256(b"weights").hexdigest()
    assert fetch(url, cached) == digest
    assert cached.read_bytes() == b"weights"
    (tmp_path / cached.name).unlink()
    assert fetch(url, cached) == digest


def test_a_damaged_download_is_not_kept(remote: tuple[str, Path], tmp_path: Path) -> None:
    url, cached = remote
    (tmp_path / cached.name).write_bytes(b"weightz")
    with pytest.raises(DreamcliError, match="was damaged in transit"):
        fetch(url, cached)
    assert not cached.exists()


def test_a_damaged_cached_file_is_named(remote: tuple[str, Path]) -> None:
    url, cached = remote
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weightz")
    with pytest.raises(DreamcliError, match=r"is damaged .* delete it and try again"):
        fetch(url, cached)
