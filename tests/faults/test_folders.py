"""Oddities in folders, missing permissions, full disks, and inputs that change."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.art import dream
from dreamcli.engine.ascent import NormalizedGradient
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from tests.conftest import QUICK, scene


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount disks")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def give_up_rights() -> None:
    """Bind a superuser by permissions, like other users, from the next program on."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability)  # PR_CAPBSET_DROP


def run_bound(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command line as a user who is bound by permissions."""
    return subprocess.run(
        [sys.executable, "-m", "dreamcli", *map(str, arguments)],
        capture_output=True, text=True, check=False, preexec_fn=give_up_rights,
    )  # fmt: skip


def noise(path: Path, side: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(path)


def test_on_a_full_disk_pictures_that_fit_are_whole_and_the_others_are_reported(run, small_disk: Path) -> None:
    for name, side in (("a", 48), ("b", 200), ("c", 48)):
        noise(Path(f"in/{name}.png"), side)
    outcome = run("dream", "in", "-o", small_disk, *QUICK)
    assert outcome.code == 1
    assert f"could not write {small_disk}/b.png (No space left on device)" in outcome.err
    assert sorted(os.listdir(small_disk)) == ["a.png", "c.png"]
    for name in "ac":
        assert read_picture(small_disk / f"{name}.png").pixels.shape == (48, 48, 3)


def test_a_full_disk_ends_the_run_and_the_same_command_finishes_it(run, small_disk: Path) -> None:
    for number in range(9):
        noise(Path(f"in/{number}.png"), 48 if number == 8 else 200)
    outcome = run("dream", "in", "-o", small_disk, *QUICK)
    assert outcome.code == 1
    # while the third is written, a fourth is made already
    assert [line for line in outcome.lines if "could not write" in line] == [
        f"dreamcli: in/{number}.png: could not write {small_disk}/{number}.png (No space left on device); "
        "free some space, and run the same command again"
        for number in range(4)
    ] + [outcome.lines[-2]]
    assert outcome.lines[-2].startswith("failed: in/0.png, in/1.png, in/2.png, in/3.png: could not write the output (")
    assert outcome.lines[-1] == (
        "dreamcli: stopped with 5 more to go, because the disk is full; free some space, and run the same command again"
    )
    assert os.listdir(small_disk) == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    assert run("dream", "in", "-o", small_disk, *QUICK).code == 0
    assert len(os.listdir(small_disk)) == 9


def test_half_a_line_in_a_report_spoils_no_other(run, photo: Path) -> None:
    assert run("dream", photo, *QUICK, "--report", "log.jsonl").code == 0
    log = Path("log.jsonl")
    log.write_bytes(log.read_bytes() + b'{"time": "2026')
    assert run("dream", photo, *QUICK, "--report", "log.jsonl").code == 0
    first, half, second = log.read_text().splitlines()
    assert (json.loads(first)["status"], half, json.loads(second)["status"]) == ("done", '{"time": "2026', "skipped")


def test_a_report_on_a_full_disk_says_what_helps(run, photo: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(60 * 1024))
    outcome = run("dream", photo, *QUICK, "--report", small_disk / "log.jsonl")
    if outcome.code:  # a page may have been left for it
        assert "log.jsonl (No space left on device); free some space" in outcome.err


def test_a_read_only_disk_fails_before_work(run, photo: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    outcome = run("dream", photo, "-o", small_disk / "x.png", *QUICK)
    assert outcome.code == 2
    assert "no permission to write to the folder" in outcome.err
    outcome = run("dream", photo, "none.png", "-o", small_disk)
    assert outcome.code == 2
    assert outcome.err.count("no permission to write to the folder") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's way of giving up rights")
def test_missing_permissions_are_reported_before_work(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("locked").mkdir(mode=0o500)
    shutil.copy(photo, "secret.png")
    os.chmod("secret.png", 0)
    for arguments, code, message in (
        (["photo.png", "-o", "locked/x.png"], 2, "no permission to write to the folder locked"),
        (["secret.png"], 1, "secret.png: no permission to read it"),
    ):
        done = run_bound("dream", *arguments)
        assert (done.returncode, message in done.stderr, done.stderr.count("\n")) == (code, True, 1), done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_oddities_named_like_pictures_do_not_stop_a_batch(run, photo: Path) -> None:
    folder = Path("in")
    (folder / "folder.png").mkdir(parents=True)
    shutil.copy(photo, folder / "folder.png" / "inside.png")
    shutil.copy(photo, folder / "z.png")
    os.mkfifo(folder / "fifo.png")
    (folder / "loop").symlink_to(".")
    (folder / "self.png").symlink_to("self.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    outcome = run("dream", folder, *QUICK)
    assert outcome.code == 1
    assert outcome.err.splitlines()[:3] == [
        "dreamcli: in/fifo.png: not a regular file",
        "in/z.png -> in-dream/z.png",
        "in/folder.png/inside.png -> in-dream/folder.png/inside.png",
    ]
    assert "2 done, 1 failed" in outcome.err
    outcome = run("dream", folder, "--follow-links", *QUICK)
    assert outcome.code == 1
    assert "in/self.png: can't be read (Too many levels of symbolic links)" in outcome.err
    assert "in/zero.png: not a regular file" in outcome.err
    assert "2 skipped, 3 failed" in outcome.err


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_the_record_names_the_input_that_was_read_not_one_changed_since(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    before = read_picture(photo).sha256

    class Changing(NormalizedGradient):
        def step(self, evaluate) -> None:
            if change == "removed":
                photo.unlink(missing_ok=True)
            else:
                Image.fromarray(255 - scene()).save(photo)
            super().step(evaluate)

    with monkeypatch.context() as patch:
        patch.setattr(dream, "NormalizedGradient", Changing)
        assert run("dream", photo, *QUICK).code == 0
    record = read_record(Path("photo-dream.png"))
    assert record is not None
    assert record.provenance.input == before
    # a later run doesn't mistake the old result for the new input's
    outcome = run("dream", photo, *QUICK)
    assert outcome.code == 1
    assert ("made from another picture" if change == "replaced" else "there is no such file") in outcome.err


def test_a_file_that_another_run_wrote_meanwhile_is_not_overwritten(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = Path("photo-dream.png")

    class Meddling(NormalizedGradient):
        def step(self, evaluate) -> None:
            output.write_bytes(b"another's")
            super().step(evaluate)

    monkeypatch.setattr(dream, "NormalizedGradient", Meddling)
    outcome = run("dream", photo, *QUICK)
    assert outcome.code == 1
    assert "already exists, but was not made by dreamcli" in outcome.err
    assert output.read_bytes() == b"another's"
