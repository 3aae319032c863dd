from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that share the cores: one thread each, also of what they start
    os.environ["OMP_NUM_THREADS"] = "1"

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from PIL import Image

from dreamcli.__main__ import main
from dreamcli.engine.compute import Compute
from dreamcli.networks import zoo

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with data and networks that are too large for the repository, or not ours."""
    if not SHARED.is_dir():
        pytest.skip("there is no folder ../shared")
    return SHARED


@pytest.fixture(scope="session")
def network() -> zoo.Network:
    return zoo.load()


@pytest.fixture(scope="session")
def compute() -> Compute:
    return Compute.resolve("cpu", "float32")


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def scene(height: int = 60, width: int = 80) -> np.ndarray:
    """A small picture with edges, gradients and colors, (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    red = 0.5 + 0.5 * np.sin(20 * x + 9 * y)
    green = y
    blue = ((x - 0.4) ** 2 + (y - 0.4) ** 2 < 0.06).astype(float)
    return (np.stack([red, green, blue], 2) * 255).round().astype(np.uint8)


def make_fifo(path: Path) -> bool:
    """Make a FIFO, which blocks whoever opens it; False on systems that have none."""
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
    return hasattr(os, "mkfifo")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    return path


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on stderr, without the time it took."""
        return re.sub(r" in [\d.]+ s(, \S+ pictures per minute)?$", "", self.err, flags=re.MULTILINE).splitlines()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command line in an empty folder, as a person would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(click, "get_app_dir", lambda name: str(tmp_path / "config" / name))
    for variable in [name for name in os.environ if name.startswith("DREAMCLI_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DREAMCLI_MODEL", "dreamnet")  # the quickest; tests/cli/test_ensembles.py tries the defaults
    monkeypatch.setenv("DREAMCLI_JUDGE", "none")

    def runner(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return runner


QUICK = ("--steps", "2", "--octaves", "2")
