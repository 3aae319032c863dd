"""Folders that are watched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import scene

QUICK = ("--size", "32", "--steps", "1", "--octaves", "1", "--model", "dreamnet", "--judge", "none")
posix = pytest.mark.skipif(sys.platform == "win32", reason="stops the run by a signal")


def until(path: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} didn't come"
        time.sleep(0.1)


def hearing_ctrl_c() -> None:
    """A shell ignores it in the background, where tests may run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@posix
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_what_comes_into_a_folder_is_made(tmp_path: Path, stop: signal.Signals) -> None:
    pytest.importorskip("watchfiles", reason="--watch needs the extra `watch`")
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    Image.fromarray(scene()).save(tmp_path / "photo.png")
    shutil.copy(tmp_path / "photo.png", inbox / "old.png")
    os.utime(inbox / "old.png", (1e9, 1e9))
    command = [sys.executable, "-m", "dreamcli", "boost", "in", "--watch", "-o", "out", *QUICK]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=hearing_ctrl_c) as run:
        try:
            until(outbox / "old.png")
            (inbox / "torn.png").write_bytes((tmp_path / "photo.png").read_bytes()[:300])
            (inbox / "more").mkdir()
            shutil.copy(tmp_path / "photo.png", inbox / "more" / "new.png")
            until(outbox / "more" / "new.png")
            shutil.copy(tmp_path / "photo.png", inbox / "torn.png")  # whole at last
            until(outbox / "torn.png")
        finally:
            run.send_signal(stop)
            try:
                said = run.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                run.kill()
                raise
    assert said.count("old.png -> out/old.png") == 1
    assert said.count("new.png -> ") == 1
    assert "already made" not in said
    failed = "damaged" in said or "can be read" in said
    assert run.returncode in (failed, 130), said  # 130: the last picture was there, but its run not yet at an end


def test_an_empty_folder_is_waited_for(run, monkeypatch: pytest.MonkeyPatch) -> None:
    watchfiles = pytest.importorskip("watchfiles", reason="--watch needs the extra `watch`")

    def interrupted(*_folders: str, **_options: object) -> object:
        yield set()
        raise KeyboardInterrupt

    monkeypatch.setattr(watchfiles, "watch", interrupted)
    Path("empty").mkdir()
    outcome = run("dream", "empty", "--watch", *QUICK)
    assert outcome.code == 0
    assert outcome.err == "watching empty; press Ctrl-C to stop\n\n"


def test_two_photos_for_one_output_wait_until_they_are_told_apart(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchfiles = pytest.importorskip("watchfiles", reason="--watch needs the extra `watch`")
    one, two, three = (Path("in") / name for name in ("a/photo.png", "b/photo.png", "c/other.png"))

    def come(path: Path) -> set[object]:
        path.parent.mkdir(parents=True)
        shutil.copy(photo, path)
        os.utime(path, (1e9, 1e9))
        return {path}

    def changes(*_folders: str, **_options: object) -> object:
        yield set()
        yield come(two) | come(three)
        yield {three}
        two.unlink()
        yield {two}
        raise KeyboardInterrupt

    come(one)
    monkeypatch.setattr(watchfiles, "watch", changes)
    outcome = run("boost", "in", "--watch", "-o", "{stem}-out.png", *QUICK)
    assert outcome.code == 1
    assert outcome.err.count("dreamcli: ") == 1
    assert "tell them apart, by {stem}, {folder} or a setting" in outcome.err
    assert sorted(path.name for path in Path().glob("*-out.png")) == ["other-out.png", "photo-out.png"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("dream", "photo.png"), "--watch needs folders, but photo.png isn't one"),
        (("dream", "folder", "--dry-run"), "--watch and --dry-run can't be combined"),
        (("dream", "folder", "--json"), "--watch and --json can't be combined"),
        (("features", "folder", "--raw", "a.npz"), "not with --watch"),
        (("boost", "--layer", "high"), "--watch needs a folder"),
    ],
)
def test_what_cannot_be_watched_is_refused(run, photo: Path, arguments: tuple[str, ...], problem: str) -> None:
    Path("folder").mkdir()
    if photo.name != "photo.png":
        photo.rename("photo.png")
    outcome = run(*arguments, "--watch")
    assert outcome.code == 2
    assert problem in outcome.err


def test_without_watchfiles_it_says_so(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    Path("folder").mkdir()
    outcome = run("dream", "folder", "--watch")
    assert outcome.code == 1
    assert "run pip (or uv tool) install '.[watch]'" in outcome.err
