"""What folders are full of besides photographs: what systems keep there, and dreamcli's own pictures."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.errors import DreamcliError
from dreamcli.files.film import write_film
from dreamcli.files.formats import WRITTEN
from dreamcli.files.reading import Picture
from dreamcli.files.walk import find, find_some, seems_ours
from dreamcli.files.writing import write_picture
from tests.conftest import make_fifo, scene
from tests.files.test_record import RECORD

FIXTURES = Path(__file__).parents[1] / "fixtures" / "v0.1"
CLUTTER = (
    "._a.jpg", ".hidden.png", ".thumbnails/a.png", ".AppleDouble/a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
    "#recycle/a.jpg", "#snapshot/a.jpg", "@Recycle/a.jpg", "__MACOSX/._a.jpg", "__MACOSX/b.jpg", "$RECYCLE.BIN/a.jpg",
    "System Volume Information/a.jpg", "deep/.picasaoriginals/a.jpg", "deep/@eaDir/a.jpg", "Thumbs.db", ".DS_Store",
)  # fmt: skip
PHOTOS = ("a.jpg", "deep/b.png", "deep/recycle/c.jpg", "eaDir/d.webp")


def photograph(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(12, 16)).save(path, "PNG")
    return path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (*CLUTTER, *PHOTOS):
        photograph(Path("photos") / name)
    return Path("photos")


def names(given: str, **options: object) -> list[str]:
    return [each.source.as_posix() for each in find(given, **options)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("photos", PHOTOS),
        ("photos/**/*.*[gp]", PHOTOS),
        ("photos/**/*.jpg", ("a.jpg", "deep/recycle/c.jpg")),
        ("photos/*/*", ("deep/b.png", "eaDir/d.webp")),
        ("photos/*/**/*.jpg", ("deep/recycle/c.jpg",)),
        ("photos/*.jpg", ("a.jpg",)),
    ],
)
def test_what_systems_keep_in_folders_is_left_out(library: Path, given: str, found: tuple[str, ...]) -> None:
    assert sorted(names(given)) == sorted(f"photos/{name}" for name in found)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("photos/._a.jpg", "photos/._a.jpg"),
        ("photos/.*.png", "photos/.hidden.png"),
        ("photos/.thumbnails", "photos/.thumbnails/a.png"),
        ("photos/@eaDir/*/*.jpg", "photos/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg"),
        ("photos/__MACOSX", "photos/__MACOSX/b.jpg"),
        ("photos/#recycle/a.jpg", "photos/#recycle/a.jpg"),
    ],
)
def test_what_is_named_is_taken(library: Path, given: str, found: str) -> None:
    assert names(given) == [found]


def test_of_a_folder_photographs_are_taken_from_the_same_files(library: Path) -> None:
    assert sorted(map(Path.as_posix, find_some([library], 100))) == sorted(f"photos/{name}" for name in PHOTOS)


def test_our_own_pictures_are_left_out_and_counted(library: Path) -> None:
    ours = [library / f"ours{suffix}" for suffix in WRITTEN]
    for path in ours:
        write_picture(path, Picture(scene(12, 16)), RECORD)
    left_out: set[Path] = set()
    assert sorted(names("photos", left_out=left_out)) == sorted(f"photos/{name}" for name in PHOTOS)
    assert left_out == set(ours)
    assert names(str(ours[0])) == [ours[0].as_posix()]
    assert names("photos/ours*") == sorted(map(Path.as_posix, ours))


def test_a_folder_of_our_own_pictures_says_how_to_use_them(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Picture(scene(12, 16)), RECORD)
    (found,) = find(str(tmp_path))
    assert found.problem.startswith("all pictures in this folder are dreamcli's own; to use them, name them")
    with pytest.raises(DreamcliError, match="all pictures in this folder are dreamcli's own"):
        find_some([tmp_path], 3)


@pytest.mark.parametrize("suffix", [*WRITTEN, ".gif", "film.webp"])
def test_ours_are_known_by_their_first_bytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    record = replace(RECORD, notes=("a long note" * 1000,))
    if suffix in WRITTEN:
        write_picture(path, Picture(noise), record)
    else:
        write_film(path, [noise, noise[::-1]], 5, record)
    assert path.stat().st_size > 8192
    assert seems_ours(path)
    with Image.open(path) as image:
        image.save(tmp_path / f"b{suffix}", exif=Image.Exif(), comment=b"")
    assert not seems_ours(tmp_path / f"b{suffix}")


def test_ours_of_all_times_are_known() -> None:
    records = {
        path.name for path in FIXTURES.iterdir() if b'"command": "' in path.read_bytes() and path.suffix != ".md"
    }
    assert {path.name for path in FIXTURES.iterdir() if seems_ours(path)} == records
    assert len(records) > 20


def test_oddities_are_not_ours_and_block_nobody(tmp_path: Path) -> None:
    (tmp_path / "cut.webp").write_bytes(b"RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\xff")
    (tmp_path / "loop.webp").write_bytes(b"RIFF\x10\0\0\0WEBP" + bytes(8) * 5)
    (tmp_path / "empty.png").touch()
    make_fifo(tmp_path / "fifo.png")
    for path in (*tmp_path.iterdir(), tmp_path, tmp_path / "none.png"):
        assert not seems_ours(path)


def test_a_second_run_says_how_many_are_left_out(run, library: Path) -> None:
    shutil.rmtree(library / "deep")
    for name in ("one.png", "two.png"):
        write_picture(library / name, Picture(scene(12, 16)), RECORD)
    edges = ("filters", "--apply", "edge")
    outcome = run(*edges, library)
    assert outcome.code == 0
    assert outcome.lines[0].startswith("photos/a.jpg -> photos-filters/a.png")
    assert outcome.lines[1].startswith("photos/eaDir/d.webp -> photos-filters/eaDir/d.png")
    assert outcome.lines[2].startswith("2 done in ")
    assert outcome.lines[2].endswith("; 2 of dreamcli's own pictures left out")
    assert "2 skipped" in run(*edges, library).err
    assert '"left_out": 2' in run(*edges, library, "--json").out
    assert "left out" not in run(*edges, library, "--quiet").err
    outcome = run(*edges, "photos/one.png", "photos-filters", "-o", "out", "--dry-run")
    assert "one.png -> out/photos/one.png" in outcome.err
    assert "photos-filters: all pictures in this folder are dreamcli's own" in outcome.err
    outcome = run("classify", library, "--model", "dreamnet")
    assert outcome.lines == ["2 of dreamcli's own pictures left out"]
    outcome = run("class", "tabby", "--like", library, "--model", "dreamnet", "--dry-run")
    assert outcome.lines[-1] == "2 of dreamcli's own pictures left out"
