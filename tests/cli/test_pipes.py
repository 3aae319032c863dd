"""Pictures from stdin and to stdout."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dreamcli.__main__ import main
from dreamcli.files.record import read_record
from tests.conftest import scene

QUICK = ("--size", "32", "--steps", "1", "--octaves", "1", "--model", "dreamnet", "--judge", "none")


def piped(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command line in this process, as between two pipes."""
    streams = [io.TextIOWrapper(io.BytesIO(contents), write_through=True) for contents in (given, b"", b"")]
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        code = main(arguments)
    _, out, err = (stream.buffer.getvalue() for stream in streams)  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(arguments, code, out, err)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(scene()).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path / "temporary"))
    return tmp_path


def test_a_picture_goes_through_a_pipe(folder: Path) -> None:
    command = [sys.executable, "-m", "dreamcli", "dream", "-", "-o", "-", *QUICK]
    done = subprocess.run(command, input=jpeg(), capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b"stdin -> -\n"
    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert picture.format == "PNG"
        assert max(picture.size) == 32
    Path("piped.png").write_bytes(done.stdout)
    Path("stdin").write_bytes(jpeg())
    record = read_record(Path("piped.png"))
    assert record is not None
    assert record.source == "stdin"
    again = piped("replay", "piped.png", "-o", "again.png", "--input", "stdin")
    assert b"identical" in again.stderr, again.stderr
    assert not any((folder / "temporary").iterdir())


def test_the_same_as_by_files() -> None:
    Path("photo.jpg").write_bytes(jpeg())
    assert piped("boost", "photo.jpg", "-o", "by-file.png", *QUICK).returncode == 0
    done = piped("boost", "-", *QUICK, given=jpeg())
    assert done.returncode == 0
    with Image.open("by-file.png") as one, Image.open("stdin-boost.png") as other:
        assert one.tobytes() == other.tobytes()
    started = piped("class", "goldfish", "--start", "-", "-o", "-", *QUICK, given=jpeg())
    assert started.returncode == 0, started.stderr
    assert started.stdout.startswith(b"\x89PNG")


def test_a_piped_picture_is_classified() -> None:
    done = piped("classify", "-", "--model", "dreamnet", given=jpeg())
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines()[0] == "stdin"


@pytest.mark.parametrize(
    ("arguments", "given", "problem", "code"),
    [
        (("dream", "-", "-o", "-"), b"", "stdin: an empty file", 1),
        (("dream", "-", "-o", "-"), b"text", "stdin: not a readable picture", 1),
        (("dream", "-", "other.jpg"), b"", "leave out the others", 2),
        (("dream", "-", "-o", "-", "--json"), b"", "both write to stdout", 2),
        (("class", "goldfish", "tench", "-o", "-"), b"", "stdout takes one picture only", 2),
        (("boost", "--count", "2", "-o", "-"), b"", "stdout takes one picture only", 2),
        (("microscope", "-o", "-"), b"", "an atlas is a folder", 2),
    ],
)
def test_what_cannot_be_piped_is_refused(arguments: tuple[str, ...], given: bytes, problem: str, code: int) -> None:
    done = piped(*arguments, given=given)
    assert done.returncode == code
    assert done.stdout == b""
    assert problem in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_closed_end_is_one_line() -> None:
    shell = f"{sys.executable} -m dreamcli boost --layer high {' '.join(QUICK)} -o -"
    for closing in ("0<&-", "1>&-"):
        done = subprocess.run(["sh", "-c", f"{shell} {closing}"], capture_output=True, check=False, timeout=120)
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.returncode == (2 if closing == "1>&-" else 0)
    full = subprocess.run(["sh", "-c", f"{shell} >/dev/full"], capture_output=True, check=False, timeout=120)
    assert full.returncode == 1
    assert b"could not write the picture to stdout (No space left on device)" in full.stderr


def test_a_pixel_of_a_piped_picture_is_worked_out() -> None:
    Path("photo.jpg").write_bytes(jpeg())
    expected = piped("filters", "photo.jpg", "--apply", "edge", "--at", "3,4")
    assert expected.returncode == 0
    done = piped("filters", "-", "--apply", "edge", "--at", "3,4", given=jpeg())
    assert (done.returncode, done.stdout) == (0, expected.stdout)


def test_a_terminal_is_no_pipe(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dreamcli.cli.pipes.sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    outcome = run("dream", "-", *QUICK)
    assert outcome.code == 2
    assert "stdin isn't one" in outcome.err
