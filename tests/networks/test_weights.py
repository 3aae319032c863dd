from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from dreamcli.errors import DreamcliError
from dreamcli.networks.weights import assign, fetch, head_of, state_sha256


@pytest.fixture
def linear() -> nn.Module:
    return nn.Linear(3, 2)


GOOD = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": torch.ones(2, 3)}, r"doesn't fit the network: 1 of 2 weights missing \(bias\)$"),
        (GOOD | {"extra": torch.ones(1)}, r"doesn't fit the network: 1 unexpected \(extra\)$"),
        (
            dict.fromkeys("abcde", torch.ones(1)),
            r"2 of 2 weights missing \(weight, bias\), 5 unexpected \(a, b, c and 2 more\)$",
        ),
        ({"weight": torch.ones(3, 2), "bias": torch.zeros(3)}, "the network needs .2, 3. .2 weights differ in shape"),
        (GOOD | {"bias": torch.zeros(3)}, r"bias has shape \(3,\), but the network needs \(2,\)"),
        (GOOD | {"bias": torch.tensor([0, float("nan")])}, "bias holds values that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(linear: nn.Module, state: dict, message: str) -> None:
    with pytest.raises(DreamcliError, match=f"w.pth.* {message}"):
        assign(linear, state, Path("w.pth"))


def networks() -> dict[str, nn.Module]:
    body, head = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()), nn.Linear(2, 4)
    return {"plain": nn.Sequential(body, head), "wrapped": nn.Sequential(nn.Sequential(body, head))}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda state, head: [state.pop(f"{head}.{name}") for name in ("weight", "bias")], "2 of 4 weights missing"),
        (lambda state, head: state.update({f"{head}.weight": torch.ones(7, 2)}), "weight has shape .7, 2., but the"),
        (lambda state, head: state.update({f"{head}.3.weight": state.pop(f"{head}.weight")}), "missing .*3.weight"),
        (lambda state, head: state.update({"other.weight": state.pop(f"{head}.weight")}), "unexpected .other.weight"),
    ],
    ids=["left out", "reshaped", "deeper", "renamed"],
)
@pytest.mark.parametrize("kind", ["plain", "wrapped"])
def test_only_the_head_may_be_missing(kind: str, change, reason: str) -> None:
    network = networks()[kind]
    state, head = network.state_dict(), head_of(network.state_dict())
    assert head == {"plain": "1", "wrapped": "0.1"}[kind]
    change(state, head)
    lost = assign(network, state, Path("w.pth"))
    assert lost
    assert lost.name == head
    assert re.search(rf"^the network's head isn't in w.pth: .*{reason}", lost.reason)
    assert isinstance(network.get_submodule(head), nn.Identity)
    body = next(name for name in state if name.endswith("0.0.weight"))
    for broken in ({body: torch.ones(9, 9)}, {body.replace(".weight", ".7.weight"): torch.ones(1)}):
        with pytest.raises(DreamcliError, match="doesn't fit the network"):
            assign(networks()[kind], state | broken, Path("w.pth"))


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
