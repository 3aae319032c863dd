"""Ctrl-C, and signals like it, at awkward moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dreamcli.art.octaves import DetailCanvas
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from dreamcli.studio import session
from dreamcli.studio.interrupts import HeldInterrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
SMALL = ("--size", "160", "--steps", "2", "--octaves", "2", "--octave-scale", "1.5", "--model", "dreamnet",
         "--judge", "none")  # fmt: skip


@pytest.fixture(autouse=True)
def pythons_own_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def hearing_all() -> None:
    """The tests may run where signals are ignored: in the background, or under nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def pressing(function: Callable[..., Any], call: int) -> Callable[..., Any]:
    """The function, with Ctrl-C in the middle of its n-th call."""
    calls = iter(range(1, 1000))

    def pressed(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        return result

    return pressed


@pytest.mark.parametrize("moment", ["begin", "end"])
@pytest.mark.parametrize("octave", [1, 2])
def test_between_octaves_the_progress_is_saved(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch, moment: str, octave: int
) -> None:
    monkeypatch.setattr(DetailCanvas, moment, pressing(getattr(DetailCanvas, moment), octave))
    outcome = run("dream", photo, *SMALL)
    assert outcome.code == 130, outcome.err
    record = read_record(Path("photo-dream.png"))
    assert record is not None
    assert read_picture(Path("photo-dream.png")).pixels.shape[1] == 160
    is_whole = (moment, octave) == ("end", 2)
    assert record.stopped == ("done" if is_whole else "interrupted")
    assert ("the best so far" in outcome.err) == (not is_whole)


def test_after_the_last_step_the_picture_is_whole(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "score_of", pressing(session.score_of, 1))
    Path("in").mkdir()
    for name in ("a.png", "b.png"):
        (Path("in") / name).write_bytes(photo.read_bytes())
    outcome = run("dream", "in", "-o", "out", *SMALL)
    assert outcome.code == 130
    record = read_record(Path("out/a.png"))
    assert record is not None
    assert record.stopped == "done"
    assert not Path("out/b.png").exists()
    assert run("dream", "in", "-o", "out", *SMALL).code == 0
    assert Path("out/b.png").exists()


def test_a_second_one_is_heard_at_once() -> None:
    with HeldInterrupts() as held:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        assert held.is_held
        with pytest.raises(KeyboardInterrupt):
            held.watching(None)(None)  # type: ignore[arg-type]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("number", "before", "code"),
    [
        (signal.SIGTERM, "", 130),
        (signal.SIGHUP, "", 130),
        (signal.SIGHUP, "trap '' HUP;", 0),  # as nohup does
    ],
)
def test_other_signals_save_the_progress_too(
    photo: Path, tmp_path: Path, number: signal.Signals, before: str, code: int
) -> None:
    steps = "12" if before else "10000"
    command = (
        f"{before} exec {sys.executable} -m dreamcli dream {photo} -o out.png --animate out.gif --size 100 "
        f"--octaves 1 --steps {steps} --model dreamnet --judge none"
    )
    with subprocess.Popen(
        ["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=hearing_all
    ) as run:
        time.sleep(4)  # wherever it is by now, its progress isn't lost
        run.send_signal(number)
        try:
            said = run.communicate(timeout=120)[1]
        except subprocess.TimeoutExpired:
            run.kill()
            raise
    assert run.returncode == code, said
    assert "Traceback" not in said
    if (tmp_path / "out.png").exists():
        assert read_picture(tmp_path / "out.png").pixels.shape[1] == 100


def test_it_says_that_ctrl_c_was_heard() -> None:
    heard = []
    with HeldInterrupts(lambda: heard.append(1)):
        os.kill(os.getpid(), signal.SIGINT)
        assert heard == [1]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert heard == [1]
