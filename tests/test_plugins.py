"""Art forms and networks from other packages."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from dreamcli import plugins

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
SMALL = ("--layer", "fire4", "--size", "48", "--octaves", "1")
BIRDS = """
from pathlib import Path
from torch import nn
from dreamcli.plugins import PackagedNetwork

class BirdNet(nn.Module):
    def __init__(self, num_classes=3):
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU())
        self.head = nn.Linear(6, num_classes)

    def forward(self, x):
        return self.head(self.maps(x).mean((2, 3)))

BIRDS = PackagedNetwork(
    build="birds:BirdNet",
    weights=Path(__file__).with_name("birds.safetensors"),
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    labels=("robin", "wren", "owl"),
    layers=("maps.1", "maps.1", "maps.3"),
    source="a friend",
)
BROKEN = PackagedNetwork(build="birds:Nothing", weights=BIRDS.weights)
MISSING = PackagedNetwork(build="birds:BirdNet", weights=Path("nowhere.safetensors"))
"""


def install(site: Path, name: str, entries: str) -> None:
    """Make a distribution as pip leaves it."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    plugins._entries.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder where packages are installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith(("dreamcli_kaleidoscope", "birds", "bad")):
            del sys.modules[name]
    plugins._entries.cache_clear()


def the_docs_package(site: Path) -> None:
    """Install the package that the docs show."""
    text = PAGE.read_text(encoding="utf-8")
    files = re.findall(r'^```python title="(dreamcli_kaleidoscope/[^"]+)"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    assert len(files) == 4
    for name, code in files:
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(code)
    (toml,) = re.findall(r'^```toml title="pyproject.toml"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    line = re.search(r"^kaleidoscope = .*$", toml, re.MULTILINE)
    assert line
    install(site, "dreamcli_kaleidoscope", f"[dreamcli.forms]\n{line[0].replace(chr(34), '')}\n")


def test_the_docs_art_form_is_a_command_like_any_other(run, site: Path) -> None:
    the_docs_package(site)
    outcome = run("kaleidoscope", *SMALL, "--steps", "40", "-o", "out/{stem}-{seed}.png")
    assert (outcome.code, outcome.err) == (0, "fire4 -> out/fire4-0.png\n")
    with Image.open("out/fire4-0.png") as picture:
        pixels = np.asarray(picture).astype(float)
    assert pixels.shape == (48, 48, 3)
    assert pixels.std() > 10
    assert np.abs(pixels - pixels[:, ::-1]).mean() < np.abs(pixels - np.roll(pixels, 7, 1)).mean() / 2
    again = run("replay", "out/fire4-0.png", "-o", "again.png")
    assert again.code == 0, again.err
    assert "identical" in again.err
    preset = run("replay", "out/fire4-0.png", "--save-preset", "mine")
    assert preset.code == 0, preset.err
    assert run("kaleidoscope", "--preset", "mine", "--dry-run").code == 0
    wrong = run("kaleidoscope", "--symmetry", "-1")
    assert wrong.code == 2
    assert "symmetry" in wrong.err
    assert "did you mean" in run("kaleidoscop").err.lower()
    assert run("kaleidoscope", *SMALL, "--steps", "1", "--count", "3", "--sheet").code == 0
    with Image.open("fire4-kaleidoscope.png") as picture:
        assert picture.width > 3 * 48
    assert run("kaleidoscope", *SMALL, "--steps", "1", "--count", "2", "-o", "more/").code == 0
    assert sorted(path.name for path in Path("more").iterdir()) == [
        "fire4-kaleidoscope-1.png", "fire4-kaleidoscope-2.png"
    ]  # fmt: skip


def test_plugins_are_listed(run, site: Path) -> None:
    outcome = run("plugins")
    assert outcome.code == 0
    assert "no package adds" in outcome.out
    the_docs_package(site)
    outcome = run("plugins")
    kind, name, package, about = outcome.out.strip().split(maxsplit=3)
    assert (kind, name, package) == ("form", "kaleidoscope", "dreamcli_kaleidoscope")
    assert about == "Boost a layer in a picture that is its own mirror image."
    (found,) = json.loads(run("plugins", "--json").out)
    assert found["kind"] == "form"


def test_a_picture_of_a_form_that_is_gone_says_so(run, site: Path) -> None:
    the_docs_package(site)
    assert run("kaleidoscope", *SMALL, "--steps", "1").code == 0
    for info in site.glob("*.dist-info/*"):
        info.unlink()
    plugins._entries.cache_clear()
    outcome = run("replay", "fire4-kaleidoscope.png")
    assert outcome.code == 1
    assert outcome.err == (
        "dreamcli: fire4-kaleidoscope.png was made by the command kaleidoscope, which isn't installed here\n"
    )


def test_a_network_of_another_package(run, site: Path, photo: Path) -> None:
    (site / "birds.py").write_text(BIRDS)
    entries = "\n".join(f"{name} = birds:{name.upper()}" for name in ("birds", "broken", "missing"))
    install(site, "birdnet", f"[dreamcli.networks]\n{entries}\n")
    space: dict[str, type[nn.Module]] = {}
    exec(BIRDS.partition("BIRDS =")[0], space)
    torch.manual_seed(0)
    save_file(space["BirdNet"]().state_dict(), str(site / "birds.safetensors"))
    outcome = run("dream", photo, "--model", "birds", "--size", "48", "--steps", "1", "--layer", "high")
    assert outcome.code == 0, outcome.err
    outcome = run("class", "owl", "--model", "birds", "--size", "48", "--steps", "1", "--judge", "none")
    assert outcome.code == 0, outcome.err
    shown = json.loads(run("models", "birds", "--json").out)
    assert shown["classes"] == 3
    assert shown["high"] == "maps.3"
    assert shown["source"] == "a friend"
    assert "birds" in run("models").out
    assert "did you mean birds?" in run("dream", photo, "--model", "birdz").err
    outcome = run("dream", photo, "--model", "broken")
    assert outcome.code == 1
    assert "broken can't be loaded: AttributeError" in outcome.err
    outcome = run("dream", photo, "--model", "missing")
    assert outcome.code == 1
    assert "nowhere.safetensors" in outcome.err


def test_a_broken_plugin_hurts_only_itself(run, site: Path, photo: Path) -> None:
    (site / "bad.py").write_text("1 / 0")
    (site / "bad_kind.py").write_text("FORM = 3")
    install(site, "bad", "[dreamcli.forms]\nbad = bad:FORM\nbad-kind = bad_kind:FORM\ndream = bad_kind:FORM\n")
    assert run("dream", photo, "--size", "48", "--steps", "1").code == 0
    outcome = run("bad")
    assert outcome.code == 1
    assert "bad can't be loaded: ZeroDivisionError" in outcome.err
    assert "bad-kind can't be loaded: bad_kind:FORM isn't an instance of ArtForm" in run("bad-kind").err
    outcome = run("plugins")
    assert outcome.code == 1
    assert "dreamcli has a command of this name already" in outcome.err
    assert run("--help").code == 0
    install(site, "worse", "[dreamcli.networks]\nworse = bad:NET\n")
    outcome = run("models")
    assert outcome.code == 1
    assert "dreamnet" in outcome.out
    assert outcome.err == "dreamcli: worse can't be loaded: ZeroDivisionError: division by zero\n"


def test_a_network_with_a_name_that_is_taken_is_never_used(run, site: Path, photo: Path) -> None:
    (site / "birds.py").write_text(BIRDS)
    names = ("dreamnet", "lenet5", "efficientnet_lite0", "vgg19_gatys", "resnet18")
    install(site, "birdnet", "[dreamcli.networks]\n" + "\n".join(f"{name} = birds:BIRDS" for name in names))
    for name in names[:4]:
        shown = json.loads(run("models", name, "--json").out)
        assert shown["source"] != "a friend"
    assert run("dream", photo, "--size", "48", "--steps", "1").code == 0
    outcome = run("plugins")
    assert outcome.code == 1
    for name in names:
        told = f"{name}: dreamcli has a network of this name already, so this one is never used" in outcome.err
        assert told == (name != "resnet18")
