from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from dreamcli.errors import DreamcliError, Hint
from dreamcli.files.reading import Picture
from dreamcli.files.resume import is_made, look_at, refuse_others
from dreamcli.files.writing import write_picture
from tests.conftest import scene
from tests.files.test_record import PROVENANCE, RECORD

OTHER = replace(PROVENANCE, input="ef")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "out.png"
    write_picture(path, Picture(scene()), RECORD)
    return path


def test_an_output_that_is_not_there_is_not_finished(tmp_path: Path) -> None:
    assert look_at(tmp_path / "out.png") is None
    refuse_others(tmp_path / "out.png", None, PROVENANCE)
    assert not is_made(tmp_path / "out.png", None, PROVENANCE)


@pytest.mark.parametrize(("stopped", "finished"), [("done", True), ("non-finite", True), ("interrupted", False)])
def test_an_output_is_finished_unless_it_was_interrupted(output: Path, stopped: str, finished: bool) -> None:
    write_picture(output, Picture(scene()), replace(RECORD, stopped=stopped))
    existing = look_at(output)
    assert existing is not None
    assert existing.is_finished is finished
    refuse_others(output, existing, PROVENANCE)
    assert is_made(output, existing, PROVENANCE) is finished


def test_a_file_that_was_cut_short_is_not_finished(output: Path) -> None:
    output.write_bytes(output.read_bytes()[:-50])
    existing = look_at(output)
    assert existing is not None
    assert (existing.record, existing.is_whole) == (RECORD, False)
    assert not existing.is_finished
    refuse_others(output, existing, PROVENANCE)


def test_what_is_not_ours_is_not_decoded(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(scene()).save(output)
    monkeypatch.setattr("dreamcli.files.resume.read_picture", lambda *_args, **_options: pytest.fail("decoded"))
    existing = look_at(output)
    assert existing is not None
    assert (existing.record, existing.is_whole) == (None, False)


@pytest.mark.parametrize("hint", [Hint.OVERWRITE, Hint.OVERWRITE_ANIMATION])
def test_something_else_is_refused(output: Path, hint: Hint) -> None:
    with pytest.raises(DreamcliError, match=r"out.png already exists, but was made from another picture$") as caught:
        refuse_others(output, look_at(output), OTHER, hint)
    assert caught.value.hint is hint
    for job in (replace(PROVENANCE, settings={}), replace(OTHER, settings={})):
        with pytest.raises(DreamcliError, match=r"out.png already exists, but was made with different settings$"):
            refuse_others(output, look_at(output), job, hint)
    output.write_text("text")
    with pytest.raises(DreamcliError, match=r"out.png already exists, but was not made by dreamcli$"):
        refuse_others(output, look_at(output), PROVENANCE)
