"""Weights files made to do harm: nothing of them runs, and each is refused in one line."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import Outcome

SMALL = ("--size", "48", "--steps", "1")
MARK = "code-was-run"


def calling(function: str, *arguments: object) -> bytes:
    """A pickle that calls MODULE.NAME when it is loaded, written by hand, as an attacker would."""
    module, _, name = function.rpartition(".")
    body = b"".join(pickle.dumps(argument, 2)[2:-1] for argument in arguments)  # without the header and the end
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"(" + body + b"tR."


def zipped(payload: bytes, name: str = "archive/data.pkl", **others: bytes) -> bytes:
    """The pickle in the kind of zip that torch.save writes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, payload)
        archive.writestr("archive/version", b"3\n")
        for path, contents in others.items():
            archive.writestr(path, contents)
    return file.getvalue()


class Reduced:
    """An object whose pickle runs a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._made = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._made


def saved(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


TOUCH = f"open({MARK!r}, 'w').close()"
EVAL = calling("builtins.eval", TOUCH)
PICKLES: dict[str, bytes] = {
    "os.system": calling("posix.system" if os.name == "posix" else "nt.system", f"touch {MARK}"),
    "eval": EVAL,
    "exec": calling("builtins.exec", TOUCH),
    "python 2's eval": calling("__builtin__.eval", TOUCH),
    "open": calling("io.open", MARK, "w"),
    "subprocess": calling("subprocess.getoutput", f"touch {MARK}"),
    "runpy": calling("runpy.run_path", "harm.py"),
    "importlib": calling("importlib.import_module", "harm"),
    "pickle in a pickle": calling("pickle.loads", EVAL),
    "torch.load again": calling("torch.load", "harm.pth", None, None),
    "hub": calling("torch.hub.load", "nobody/nothing", "harm"),
    "getattr": calling("builtins.getattr", "harm", "join"),
    "a global without a call": b"\x80\x02cposix\nsystem\n.",
    "in a zip": zipped(EVAL),
    "in a zip, with a second pickle": zipped(pickle.dumps({}), **{"archive/constants.pkl": EVAL}),
    "saved by torch": saved({"weight": Reduced(eval, TOUCH)}),
    "saved by torch, as a key": saved({Reduced(eval, TOUCH): torch.ones(1)}),
    "deeply nested": b"\x80\x02" + b"]" * 100_000 + b".",
    "a lying length": b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"short.",
    "a zip that unpacks to a gigabyte": zipped(pickle.dumps({}), **{"archive/data/0": bytes(2**20) * 300}),
    "a name that climbs": zipped(pickle.dumps({}), name="../../data.pkl"),
}


def lying(header: dict[str, Any] | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file whose header says something else than what is there."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
SAFETENSORS: dict[str, bytes] = {
    "a header of 2^63 bytes": lying({}, length=2**63),
    "a header longer than the file": lying({"a": ONE}, b"1234", length=10_000),
    "no JSON": lying(b"{" * 1000),
    "deep JSON": lying(b"[" * 50_000),
    "offsets beyond the end": lying({"a": ONE | {"data_offsets": [0, 4000]}}, b"1234"),
    "offsets backwards": lying({"a": ONE | {"data_offsets": [4, 0]}}, b"1234"),
    "negative shape": lying({"a": ONE | {"shape": [-1]}}, b"1234"),
    "shape that overflows": lying({"a": ONE | {"shape": [2**62, 4]}}, b"1234"),
    "overlapping": lying({"a": ONE, "b": ONE}, b"1234"),
    "unknown type": lying({"a": ONE | {"dtype": "F33"}}, b"1234"),
    "a duplicate": lying(b'{"a":' + json.dumps(ONE).encode() + b',"a":' + json.dumps(ONE).encode() + b"}", b"1234"),
    "a hole": lying({"a": ONE | {"data_offsets": [4, 8]}}, b"12345678"),
}


@pytest.fixture(autouse=True)
def harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code within reach of the pickles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("harm.py").write_text(TOUCH)
    Path("harm.pth").write_bytes(EVAL)


def refused(run: Callable[..., Outcome], photo: Path, weights: str) -> str:
    outcome = run("dream", photo, "--model", "squeezenet1_1", "--weights", weights, "--layer", "features.3", *SMALL)
    assert outcome.code == 1
    assert not Path(MARK).exists()
    assert not Path("photo-dream.png").exists()
    (line,) = outcome.err.splitlines()
    assert weights in line
    assert not re.search(r"unexpected \w+(Error|Exception)", line)
    return line


@pytest.mark.parametrize("name", PICKLES)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_no_pickle_runs_its_code(run: Callable[..., Outcome], photo: Path, name: str, suffix: str) -> None:
    Path(f"bad{suffix}").write_bytes(PICKLES[name])
    refused(run, photo, f"bad{suffix}")


@pytest.mark.parametrize("name", SAFETENSORS)
def test_lying_headers_are_refused(run: Callable[..., Outcome], photo: Path, name: str) -> None:
    Path("bad.safetensors").write_bytes(SAFETENSORS[name])
    refused(run, photo, "bad.safetensors")


def test_a_folder_and_a_fifo_are_refused(run: Callable[..., Outcome], photo: Path) -> None:
    Path("folder.pth").mkdir()
    assert "no such weights file" in refused(run, photo, "folder.pth")
    if hasattr(os, "mkfifo"):
        os.mkfifo("fifo.safetensors")
        assert "no such weights file" in refused(run, photo, "fifo.safetensors")


def test_the_pickles_do_harm_where_they_are_trusted() -> None:
    pickle.loads(PICKLES["eval"])
    assert Path(MARK).exists()
