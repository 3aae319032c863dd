from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.errors import DreamcliError
from dreamcli.files.reading import Picture
from dreamcli.files.record import Provenance, Record, read_record
from dreamcli.files.writing import write_picture
from tests.conftest import scene

PROVENANCE = Provenance("dream", {"layers": ["mid"], "strength": 0.5}, {"name": "dreamnet", "sha256": "ab"}, "cd")
BROKEN = (
    '{"job": {"command": "dream", "settings": [], "network": {"name": "x", "sha256": ""}, "input": ""}, "source": ""}'
)
RECORD = Record(PROVENANCE, "größe/写真.jpg", {"dreamcli": "0.1.0"}, {"before": -1.5, "after": 2.0})


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp"])
@pytest.mark.parametrize("alpha", [None, np.full((60, 80), 99, np.uint8)])
def test_every_output_carries_its_record(tmp_path: Path, suffix: str, alpha: np.ndarray | None) -> None:
    path = tmp_path / f"out{suffix}"
    write_picture(path, Picture(scene(), alpha), RECORD)
    assert read_record(path) == RECORD


def test_jobs_are_equal_when_they_give_the_same_picture() -> None:
    assert Record.from_json(RECORD.to_json()).provenance == PROVENANCE
    assert Provenance("dream", {"layers": ("mid",), "strength": 0.5}, PROVENANCE.network, "cd") == PROVENANCE
    for changed in (
        replace(PROVENANCE, command="boost"),
        replace(PROVENANCE, settings={"layers": ["low"], "strength": 0.5}),
        replace(PROVENANCE, network={"name": "dreamnet", "sha256": "xx"}),
        replace(PROVENANCE, input="ee"),
    ):
        assert changed != PROVENANCE


def test_a_picture_of_someone_else_carries_none(tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".webp"):
        path = tmp_path / f"a{suffix}"
        Image.fromarray(scene()).save(path)
        assert read_record(path) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"job": 3}', '{"job": {"command": "dream"}}', BROKEN])
def test_a_record_that_is_none_is_none(tmp_path: Path, text: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("dreamcli", text)
    Image.fromarray(scene()).save(tmp_path / "a.png", pnginfo=info)
    assert read_record(tmp_path / "a.png") is None


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    for name, reason in (("a.png", "not a readable picture"), ("b.png", "no such file")):
        with pytest.raises(DreamcliError, match=reason):
            read_record(tmp_path / name)


@pytest.mark.parametrize(
    ("command", "best_of", "same"), [("class", 1, True), ("class", 2, False), ("boost", 2, True), ("dream", None, True)]
)
def test_a_judge_matters_only_if_it_chooses(command: str, best_of: int | None, same: bool) -> None:
    settings = {} if best_of is None else {"best_of": best_of}
    new = Provenance(command, settings, PROVENANCE.network, "", judge={"name": "lenet5", "sha256": "ab"})
    assert replace(new, judge={}).gives_same_picture_as(new) is same
    assert new.gives_same_picture_as(new)
    assert not replace(new, input="other").gives_same_picture_as(new)
    assert not replace(new, settings={"best_of": None}).gives_same_picture_as(new)  # an edited record
