"""Names that files can have."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from tests.conftest import QUICK

NAMES = {
    "emoji": "\N{DOG FACE}\N{ZERO WIDTH JOINER}\N{FIRE}",
    "newline": "two\nlines",
    "control": "\x1b[31mred\x07",
    "not UTF-8": os.fsdecode(b"caf\xe9"),
    "dash": "-o",
    "option": "--help",
    "space": " a ",
    "braces": "{}[*]?%s\\",
    "long": "n" * 251,
    "markup": "[bold]x",
}


@pytest.fixture
def folder(photo: Path) -> Path:
    """Pictures with all these names, in ``in``."""
    folder = photo.parent / "in"
    folder.mkdir()
    for name in NAMES.values():
        shutil.copy(photo, folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("safely", [(), ("--safe-decode",)], ids=["here", "safely"])
def test_a_folder_of_odd_names(run, folder: Path, safely: tuple[str, ...]) -> None:
    outcome = run("dream", "in", *safely, "--steps", 1, "--octaves", 1)
    assert outcome.code == 0, outcome.err
    assert len(outcome.err.splitlines()) == len(NAMES) + 1
    assert all(line.isprintable() for line in outcome.err.replace("\N{ZERO WIDTH JOINER}", "").splitlines())
    assert sorted(os.listdir("in-dream")) == sorted(f"{name}.png" for name in NAMES.values())
    for name in NAMES.values():
        record = read_record(Path("in-dream", f"{name}.png"))
        assert record is not None
        assert record.source == f"in/{name}.png"
    outcome = run("dream", "in", *safely, "--steps", 1, "--octaves", 1, "--json")
    assert json.loads(outcome.out)["counts"] == {"skipped": len(NAMES)}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_single_input_of_each_name(run, photo: Path, name: str) -> None:
    shutil.copy(photo, f"{name}.png")
    before = set(os.listdir())
    assert run("dream", *QUICK, "--", f"{name}.png").code == 0
    (made,) = set(os.listdir()) - before
    assert made.startswith(name[:200])
    assert made.endswith("-dream.png")
    assert read_picture(Path(made)).pixels.shape == (60, 80, 3)


def test_classify_prints_them(run, folder: Path) -> None:
    outcome = run("classify", "in", "--top", 1)
    assert outcome.code == 0
    assert "in/two\\nlines.png" in outcome.out.splitlines()
    assert len(json.loads(run("classify", "in", "--json").out)["pictures"]) == len(NAMES)
