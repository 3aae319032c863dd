from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import QUICK, scene


@pytest.fixture
def folder(photo: Path) -> Path:
    """Three pictures and a broken one, in a tree."""
    for name in ("in/a.png", "in/deep/b.png", "in/deep/c.png"):
        path = photo.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, path)
    (photo.parent / "in" / "bad.png").write_text("text")
    return photo.parent / "in"


def test_a_dry_run_shows_the_plan_and_its_size(run, folder: Path) -> None:
    (folder.parent / "out").mkdir()
    Image.fromarray(scene()).save(folder.parent / "out" / "a.png")
    outcome = run("dream", "in", "-o", "out", "--dry-run", "--report", "log.jsonl")
    assert outcome.code == 1
    refused = "already exists, but was not made by dreamcli; choose another with -o, or add --overwrite"
    assert outcome.lines == [
        f"dreamcli: in/a.png: out/a.png {refused}",
        "dreamcli: in/bad.png: not a readable picture",
        "in/deep/b.png -> out/deep/b.png",
        "in/deep/c.png -> out/deep/c.png",
        "2 planned, 2 failed; 0.01 megapixels to read",
        f"failed: in/a.png: the output {refused}",
        "failed: in/bad.png: not a readable picture",
    ]
    assert os.listdir("out") == ["a.png"]
    assert not Path("log.jsonl").exists()


def test_a_dry_run_reads_only_headers(run, photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:100])
    assert run("dream", "photo.png", "--dry-run").code == 0


def test_a_report_gets_a_line_for_each_picture(run, folder: Path) -> None:
    assert run("dream", "in", *QUICK, "-o", "out", "--report", "log.jsonl").code == 1
    assert run("dream", "in", *QUICK, "-o", "out", "--report", "log.jsonl", "-q").code == 1
    lines = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [(line["input"], line["status"]) for line in lines] == [
        ("in/a.png", "done"), ("in/bad.png", "failed"), ("in/deep/b.png", "done"), ("in/deep/c.png", "done"),
        ("in/a.png", "skipped"), ("in/bad.png", "failed"), ("in/deep/b.png", "skipped"), ("in/deep/c.png", "skipped"),
    ]  # fmt: skip
    assert {"time", "command", "output", "width", "height", "seconds", "score"} <= set(lines[0])
    assert "not a readable picture" in lines[1]["message"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("log.txt", "must end in .jsonl"),
        ("none/\0/log.jsonl", ""),
        ("photo.png/log.jsonl", "photo.png is not a folder"),
    ],
)
def test_an_unwritable_report_fails_before_work(run, photo: Path, name: str, message: str) -> None:
    outcome = run("dream", "photo.png", *QUICK, "--report", name)
    assert outcome.code in (1, 2)
    assert message in outcome.err
    assert os.listdir() == ["photo.png"]


def test_a_report_never_overwrites_an_input(run, photo: Path) -> None:
    photo.rename("photo.jsonl")
    outcome = run("dream", "photo.jsonl", *QUICK, "--report", "photo.jsonl")
    assert outcome.code == 2
    assert "photo.jsonl is an input and would be overwritten" in outcome.err


def test_the_shards_of_a_folder_add_up_to_all_of_it(run, folder: Path) -> None:
    (folder / "bad.png").unlink()
    shutil.copy(folder / "a.png", folder / "d.png")
    made = [
        {
            entry["input"]
            for entry in json.loads(run("dream", "in", *QUICK, "--shard", f"{i}/3", "--json").out)["pictures"]
        }
        for i in (1, 2, 3)
    ]
    assert sum(map(len, made)) == 4
    assert set.union(*made) == {"in/a.png", "in/d.png", "in/deep/b.png", "in/deep/c.png"}
    assert run("dream", "in", *QUICK).lines[-1] == "4 skipped"


def test_a_shard_names_its_outputs_as_the_whole_batch_would(run, photo: Path) -> None:
    shutil.copy("photo.png", "photo.webp")
    codes = [run("dream", "photo.png", "photo.webp", *QUICK, "-o", "out", "--shard", f"{i}/2").code for i in (1, 2)]
    assert codes == [0, 0]
    assert sorted(os.listdir("out")) == ["photo.png.png", "photo.webp.png"]


def test_an_impossible_shard_is_refused(run, photo: Path) -> None:
    outcome = run("dream", "photo.png", "--shard", "3/2")
    assert outcome.code == 2
    assert "'3/2' is not of the form I/N" in outcome.err


def test_an_unwritable_folder_is_reported_once(run, folder: Path) -> None:
    Path("out").write_text("a file")
    outcome = run("dream", "in", *QUICK, "-o", "out/")
    assert outcome.code == 2
    assert outcome.err == "dreamcli: out/a.png can't be written: out is not a folder\n"


def test_the_summary_groups_failures_by_reason(run, folder: Path) -> None:
    for i in range(7):
        (folder / f"empty{i}.png").touch()
    lines = run("dream", "in", *QUICK, "-o", "out").lines
    assert lines[-3:] == [
        "3 done, 8 failed",
        "failed: in/bad.png: not a readable picture (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC)",
        "failed: in/empty0.png, in/empty1.png, in/empty2.png, in/empty3.png, in/empty4.png and 2 more: an empty file",
    ]


def test_a_terminal_shows_two_progress_bars(run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    err = run("dream", "in", *QUICK).err
    assert "all" in err
    assert "4/4" in err
    assert "octave 1/1  step 2/2" in err
    assert "in/a.png -> in-dream/a.png" in err


@pytest.mark.parametrize(("where", "when"), [("files.decoder", "read_picture"), ("studio.batch", "write_picture")])
def test_ctrl_c_while_reading_or_writing_leaves_whole_pictures_and_a_report(
    run, folder: Path, monkeypatch: pytest.MonkeyPatch, where: str, when: str
) -> None:
    module = importlib.import_module(f"dreamcli.{where}")

    (folder / "bad.png").unlink()
    original, presses = getattr(module, when), [signal.SIGINT]

    def press(path: Path, *rest: object) -> object:
        if path.name == "b.png" and presses:
            os.kill(os.getpid(), presses.pop())
        return original(path, *rest)

    monkeypatch.setattr(module, when, press)
    # a shell ignores it in the background, where tests may run
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    outcome = run("dream", "in", *QUICK, "-o", "out", "--json")
    signal.signal(signal.SIGINT, handler)
    assert outcome.code == 130
    report = json.loads(outcome.out)
    assert report["counts"].get("failed", 0) == 0
    done = sorted(entry["output"] for entry in report["pictures"] if entry["status"] == "done")
    assert done == sorted(str(path) for path in Path("out").rglob("*") if path.is_file())
    assert run("dream", "in", *QUICK, "-o", "out").code == 0


def test_a_report_can_go_into_a_new_folder(run, folder: Path) -> None:
    assert run("dream", "in/a.png", *QUICK, "--report", "logs/run.jsonl").code == 0
    assert len(Path("logs/run.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
def test_an_output_that_is_its_own_input_is_refused(run, photo: Path, more: tuple[str, ...]) -> None:
    assert run("dream", photo, *QUICK, "-o", "out.png").code == 0
    before = Path("out.png").read_bytes()
    outcome = run("dream", "out.png", *QUICK, "-o", "out.png", *more)
    assert outcome.code == 2
    assert "out.png is an input and would be overwritten" in outcome.err
    assert Path("out.png").read_bytes() == before
