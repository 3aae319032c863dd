"""``microscope``: an atlas from the command line, opened in a browser."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torch import nn

from dreamcli.files.record import read_record
from dreamcli.networks import zoo
from dreamcli.networks.registry import OURS
from dreamcli.studio import microscope
from tests.atlas.pages import browsed, pages_from
from tests.conftest import scene

SMALL = ("--size", 32, "--steps", 2, "--octaves", 1)
TWO_LAYERS = ("--layer", "fire2", "--layer", "fire9", "--channels", "0-9")
MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist" / "t10k-images-idx3-ubyte.gz"
opened = contextmanager(browsed)


def photographs(folder: Path, count: int = 11) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.fromarray(np.roll(scene(60, 60 + number), 7 * number, 1)).save(folder / f"{number}.png")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_atlas_of_two_layers(run, tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photos")
    (photos / "broken.png").write_bytes(b"no picture")
    outcome = run("microscope", "-o", "atlas", *TWO_LAYERS, "--photos", photos, *SMALL)
    assert outcome.code == 0, outcome.err
    assert "broken.png" in outcome.err
    folder = Path("atlas")
    assert len(pages_from(folder)) == 1 + 2 + 20
    with Image.open(folder / "fire9" / "3.jpg") as drawn:
        assert drawn.size == (4 * 32, 32)
    with Image.open(folder / "fire9" / "3-photos.jpg") as lit:
        assert lit.width == 3 * 32
        assert lit.height <= 3 * 32
    record = read_record(folder / "fire9" / "3.jpg")
    assert record is not None
    assert len(record.score["feeds"]) == 8
    falls = [fall for _, fall in record.score["classes"]]
    assert falls == sorted(falls, reverse=True)
    with opened(folder) as (page, go):
        for name in ("index.html", "fire9/index.html", "fire9/3.html"):
            go(name)
            assert "dreamnet" in page.title()


def shown(folder: Path) -> dict[str, list[int]]:
    """The channels that have pages, by their layers, in the index of an atlas."""
    index = json.loads((folder / "index.js").read_text().removeprefix("window.ATLAS = ").removesuffix(";\n"))
    return {name: numbers for name, _, _, numbers in index["layers"]}


def test_a_second_run_keeps_the_channels_of_the_first(run, tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photos", 2)
    once = ("--steps", 1, "--octaves", 1)
    assert (
        run("microscope", "-o", "atlas", "--layer", "fire2", "--channels", "0-1", "--photos", photos, *once).code == 0
    )
    folder = Path("atlas")
    before = (folder / "fire2" / "0.html").read_bytes()
    assert b"1.png" in before
    Image.new("RGB", (8, 8)).save(folder / "fire2" / "map.jpg")
    shutil.copy(folder / "fire2" / "0.jpg", folder / "fire2" / "77.jpg")  # its record says 0
    (folder / "fire2" / "78.jpg").write_bytes(b"torn")
    assert run("microscope", "-o", "atlas", "--layer", "fire9", "--channels", "3", "--size", 32, *once).code == 0
    outcome = run("microscope", "-o", "atlas", "--layer", "fire2", "--channels", "5", "--size", 32, *once)
    assert outcome.code == 0, outcome.err
    assert shown(folder) == {"fire2": [0, 1, 5], "fire9": [3]}
    assert len(pages_from(folder)) == 1 + 2 + 4
    assert b"1.png" in (folder / "fire2" / "0.html").read_bytes()  # its photographs
    assert b"photos.jpg" not in (folder / "fire2" / "5.html").read_bytes()
    text = (folder / "fire2" / "index.html").read_text(encoding="utf-8")
    assert "map.jpg" in text
    assert "3 of 128 channels have pages" in text
    # another network's pictures are none of this one's
    other = folder / "fire2" / "1.jpg"
    with Image.open(other) as picture:
        exif = picture.getexif()
        comment = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment.replace(b'"sha256": "', b'"sha256": "0')
        picture.save(other, exif=exif)
    assert run("microscope", "-o", "atlas", "--layer", "fire9", "--channels", "3", "--size", 32, *once).code == 0
    assert shown(folder) == {"fire2": [0, 5], "fire9": [3]}


@pytest.mark.parametrize("model", [*OURS])
def test_atlas_layers_and_features_agree(run, photo: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows_at(*size: object) -> dict[str, dict[str, Any]]:
        table = json.loads(run("layers", model, "--json", *size).out)["layers"]
        return {row["alias"]: row for row in table if row["alias"]}

    monkeypatch.setattr(zoo, "load", cache(zoo.load))
    side = 32 if model == "lenet5" else 48
    with Image.open(photo) as picture:
        picture.resize((side, side)).save("square.png")
    small, rows = rows_at("--size", side), rows_at()
    layers = [f"--layer={alias}" for alias in ("low", "mid", "high")]
    assert run("features", "square.png", "-m", model, *layers, "--raw", "maps.npz").code == 0
    with np.load("maps.npz") as maps:
        assert {name: list(values.shape) for name, values in maps.items()} == {
            small[alias]["name"]: small[alias]["shape"] for alias in ("low", "mid", "high")
        }
    arguments = ("--layer", "high", "--channels", "0", "--size", 32, "--steps", 1, "--octaves", 1)
    outcome = run("microscope", model, "-o", "atlas", *arguments)
    assert outcome.code == 0, outcome.err
    name, shape = rows["high"]["name"], rows["high"]["shape"]
    size = " \N{MULTIPLICATION SIGN} ".join(map(str, shape))
    text = Path(f"atlas/{name}/index.html").read_text(encoding="utf-8")
    assert f"<dt>Output</dt><dd>{size}</dd>" in text
    assert f"1 of {shape[0]} channels have pages" in text
    index = Path("atlas/index.html").read_text(encoding="utf-8")
    row = index[index.index(f'<a class="name" href="{name}/index.html">{name}</a> <span class="alias">high</span>') :]
    assert row[row.index('"Output">') :].startswith(f'"Output">{size}<')


class Corners:
    """Stands for UMAP, which takes a minute to compile: a layout by the first two features."""

    def __init__(self, **_options: object) -> None: ...

    def fit_transform(self, features: np.ndarray) -> np.ndarray:
        return np.array(features[:, :2])


@pytest.fixture
def corners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Corners))  # `.ci/lowest` runs the real one


def test_a_map_of_the_photographs_is_drawn_once(run, corners: None, tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photos", 5)
    arguments = ("microscope", "-o", "atlas", "--layer", "fire9", "--channels", "0-1", "--photos", photos, *SMALL)
    drawn = Path("atlas/fire9/map.jpg")
    outcome = run(*arguments, "--map")
    assert outcome.code == 0, outcome.err
    first = drawn.read_bytes()
    with Image.open(drawn) as picture:
        assert picture.width == picture.height == 2 * 24  # 320 features make 2 x 2 cells; 4 of 32 pixels are cut off
    assert "map.jpg" in Path("atlas/fire9/index.html").read_text(encoding="utf-8")
    made = drawn.stat().st_mtime_ns
    assert run(*arguments, "--map").code == 0
    assert drawn.stat().st_mtime_ns == made
    drawn.write_bytes(b"torn")
    assert run(*arguments, "--map").code == 0
    assert drawn.read_bytes() == first


def test_a_map_needs_photographs_and_umap(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = run("microscope", "-o", "atlas", "--map")
    assert outcome.code == 2
    assert "--photos" in outcome.err
    arguments = ("--layer", "fire9", "--channels", "0", "--photos", photographs(tmp_path / "photos"), "--map", *SMALL)
    monkeypatch.setitem(sys.modules, "umap", None)
    outcome = run("microscope", "-o", "atlas", *arguments)
    assert outcome.code == 1
    assert (
        "a map needs umap-learn, which isn't installed; in a clone of dreamcli, run pip (or uv tool) install '.[map]'"
        in (outcome.err)
    )
    assert not Path("atlas").exists()  # it is asked for before any work


def test_too_few_features_make_no_map(run, corners: None, tmp_path: Path) -> None:
    photos = photographs(tmp_path / "photos", 3)
    arguments = ("--layer", "fire9", "--channels", "0", "--photos", photos, "--map", *SMALL)
    outcome = run("microscope", "-o", "atlas", *arguments)
    assert outcome.code == 0, outcome.err
    assert not Path("atlas/fire9/map.jpg").exists()
    assert 'class="map"' not in Path("atlas/fire9/index.html").read_text(encoding="utf-8")


def test_an_atlas_made_in_parts_has_the_same_bytes(run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("microscope", "-o", "whole", *TWO_LAYERS, *SMALL).code == 0
    planned = microscope.plan_atlas
    monkeypatch.setattr(microscope, "plan_atlas", lambda *arguments: planned(*arguments)[:2])
    assert run("microscope", "-o", "parts", *TWO_LAYERS, *SMALL).code == 0
    monkeypatch.setattr(microscope, "plan_atlas", planned)
    (Path("parts") / "fire2" / "4.jpg").unlink()
    made = (Path("parts") / "fire2" / "9.jpg").stat().st_mtime_ns
    outcome = run("microscope", "-o", "parts", *TWO_LAYERS, *SMALL)
    assert outcome.code == 0, outcome.err
    assert (Path("parts") / "fire2" / "9.jpg").stat().st_mtime_ns == made
    assert contents(Path("parts")) == contents(Path("whole"))
    # and so do the shares of several machines
    for share in ("1/2", "2/2"):
        outcome = run("microscope", "-o", "shared", "--shard", share, *TWO_LAYERS, *SMALL)
        assert outcome.code == 0, outcome.err
        if not (Path("shared") / "index.html").exists():
            assert "still missing" in outcome.err
    assert contents(Path("shared")) == contents(Path("whole"))


def test_a_picture_of_an_atlas_is_replayed(run) -> None:
    assert run("microscope", "-o", "atlas", "--layer", "fire2", "--channels", "1,3", *SMALL).code == 0
    outcome = run("replay", "atlas/fire2/3.jpg", "-o", "again.jpg")
    assert outcome.code == 0, outcome.err
    assert "identical" in outcome.err + outcome.out


def test_wrong_requests_are_refused_before_any_work(run, tmp_path: Path) -> None:
    for arguments, problem in (
        (("--layer", "fire2:3"), "name a whole layer"),
        (("--layer", "fyre2"), "did you mean fire2"),
        (("--channels", "5000-5001"), "no layer of dreamnet has any of these channels"),
        (("--photos", "nowhere"), "nowhere"),
        (("--steps", "0"), "steps"),
    ):
        outcome = run("microscope", "-o", "atlas", *arguments)
        assert outcome.code in (1, 2), arguments
        assert problem in outcome.err
        assert not Path("atlas").exists()
    Path("taken").write_text("mine")
    outcome = run("microscope", "-o", "taken")
    assert outcome.code == 2
    assert Path("taken").read_text() == "mine"
    outcome = run("microscope", "-o", "atlas", *TWO_LAYERS, "--dry-run")
    assert outcome.code == 0
    assert not Path("atlas").exists()


def test_an_atlas_of_the_textbooks_network(run, tmp_path: Path) -> None:
    if not MNIST.is_file():
        pytest.skip("needs the digits of ../shared")
    digits = gzip.decompress(MNIST.read_bytes())
    _, _, rows, columns = struct.unpack(">4i", digits[:16])
    images = np.frombuffer(digits, np.uint8, 30 * rows * columns, 16).reshape(30, rows, columns)
    (tmp_path / "digits").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "digits" / f"{number}.png")
    outcome = run("microscope", "lenet5", "-o", "atlas", "--channels", "0-5", "--photos", "digits", *SMALL)
    assert outcome.code == 0, outcome.err
    text = (Path("atlas") / "index.html").read_text(encoding="utf-8")
    assert "floor((32 - 5) / 1) + 1 = 28" in text
    assert len(pages_from(Path("atlas"))) > 10
    with opened(Path("atlas")) as (page, go):
        go("index.html")
        assert "lenet5" in page.title()


OWN = """
from torch import nn

class Two(nn.Module):
    def __init__(self, num_classes=2):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2), nn.ReLU())
        self.head = nn.Linear(6, num_classes)

    def forward(self, x):
        return self.head(self.second(self.first(x)).mean((2, 3)))
"""


def test_an_atlas_of_a_network_of_ones_own(run, tmp_path: Path) -> None:
    """One that was trained just now to tell red from blue: some channel must speak for each."""
    Path("net.py").write_text(OWN)
    space: dict[str, type[nn.Module]] = {}
    exec(OWN, space)
    torch.manual_seed(0)
    network = space["Two"]()
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(60):
        image = torch.rand(16, 3, 12, 12)
        image[:8, 2] *= 0.2
        image[8:, 0] *= 0.2
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(image), torch.arange(16) // 8).backward()
        optimizer.step()
    torch.save(network.state_dict(), "two.pth")
    outcome = run("microscope", "net.py:Two", "--weights", "two.pth", "-o", "atlas", *SMALL)
    assert outcome.code == 0, outcome.err
    assert len(pages_from(Path("atlas"))) == 1 + 3 + 4 + 6 + 2
    records = [read_record(path) for path in sorted(Path("atlas/second").glob("*.jpg"))]
    spoken = {record.score["classes"][0][0] for record in records if record and record.score["classes"]}
    assert spoken == {"0", "1"}
    with opened(Path("atlas")) as (page, go):
        go("second/0.html")
        assert "second:0" in page.title()
