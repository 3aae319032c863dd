from __future__ import annotations

import os
from pathlib import Path

import pytest

from dreamcli.files import atomic, writing
from dreamcli.files.reading import Picture
from dreamcli.files.writing import write_picture
from tests.conftest import scene
from tests.files.test_record import RECORD


def leftover(folder: Path, name: str = "out") -> Path:
    """A temporary file of a run that was killed."""
    path = folder / f".{name}.abcdefgh{atomic.PARTIAL}"
    path.write_bytes(b"half a pict")
    return path


def test_leftovers_of_killed_runs_are_removed_and_nothing_else(tmp_path: Path) -> None:
    leftover(tmp_path)
    spared = [tmp_path / name for name in ("out.png", ".hidden", f"visible{atomic.PARTIAL}", ".other.partial")]
    for path in spared:
        path.touch()
    os.mkfifo(tmp_path / f".fifo{atomic.PARTIAL}")
    (tmp_path / f".link{atomic.PARTIAL}").symlink_to(tmp_path / "out.png")
    (tmp_path / f".folder{atomic.PARTIAL}").mkdir()
    atomic.remove_leftovers(tmp_path)
    assert all(path.exists() for path in spared)
    assert not list(tmp_path.glob(".out*"))
    atomic.remove_leftovers(tmp_path / "none")
    atomic.remove_leftovers(tmp_path / ("n" * 300))


def test_a_temporary_file_that_is_being_written_is_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = writing._save

    def clean_meanwhile(file, *arguments) -> None:
        save(file, *arguments)
        leftover(tmp_path)
        atomic.remove_leftovers(tmp_path)

    monkeypatch.setattr(writing, "_save", clean_meanwhile)
    write_picture(tmp_path / "out.png", Picture(scene()), RECORD)
    assert os.listdir(tmp_path) == ["out.png"]


def test_a_temporary_file_that_was_taken_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = atomic.tempfile.mkstemp, []

    def make_and_clean(*arguments) -> object:
        made.append(make(*arguments))
        if len(made) == 1:
            atomic.remove_leftovers(tmp_path)
        return made[-1]

    monkeypatch.setattr(atomic.tempfile, "mkstemp", make_and_clean)
    write_picture(tmp_path / "out.png", Picture(scene()), RECORD)
    assert len(made) == 2
    assert os.listdir(tmp_path) == ["out.png"]


def test_without_locks_pictures_are_written_and_leftovers_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(atomic.fcntl, "flock", fail)
    left = leftover(tmp_path)
    atomic.remove_leftovers(tmp_path)
    write_picture(tmp_path / "out.png", Picture(scene()), RECORD)
    assert sorted(os.listdir(tmp_path)) == sorted([left.name, "out.png"])
