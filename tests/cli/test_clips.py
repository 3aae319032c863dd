"""Videos in, videos out: ``dreamcli dream clip.mp4`` and ``dreamcli style clip.mp4``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.files.existing import record_in
from dreamcli.files.record import read_record
from dreamcli.files.video import read_video
from dreamcli.studio import films
from tests.conftest import scene
from tests.files.clips import pan, write_clip, write_sound

pytest.importorskip("av", reason="films need the extra `video`")
pytest.importorskip("cv2", reason="videos need the extra `video`")
import av

QUICK = {
    "dream": ("--layer", "mid", "--steps", 3, "--octaves", 1),
    "style": ("--style", "other.png", "--steps", 3, "--octaves", 1),
}
FORMS = tuple(QUICK)


@pytest.fixture
def clip(run, tmp_path: Path) -> Path:
    Image.fromarray(scene(50, 40)).save(tmp_path / "other.png")
    return write_clip(tmp_path / "clip.mp4", pan(), sound="aac")


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("form", "suffix"),
    [("dream", "mp4"), ("dream", "webm"), ("dream", "mkv"), ("dream", "gif"), ("dream", "webp"), ("style", "mp4")],
)
def test_a_video_is_made_and_made_again(run, form: str, suffix: str) -> None:
    outcome = run(form, "clip.mp4", *QUICK[form], "-o", f"out.{suffix}")
    assert outcome.code == 0, outcome.err
    assert outcome.lines == ["4 frames of 64x48, 8 per second", f"clip.mp4 -> out.{suffix}"]
    record = record_in(Path(f"out.{suffix}"))
    assert record is not None
    assert (record.job.command, record.source, record.score) == (form, "clip.mp4", {"frames": 4})
    assert not Path(f"out.{suffix}.frames").exists()
    outcome = run("replay", f"out.{suffix}")
    assert outcome.code == 0, outcome.err
    assert outcome.err == f"clip.mp4 -> out-replay.{suffix} identical to out.{suffix}\n"


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("form", FORMS)
def test_every_frame_is_painted_and_the_sound_is_kept(run, form: str) -> None:
    assert run(form, "clip.mp4", *QUICK[form], "-o", "out.mkv").code == 0
    frames = list(read_video(Path("out.mkv")))
    for frame, was in zip(frames, read_video(Path("clip.mp4")), strict=True):
        assert 1 < np.abs(frame.astype(int) - was).mean() < 60
    with av.open("out.mkv") as container:
        assert [stream.codec_context.name for stream in container.streams] == ["ffv1", "aac"]


def test_a_frame_goes_on_from_the_one_before(run, tmp_path: Path) -> None:
    write_clip(tmp_path / "still.mkv", [scene(48, 64)] * 4, codec="ffv1")
    command = ("dream", "still.mkv", "--layer", "mid", "--octaves", 1, "-o", "out.mkv")
    assert run(*command).code == 0
    frames = [frame.astype(int) for frame in read_video(Path("out.mkv"))]
    whole, next_steps = np.abs(frames[0] - scene(48, 64)).mean(), np.abs(frames[1] - frames[0]).mean()
    assert 0 < next_steps < whole / 2
    changes = [np.square(frame - scene(48, 64)).mean() ** 0.5 for frame in frames]
    assert max(changes) < 1.5 * changes[0]  # it doesn't grow from frame to frame


def test_another_scene_begins_anew(run, tmp_path: Path) -> None:
    cut = [scene(48, 64)] * 2 + [255 - scene(60, 80)[:48, :64].swapaxes(0, 1).repeat(2, 1)[:48, :64]] * 2
    write_clip(tmp_path / "cut.mkv", [np.ascontiguousarray(frame) for frame in cut], codec="ffv1")
    write_clip(tmp_path / "second.mkv", [np.ascontiguousarray(frame) for frame in cut[2:]], codec="ffv1")
    for name in ("cut", "second"):
        assert run("dream", f"{name}.mkv", *QUICK["dream"], "-o", f"{name}-out.mkv").code == 0
    third = list(read_video(Path("cut-out.mkv")))[2]
    np.testing.assert_array_equal(third, next(read_video(Path("second-out.mkv"))))


@pytest.mark.usefixtures("clip")
def test_the_size_is_even(run) -> None:
    assert run("dream", "clip.mp4", *QUICK["dream"], "--size", 57, "-o", "out.mp4").code == 0
    assert next(read_video(Path("out.mp4"))).shape == (42, 56, 3)


class Stopped(Exception):
    """A fault in the middle."""


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stop", [Stopped, KeyboardInterrupt])
def test_after_a_fault_the_same_command_goes_on(
    run, monkeypatch: pytest.MonkeyPatch, form: str, stop: type[BaseException]
) -> None:
    command = (form, "clip.mp4", *QUICK[form])
    run(*command, "-o", "whole.mkv")
    real, made = films.repaint, []

    def failing(*arguments):
        if len(made) == 2:
            raise stop
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(films, "repaint", failing)
    outcome = run(*command, "-o", "out.mkv")
    if stop is KeyboardInterrupt:
        assert outcome.code == 130
        assert len(list(read_video(Path("out.mkv")))) == 2
    else:
        assert outcome.code == 1
        assert not Path("out.mkv").exists()
    assert len(list(Path("out.mkv.frames").iterdir())) == 2
    monkeypatch.setattr(films, "repaint", real)
    assert run(*command, "-o", "out.mkv").code == 0
    assert Path("out.mkv").read_bytes() == Path("whole.mkv").read_bytes()


@pytest.mark.usefixtures("clip")
def test_frames_can_be_kept(run) -> None:
    outcome = run("dream", "clip.mp4", *QUICK["dream"], "--keep-frames")
    assert outcome.lines[-1] == "clip.mp4 -> clip-dream.mp4 (frames kept in clip-dream.mp4.frames)"
    frames = sorted(Path("clip-dream.mp4.frames").iterdir())
    assert len(frames) == 4
    record = read_record(frames[2])
    assert record is not None
    assert record.job.settings["index"] == 2
    assert "is a frame of a film; name the film" in run("replay", frames[2]).err


@pytest.mark.usefixtures("clip")
def test_a_plan_says_how_many_frames_and_how_long(run) -> None:
    outcome = run("dream", "clip.mp4", *QUICK["dream"], "--dry-run", "--json")
    (plan,) = json.loads(outcome.out)["pictures"]
    assert (plan["status"], plan["frames"]) == ("planned", 4)
    assert plan["message"].startswith("(4 frames of 64x48, 8 per second; about ")
    assert not list(Path().glob("clip-dream*"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("clip.mp4", "other.png"), 2, "only one video at a time, without other pictures"),
        (("clip.mp4", "-o", "out.png"), 2, "out.png must end in .mp4, .webm, .mkv, .gif, .webp"),
        (("clip.mp4", "-o", "clip.mp4"), 2, "clip.mp4"),
        (("clip.mp4", "--animate", "a.gif"), 2, "--animate doesn't work for a video"),
        (("clip.mp4", "--cluster", "auto"), 2, "--cluster doesn't work for a video"),
        (("clip.mp4", "--shard", "1/2"), 2, "--shard doesn't work for a video"),
        (("clip.mp4", "--show"), 2, "--show doesn't work for a video"),
        (("clip.mp4", "--safe-decode"), 2, "--safe-decode doesn't work for a video"),
        (("other.png", "--keep-frames"), 2, "--keep-frames is for a video"),
        (("none.mp4",), 1, "none.mp4: there is no such file"),
        (("*.mov",), 1, "*.mov: there is no such file"),
        (("broken.mp4",), 1, "broken.mp4: not a readable video"),
        (("sound.mp4",), 1, "sound.mp4: it has no video track, only sound"),
    ],
)
def test_what_makes_no_video_is_told_in_one_line(run, clip: Path, arguments: tuple, code: int, message: str) -> None:
    Path("broken.mp4").write_bytes(b"no video")
    write_sound(Path("sound.mp4"))
    before = clip.read_bytes()
    outcome = run("dream", *arguments, *QUICK["dream"])
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert outcome.err.count("\n") <= 2
    assert clip.read_bytes() == before
    assert not list(Path().glob("*-dream*"))


def test_a_video_that_breaks_off_is_made_up_to_there(run, tmp_path: Path) -> None:
    noise = [np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8) for index in range(10)]
    path = write_clip(tmp_path / "clip.mkv", noise, codec="ffv1")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    outcome = run("dream", "clip.mkv", *QUICK["dream"], "-o", "out.mkv")
    assert outcome.code == 0
    assert outcome.lines[-1].startswith("clip.mkv -> out.mkv (clip.mkv is cut off after 0.")
    assert 2 <= len(list(read_video(Path("out.mkv")))) < 8


def test_tiny_videos(run, tmp_path: Path) -> None:
    write_clip(tmp_path / "dot.mkv", [np.full((1, 1, 3), 90, np.uint8)] * 3, codec="ffv1")
    assert run("dream", "dot.mkv", *QUICK["dream"], "-o", "out.mkv").code == 0
    assert len(list(read_video(Path("out.mkv")))) == 3


@pytest.mark.usefixtures("clip")
def test_a_video_changes_where_the_mask_is_bright(run) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    Image.fromarray(mask).save("mask.png")
    assert run("dream", "clip.mp4", *QUICK["dream"], "--mask", "mask.png", "-o", "out.mkv").code == 0
    for frame, was in zip(read_video(Path("out.mkv")), read_video(Path("clip.mp4")), strict=True):
        change = np.abs(frame.astype(int) - was).mean((0, 2))
        assert change[40:].mean() > 5 * max(0.1, change[:24].mean())


def test_a_video_of_one_frame_is_a_film_of_one(run) -> None:
    write_clip(Path("one.mp4"), pan(1))
    assert run("dream", "one.mp4", *QUICK["dream"], "--dry-run").code == 0
    assert run("dream", "one.mp4", *QUICK["dream"]).code == 0
    assert len(list(read_video(Path("one-dream.mp4")))) == 1
    assert "(already made)" in run("dream", "one.mp4", *QUICK["dream"]).err


@pytest.mark.usefixtures("clip")
def test_an_interruption_before_the_second_frame_is_reported(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(films, "repaint", stopped)
    outcome = run("dream", "clip.mp4", *QUICK["dream"], "--json", "--report", "log.jsonl")
    assert outcome.code == 130
    (picture,) = json.loads(outcome.out)["pictures"]
    assert picture["status"] == json.loads(Path("log.jsonl").read_text())["status"] == "interrupted"
