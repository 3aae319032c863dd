from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dreamcli.errors import DreamcliError
from dreamcli.files import atomic, writing
from dreamcli.files.reading import Picture
from dreamcli.files.writing import write_picture
from tests.conftest import make_fifo, scene
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
    make_fifo(tmp_path / f".fifo{atomic.PARTIAL}")
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
    lock, locked = atomic._lock, []

    def clean_and_lock(*arguments) -> bool:
        locked.append(arguments)
        if len(locked) == 1:
            atomic.remove_leftovers(tmp_path)
        return lock(*arguments)

    monkeypatch.setattr(atomic, "_lock", clean_and_lock)
    write_picture(tmp_path / "out.png", Picture(scene()), RECORD)
    assert len(locked) == 2
    assert os.listdir(tmp_path) == ["out.png"]


def test_without_locks_pictures_are_written_and_leftovers_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(atomic.fcntl, "flock", fail)
    left = leftover(tmp_path)
    atomic.remove_leftovers(tmp_path)
    write_picture(tmp_path / "out.png", Picture(scene()), RECORD)
    assert sorted(os.listdir(tmp_path)) == sorted([left.name, "out.png"])


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("a bug"), KeyboardInterrupt("Ctrl-C")]
)
@pytest.mark.parametrize("removal", ["works", "fails"])
def test_a_failed_write_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, removal: str
) -> None:
    unlink, files = Path.unlink, []

    def unlink_as_on_windows(path: Path, *arguments: object) -> None:
        if removal == "fails" or not files[0].closed:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        unlink(path, *arguments)

    def write(file) -> None:
        files.append(file)
        file.write(b"half a picture")
        raise error

    monkeypatch.setattr(Path, "unlink", unlink_as_on_windows)
    wanted = DreamcliError if isinstance(error, OSError) else type(error)
    with pytest.raises(wanted, match="No space left" if wanted is DreamcliError else str(error)):
        atomic.write_whole(tmp_path / "out.png", write)
    assert len(os.listdir(tmp_path)) == (removal == "fails")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no umask")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_decides_who_may_read_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int) -> None:
    before = os.umask(mask)
    try:
        with monkeypatch.context() as patch:
            patch.delattr(os, "umask")  # it is the whole process's: other threads make files, too
            atomic.write_whole(tmp_path / "out.txt", lambda file: file.write(b"text"))
    finally:
        os.umask(before)
    assert (tmp_path / "out.txt").stat().st_mode & 0o777 == 0o666 & ~mask
