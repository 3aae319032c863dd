"""Videos in, videos out: ``dreamcli dream clip.mp4`` and ``dreamcli style clip.mp4``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.files.clip import read_clip
from dreamcli.files.film import read_film
from dreamcli.files.record import read_record
from dreamcli.files.resume import record_in
from dreamcli.studio import film as films
from tests.conftest import scene
from tests.files.clips import pan, write_changing, write_clip, write_sound

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
    assert (record.provenance.command, record.source, record.score) == (form, "clip.mp4", {"frames": 4})
    assert not Path(f"out.{suffix}.frames").exists()
    outcome = run("replay", f"out.{suffix}")
    assert outcome.code == 0, outcome.err
    assert outcome.err == f"clip.mp4 -> out-replay.{suffix} identical to out.{suffix}\n"


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("form", FORMS)
def test_every_frame_is_painted_and_the_sound_is_kept(run, form: str) -> None:
    assert run(form, "clip.mp4", *QUICK[form], "-o", "out.mkv").code == 0
    frames = list(read_film(Path("out.mkv")))
    for frame, was in zip(frames, read_film(Path("clip.mp4")), strict=True):
        assert 1 < np.abs(frame.astype(int) - was).mean() < 60
    with av.open("out.mkv") as container:
        assert [stream.codec_context.name for stream in container.streams] == ["ffv1", "aac"]


def test_a_frame_goes_on_from_the_one_before(run, tmp_path: Path) -> None:
    write_clip(tmp_path / "still.mkv", [scene(48, 64)] * 4, codec="ffv1")
    command = ("dream", "still.mkv", "--layer", "mid", "--octaves", 1, "-o", "out.mkv")
    assert run(*command).code == 0
    frames = [frame.astype(int) for frame in read_film(Path("out.mkv"))]
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
    third = list(read_film(Path("cut-out.mkv")))[2]
    np.testing.assert_array_equal(third, next(read_film(Path("second-out.mkv"))))


@pytest.mark.usefixtures("clip")
def test_the_size_is_even(run) -> None:
    assert run("dream", "clip.mp4", *QUICK["dream"], "--size", 57, "-o", "out.mp4").code == 0
    assert next(read_film(Path("out.mp4"))).shape == (42, 56, 3)


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
        assert len(list(read_film(Path("out.mkv")))) == 2
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
    assert record.provenance.settings["index"] == 2
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
        (("clip.mp4", "-o", "out.png"), 2, "out.png must end in .mp4, .webm, .mkv, .gif, .webp"),
        (("clip.mp4", "-o", "clip.mp4"), 2, "clip.mp4"),
        (("clip.mp4", "--animate", "a.gif"), 2, "--animate doesn't work for a video"),
        (("clip.mp4", "--show"), 2, "--show doesn't work for a video"),
        (("clip.mp4", "--safe-decode"), 2, "--safe-decode doesn't work for a video"),
        (("other.png", "--keep-frames"), 2, "--keep-frames is for a video"),
        (("none.mp4",), 1, "none.mp4: there is no such file"),
        (("*.mov",), 1, "*.mov: no file matches this pattern"),
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
    assert 2 <= len(list(read_film(Path("out.mkv")))) < 8


def test_tiny_videos(run, tmp_path: Path) -> None:
    write_clip(tmp_path / "dot.mkv", [np.full((1, 1, 3), 90, np.uint8)] * 3, codec="ffv1")
    assert run("dream", "dot.mkv", *QUICK["dream"], "-o", "out.mkv").code == 0
    assert len(list(read_film(Path("out.mkv")))) == 3


@pytest.mark.usefixtures("clip")
def test_a_video_changes_where_the_mask_is_bright(run) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    Image.fromarray(mask).save("mask.png")
    assert run("dream", "clip.mp4", *QUICK["dream"], "--mask", "mask.png", "-o", "out.mkv").code == 0
    for frame, was in zip(read_film(Path("out.mkv")), read_film(Path("clip.mp4")), strict=True):
        change = np.abs(frame.astype(int) - was).mean((0, 2))
        assert change[40:].mean() > 5 * max(0.1, change[:24].mean())


def test_a_video_of_one_frame_is_a_film_of_one(run) -> None:
    write_clip(Path("one.mp4"), pan(1))
    assert run("dream", "one.mp4", *QUICK["dream"], "--dry-run").code == 0
    assert run("dream", "one.mp4", *QUICK["dream"]).code == 0
    assert len(list(read_film(Path("one-dream.mp4")))) == 1
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


ONCE = ("--layer", "mid", "--steps", 1, "--octaves", 1)


def write_animation(path: Path, durations: tuple[int, ...] = (100, 250, 100)) -> Path:
    """A picture that moves under a round hole."""
    rows, columns = np.mgrid[:47, :63]
    hole = np.where(np.hypot(rows - 23, columns - 31) < 20, 255, 0).astype(np.uint8)
    frames = [Image.fromarray(np.dstack([frame, hole])) for frame in pan(len(durations), 47, 63)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=2)
    return path


@pytest.mark.parametrize(("name", "made"), [("a.gif", "a-dream.gif"), ("a.webp", "a-dream.webp"),
                                            ("a.png", "a-dream.webp")])  # fmt: skip
def test_an_animated_picture_becomes_one(run, name: str, made: str) -> None:
    was = read_clip(write_animation(Path(name)))
    outcome = run("dream", name, *ONCE)
    assert outcome.lines == ["3 frames of 63x47, 20 per second", f"{name} -> {made}"]
    clip = read_clip(Path(made))
    assert (clip.size, clip.durations, clip.plays) == (was.size, was.durations, 0)
    for frame, before in zip(clip.read(), was.read(), strict=True):
        seen = before.alpha > 0
        np.testing.assert_array_equal(frame.alpha > 127, seen)
        assert 1 < np.abs(frame.pixels[seen].astype(int) - before.pixels[seen]).mean() < 60
    assert run("replay", made).err == f"{name} -> {Path(made).stem}-replay{Path(made).suffix} identical to {made}\n"
    assert "(already made)" in run("dream", name, *ONCE).err


def test_what_is_hidden_in_an_animated_picture_changes_nothing(run) -> None:
    for name, color in (("a", (255, 0, 255)), ("b", (0, 90, 0))):
        was = read_clip(write_animation(Path("was.png")))
        frames = [np.dstack([np.where(f.alpha[..., None] > 0, f.pixels, np.uint8(color)), f.alpha]) for f in was.read()]
        first, *rest = [Image.fromarray(frame) for frame in frames]
        first.save(f"{name}.webp", save_all=True, append_images=rest, lossless=True, exact=True)
        assert run("dream", f"{name}.webp", *ONCE, "-o", f"{name}.mkv").code == 0
    for one, other in zip(read_film(Path("a.mkv")), read_film(Path("b.mkv")), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("output", "note"), [("out.mp4", " (transparent parts are white)"), ("out.mkv", "")])
def test_a_video_can_be_made_of_an_animated_picture(run, output: str, note: str) -> None:
    write_animation(Path("a.gif"))
    assert run("dream", "a.gif", *ONCE, "-o", output).lines[-1] == f"a.gif -> {output}{note}"
    frames = list(read_film(Path(output)))
    assert len(frames) == 9  # 20 a second
    if output.endswith(".mp4"):
        assert frames[0].shape == (46, 62, 3)
        assert frames[0][:4, :4].min() > 245
    else:
        assert frames[0].shape == (47, 63, 4)
        assert frames[0][0, 0].tolist() == [255, 255, 255, 0]


def test_one_picture_is_made_of_an_animated_one_where_that_is_asked_for(run) -> None:
    write_animation(Path("a.gif"))
    outcome = run("dream", "a.gif", *ONCE, "-o", "out.png")
    assert outcome.lines == ["a.gif -> out.png (only the first of its frames or pages is used)"]
    assert run("features", "a.gif", "--layer", "mid").code == 0


@pytest.fixture
def mixed(run) -> Path:
    folder = Path("mixed")
    (folder / "sub").mkdir(parents=True)
    Image.fromarray(scene(40, 40)).save(folder / "a.png")
    write_clip(folder / "b.mp4", pan(3), sound="aac")
    (folder / "broken.mp4").write_bytes(b"no video")
    write_animation(folder / "sub" / "c.gif")
    return folder


@pytest.mark.usefixtures("mixed")
def test_a_folder_of_photos_and_videos(run, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("dream", "mixed", *ONCE)
    plan = run(*command, "--dry-run")
    assert plan.code == 1
    assert plan.lines[:4] == [
        "mixed/a.png -> mixed-dream/a.png",
        "mixed/b.mp4 -> mixed-dream/b.mp4 (3 frames of 64x48, 8 per second)",
        "dreamcli: mixed/broken.mp4: not a readable video ([Errno 1094995529] Invalid data found when processing "
        "input: 'mixed/broken.mp4')",
        "mixed/sub/c.gif -> mixed-dream/sub/c.gif (3 frames of 63x47, 20 per second)",
    ]
    assert not Path("mixed-dream").exists()
    real, made = films.repaint, []

    def failing(*arguments):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(films, "repaint", failing)
    outcome = run(*command)
    assert outcome.code == 130
    assert outcome.lines[-2:] == ["1 done, 1 interrupted", "run the same command to continue"]
    assert not Path("mixed-dream/sub").exists()
    monkeypatch.setattr(films, "repaint", real)
    outcome = run(*command)
    assert outcome.code == 1
    assert outcome.lines[-2].startswith("2 done, 1 skipped, 1 failed")
    assert len(list(read_film(Path("mixed-dream/b.mp4")))) == 3
    assert len(list(read_film(Path("mixed-dream/sub/c.gif")))) == 3
    assert run(*command).lines[-2].startswith("3 skipped, 1 failed")
    assert "identical" in run("replay", "mixed-dream/b.mp4").err


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--safe-decode",), 1, "mixed/b.mp4: videos aren't decoded in a separate process: leave out --safe-decode"),
        (("--animate", "x.gif"), 2, "--animate is for one picture, not for 4"),
        (("-o", "out.mp4"), 2, "out.mp4 is a file's name, but several pictures need a folder"),
        (("-o", "{stem}-x.png"), 1, "mixed/b.mp4: {stem}-x.png must end in .mp4"),
    ],
)
def test_what_makes_no_film_in_a_folder(run, arguments: tuple[str, ...], code: int, message: str) -> None:
    outcome = run("dream", "mixed", *ONCE, *arguments, "--dry-run")
    assert outcome.code == code
    assert message in outcome.err


def test_a_size_that_changes_is_noted(run) -> None:
    write_changing(Path("call.webm"), [pan(2), pan(2, 24, 32)])
    outcome = run("dream", "call.webm", *ONCE, "-o", "out.mkv")
    assert outcome.lines[-1] == "call.webm -> out.mkv (its size changes after 0.2 s; fitted into 64x48)"
