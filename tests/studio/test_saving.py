"""What saving a result from Python never does: overwrite an input, or somebody else's picture."""

from __future__ import annotations

import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dreamcli
from dreamcli.files.reading import Picture
from dreamcli.files.record import read_record
from dreamcli.studio.pictures import Result, file_of
from tests.conftest import scene
from tests.files.test_record import RECORD

QUICK = {"size": 32, "steps": 1, "octaves": 1, "model": "dreamnet", "judge": "none"}


@pytest.fixture
def result() -> Result:
    return Result(Picture(scene()), RECORD)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three pictures and other names for the first."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("photo.png", "guide.png", "mask.png")):
        Image.fromarray(np.roll(scene(), number, 0)).save(name)
    Path("sub").mkdir()
    os.link("photo.png", "hard.png")
    try:
        Path("soft.png").symlink_to("photo.png")
    except OSError:  # on Windows, not for everyone
        os.link("photo.png", "soft.png")
    return tmp_path


def test_an_input_is_never_overwritten_under_whatever_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dreamcli.dream("photo.png", guide=Path("guide.png"), mask=Image.open("mask.png"), **QUICK)
    names = ("photo.png", "hard.png", "soft.png", "./sub/../photo.png", folder / "photo.png", "guide.png", "mask.png")
    before = {path: path.read_bytes() for path in folder.glob("*.png")}
    for name in names:
        for options in ({}, {"overwrite": True}):
            with pytest.raises(dreamcli.WrongRequest, match="is an input and would be overwritten"):
                made.save(name, **options)
    monkeypatch.chdir("sub")
    with pytest.raises(dreamcli.WrongRequest, match="is an input and would be overwritten"):
        made.save("../photo.png", overwrite=True)
    assert {path: path.read_bytes() for path in folder.glob("*.png")} == before
    made.save("photo.png")
    assert read_record(Path("photo.png")) == made.record


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (b"somebody's", "not made by dreamcli"),
        ("other settings", "made with different settings"),
        ("another input", "made from another picture"),
    ],
)
def test_only_the_same_picture_is_replaced(result: Result, tmp_path: Path, there: bytes | str, reason: str) -> None:
    path, job = tmp_path / "out.png", RECORD.provenance
    if isinstance(there, bytes):
        path.write_bytes(there)
    else:
        changed = replace(job, settings=job.settings | {"seed": 99}) if "settings" in there else replace(job, input="x")
        replace(result, record=replace(RECORD, provenance=changed)).save(path)
    before = path.read_bytes()
    with pytest.raises(dreamcli.DreamcliError, match=f"already exists, but was {reason}"):
        result.save(path)
    assert path.read_bytes() == before
    result.save(path, overwrite=True)
    assert read_record(path) == RECORD
    result.save(path)  # the same one, again


def test_where_a_picture_comes_from_is_known(photo: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", scene())
    with open(photo, "rb") as file, Image.open(photo) as image:
        assert file_of(file) == file_of(image) == file_of(str(photo)) == photo
    assert file_of(np.load(tmp_path / "a.npy", mmap_mode="r")) == tmp_path / "a.npy"
    in_memory = (
        None,
        scene(),
        Image.fromarray(scene()),
        BytesIO(photo.read_bytes()),
        Image.open(BytesIO(photo.read_bytes())),
    )
    assert not any(map(file_of, in_memory))
