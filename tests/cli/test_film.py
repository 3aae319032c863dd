"""``dreamcli film``."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.files.film import read_film
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from dreamcli.files.resume import record_in
from dreamcli.studio import film as films
from tests.conftest import scene

pytest.importorskip("av", reason="films need the extra `video`")

QUICK = ("--seconds", 0.5, "--fps", 8, "--steps", 1, "--octaves", 1)  # 4 frames
FORMS = {
    "dream": ("--layer", "mid"),
    "boost": ("--form", "boost", "--layer", "low:3"),
    "class": ("--class", "goldfish", "--class", "3"),
    "style": ("--style", "other.png"),
    "layers": ("--layer", "low@0", "--layer", "mid*0.5@0.25", "--layer", "high"),
    "camera": ("--zoom", 0.7, "--rotate", -40, "--toward", "10,70"),
    "loop": ("--loop",),
}


@pytest.fixture
def other(run, photo: Path) -> None:
    Image.fromarray(scene(50, 40)).save("other.png")


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("form", FORMS)
def test_a_film_starts_with_the_picture_and_goes_on_from_it(run, form: str) -> None:
    outcome = run("film", "photo.png", *QUICK, *FORMS[form], "-o", "{stem}-{fps}.mkv")
    assert outcome.code == 0, outcome.err
    assert outcome.lines == ["4 frames of 80x60, 8 per second", "photo.png -> photo-8.mkv"]
    frames = list(read_film(Path("photo-8.mkv")))
    assert len(frames) == 4
    np.testing.assert_array_equal(frames[0], scene())
    for one, following in itertools.pairwise(frames):
        assert 0.2 < np.abs(one.astype(int) - following).mean() < 100
    assert not Path("photo-8.mkv.frames").exists()
    record = record_in(Path("photo-8.mkv"))
    assert record is not None
    assert (record.provenance.command, record.source, record.stopped) == ("film", "photo.png", "done")
    assert record.score == {"frames": 4}


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("suffix", ["mp4", "webm", "mkv", "webp", "gif"])
def test_a_film_is_replayed_with_equal_bytes(run, suffix: str) -> None:
    run("film", "photo.png", *QUICK, *FORMS["layers"], "-o", f"out.{suffix}")
    outcome = run("replay", f"out.{suffix}")
    assert outcome.code == 0, outcome.err
    assert outcome.err == f"photo.png -> out-replay.{suffix} identical to out.{suffix}\n"
    assert Path(f"out-replay.{suffix}").read_bytes() == Path(f"out.{suffix}").read_bytes()


@pytest.mark.usefixtures("other")
def test_a_replayed_film_of_styles_finds_them(run) -> None:
    run("film", "photo.png", *QUICK, *FORMS["style"], "-o", "out.mp4")
    assert run("replay", "out.mp4").code == 0
    Path("other.png").rename("moved.png")
    assert run("replay", "out.mp4", "-o", "b.mp4").code == 1
    assert run("replay", "out.mp4", "-o", "b.mp4", "--other", "style-1=moved.png").code == 0


def test_the_last_frame_of_a_loop_leads_to_the_first(run, photo: Path) -> None:
    common = ("--seconds", 2, "--fps", 8, "--steps", 1, "--octaves", 1, "--zoom", 1.5)
    run("film", "photo.png", *common, "--loop", "-o", "loop.mkv")
    run("film", "photo.png", *common, "-o", "plain.mkv")
    loop, plain = (list(read_film(Path(f"{name}.mkv"))) for name in ("loop", "plain"))
    steps = [np.abs(loop[index].astype(int) - loop[index - 1]).mean() for index in range(1, 16)]
    seam, cut = (np.abs(frames[-1].astype(int) - frames[0]).mean() for frames in (loop, plain))
    assert seam < 1.5 * max(steps)
    assert cut > 2 * seam
    np.testing.assert_array_equal(loop[6], plain[6])  # it closes in its last 60% only


def test_a_finished_film_is_not_made_again(run, photo: Path) -> None:
    command = ("film", "photo.png", *QUICK)
    assert run(*command).lines[-1] == "photo.png -> photo-film.mp4"
    before = Path("photo-film.mp4").stat().st_mtime_ns
    assert run(*command).lines == ["photo.png -> photo-film.mp4 (already made)"]
    assert Path("photo-film.mp4").stat().st_mtime_ns == before
    outcome = run(*command, "--seed", 1)
    assert outcome.code == 1
    assert (
        "photo-film.mp4 already exists, but was made with different settings; choose another with -o, or add --ov"
        in outcome.err
    )
    assert run(*command, "--seed", 1, "--overwrite").code == 0


class Stopped(Exception):
    """A fault in the middle."""


def stop_at(monkeypatch: pytest.MonkeyPatch, frame: int, stop: type[BaseException]) -> None:
    """Stop films at a frame, from now on."""
    real = films.next_frame

    def stopping(settings, index: int, *rest):
        if index == frame:
            raise stop
        return real(settings, index, *rest)

    monkeypatch.setattr(films, "next_frame", stopping)


@pytest.mark.parametrize("frame", [1, 3])
def test_after_a_fault_the_same_command_goes_on(run, photo: Path, monkeypatch: pytest.MonkeyPatch, frame: int) -> None:
    command = ("film", "photo.png", *QUICK)
    run(*command, "-o", "whole.mp4")
    real, made = films.next_frame, []
    stop_at(monkeypatch, frame, Stopped)
    assert run(*command, "-o", "out.mp4").code == 1
    assert not Path("out.mp4").exists()
    assert len(list(Path("out.mp4.frames").iterdir())) == frame

    def counting(settings, index: int, *rest):
        made.append(index)
        return real(settings, index, *rest)

    monkeypatch.setattr(films, "next_frame", counting)
    assert run(*command, "-o", "out.mp4").code == 0
    assert made == list(range(frame, 4))
    assert Path("out.mp4").read_bytes() == Path("whole.mp4").read_bytes()
    assert not Path("out.mp4.frames").exists()


def test_ctrl_c_leaves_a_film_of_what_there_is(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("film", "photo.png", *QUICK)
    run(*command, "-o", "whole.mkv")
    real = films.next_frame
    stop_at(monkeypatch, 2, KeyboardInterrupt)
    outcome = run(*command, "-o", "out.mkv")
    assert outcome.code == 130
    assert outcome.lines[-1] == "photo.png -> out.mkv (what was made so far; run the same command to continue)"
    record = record_in(Path("out.mkv"))
    assert record is not None
    assert (record.stopped, record.score) == ("interrupted", {"frames": 2})
    assert len(list(read_film(Path("out.mkv")))) == 2
    assert "can't be replayed" in run("replay", "out.mkv").err
    monkeypatch.setattr(films, "next_frame", real)
    assert run(*command, "-o", "out.mkv").code == 0
    assert Path("out.mkv").read_bytes() == Path("whole.mkv").read_bytes()


def test_ctrl_c_before_the_second_frame_leaves_no_film(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(films, "next_frame", interrupted)
    assert run("film", "photo.png", *QUICK).code == 130
    assert not Path("photo-film.mp4").exists()


def test_frames_can_be_kept(run, photo: Path) -> None:
    outcome = run("film", "photo.png", *QUICK, "--keep-frames")
    assert outcome.lines[-1] == "photo.png -> photo-film.mp4 (frames kept in photo-film.mp4.frames)"
    frames = sorted(Path("photo-film.mp4.frames").iterdir())
    assert [path.name for path in frames] == ["000001.png", "000002.png", "000003.png", "000004.png"]
    record = read_record(frames[2])
    assert record is not None
    assert record.provenance.settings["index"] == 2
    assert "is a frame of a film; name the film" in run("replay", frames[2]).err
    Path("photo-film.mp4").unlink()
    assert run("film", "photo.png", *QUICK).code == 0  # from the frames
    assert not Path("photo-film.mp4.frames").exists()


def test_a_broken_frame_is_made_again(run, photo: Path) -> None:
    run("film", "photo.png", *QUICK, "--keep-frames")
    film = Path("photo-film.mp4").read_bytes()
    Path("photo-film.mp4").unlink()
    frame = Path("photo-film.mp4.frames/000003.png")
    frame.write_bytes(frame.read_bytes()[:-200])
    assert run("film", "photo.png", *QUICK).code == 0
    assert Path("photo-film.mp4").read_bytes() == film


def test_an_empty_frame_is_made_again(run, photo: Path) -> None:
    run("film", "photo.png", *QUICK, "--keep-frames")
    film = Path("photo-film.mp4").read_bytes()
    Path("photo-film.mp4").unlink()
    Path("photo-film.mp4.frames/000003.png").write_bytes(b"")
    assert run("film", "photo.png", *QUICK).code == 0
    assert Path("photo-film.mp4").read_bytes() == film


def test_a_dry_run_knows_a_film_that_is_made(run, photo: Path) -> None:
    run("film", "photo.png", *QUICK)
    outcome = run("film", "photo.png", *QUICK, "--dry-run")
    assert (outcome.code, outcome.err) == (0, "photo.png -> photo-film.mp4 (already made)\n")
    outcome = run("film", "photo.png", *QUICK, "--seed", 1, "--dry-run")
    assert outcome.code == 1
    assert "made with different settings" in outcome.err


def test_frames_of_another_film_are_not_overwritten(run, photo: Path) -> None:
    run("film", "photo.png", *QUICK, "--keep-frames")
    Path("photo-film.mp4").unlink()
    outcome = run("film", "photo.png", *QUICK, "--seed", 1)
    assert outcome.code == 1
    assert "photo-film.mp4.frames holds the frames of another film; choose another with -o, or add" in outcome.err
    assert read_picture(Path("photo-film.mp4.frames/000001.png")).pixels.shape == (60, 80, 3)
    assert run("film", "photo.png", *QUICK, "--seed", 1, "--overwrite").code == 0


def test_a_plan_says_how_many_frames_and_how_long(run, photo: Path) -> None:
    outcome = run("film", "photo.png", *QUICK, "--dry-run", "--json")
    (plan,) = json.loads(outcome.out)["pictures"]
    assert (plan["status"], plan["frames"]) == ("planned", 4)
    assert 0 < plan["seconds_a_frame"] < 60
    assert plan["message"].startswith("(4 frames of 80x60, 8 per second; about ")
    assert [path.name for path in Path().iterdir()] == ["photo.png"]


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("-o", "{stem}-{spede}.mp4"), 2, "there is no {spede}"),
        (("-o", "out.png"), 2, "out.png must end in .mp4, .webm, .mkv, .gif, .webp"),
        (("--layer", "mif"), 2, "did you mean mid"),
        (("--layer", "mid@soon"), 2, "'mid@soon' is not of the form LAYER[:CHANNEL][*WEIGHT][@SECOND], such as low@5"),
        (("--layer", "mid@40"), 2, "a layer must start within the film's 0.5 seconds"),
        (("--layer", "mid:3@2,2"), 2, "it can't boost a neuron @Y,X"),
        (("--layer", "mid:999"), 2, "layer fire6 of dreamnet has channels 0 to 383; there is no 999"),
        (("--class", "goldfsh"), 2, "did you mean goldfish"),
        (("--class", "goldfish", "--style", "other.png"), 2, "--class and --style can't be combined"),
        (("--class", "goldfish", "--form", "boost"), 2, "--form boost and --class can't be combined"),
        (("--class", "goldfish", "--layer", "mid"), 2, "a film of a class takes no layers"),
        (("--form", "class"), 2, "--form class needs a --class NAME"),
        (("--form", "style"), 2, "--form style needs a --style PICTURE"),
        (("--style", "none.png"), 1, "none.png: there is no such file"),
        (("--toward", "10"), 2, "'10' is not of the form Y,X"),
        (("--toward", "60,3"), 2, "there is no pixel at 60,3: the picture has 60 rows and 80 columns"),
        (("--fps", 60, "-o", "a.gif"), 2, "a GIF shows at most 50 frames per second, not 60; write a .webp or .mp4"),
        (("--zoom", 0), 2, "zoom must be from 0.1 to 10"),
        (("--fps", 0), 2, "fps must be from 1 to 120"),
        (("-o", "photo.png.frames/x/../../photo.png"), 2, "must end in"),
    ],
)
def test_what_makes_no_film_is_told_in_one_line(run, arguments: tuple, code: int, message: str) -> None:
    outcome = run("film", "photo.png", *QUICK, *arguments)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert outcome.err.count("\n") <= 2
    assert not list(Path().glob("*.mp4*"))


@pytest.mark.parametrize("name", ["none.png", "broken.png", "folder"])
def test_a_picture_that_cannot_be_read_is_told(run, tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "folder").mkdir()
    outcome = run("film", name, *QUICK)
    assert outcome.code == 1
    assert outcome.err.startswith(f"dreamcli: {name}: ")


def test_a_single_pixel_can_be_filmed(run, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    assert run("film", "dot.png", *QUICK, "--size", 64).code == 0
    assert next(read_film(Path("dot-film.mp4"))).shape == (64, 64, 3)


def test_transparency_becomes_white(run, tmp_path: Path) -> None:
    Image.new("RGBA", (64, 48), (255, 0, 0, 0)).save(tmp_path / "glass.png")
    assert run("film", "glass.png", *QUICK, "-o", "out.mkv").code == 0
    assert (next(read_film(Path("out.mkv"))) == 255).all()


def test_the_ascent_of_a_picture_may_be_a_video(run, photo: Path) -> None:
    outcome = run("dream", "photo.png", "--steps", 2, "--octaves", 2, "--animate", "a.mp4")
    assert outcome.code == 0, outcome.err
    assert record_in(Path("a.mp4")) == read_record(Path("photo-dream.png"))
    frames = list(read_film(Path("a.mp4")))
    assert len(frames) > 4
    assert np.abs(frames[-1].astype(int) - read_picture(Path("photo-dream.png")).pixels).mean() < 8
    assert "is an animation; name the picture itself" in run("replay", "a.mp4").err


def test_nothing_is_left_of_a_film_in_a_folder_that_is_closed(run, photo: Path) -> None:
    shutil.rmtree("there", ignore_errors=True)
    Path("there").write_bytes(b"a file")
    outcome = run("film", "photo.png", *QUICK, "-o", "there/out.mp4")
    assert outcome.code == 2
    assert "can't be written" in outcome.err


def test_nothing_but_its_own_frames_is_deleted(run, photo: Path) -> None:
    folder = Path("out.mkv.frames")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    assert run("film", "photo.png", *QUICK, "-o", "out.mkv").code == 0
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    shutil.copy("photo.png", folder / "000002.png")
    outcome = run("film", "photo.png", *QUICK, "--seed", 1, "--overwrite", "-o", "out.mkv")
    assert outcome.code == 1
    assert "000002.png isn't a frame of a film, but is where one goes; choose another with -o" in outcome.err
    assert (folder / "000002.png").read_bytes() == Path("photo.png").read_bytes()
    shutil.move("photo.png", folder / "photo.png")
    outcome = run("film", folder / "photo.png", *QUICK, "--overwrite", "-o", "out.mkv")
    assert outcome.code == 2
    assert "out.mkv.frames/photo.png is in out.mkv.frames, where the film's frames go" in outcome.err
    assert (folder / "photo.png").exists()


def test_ctrl_c_leaves_a_finished_film_alone(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("film", "photo.png", *QUICK, "-o", "out.mkv")
    run(*command)
    film = Path("out.mkv").read_bytes()
    real = films.next_frame
    stop_at(monkeypatch, 3, KeyboardInterrupt)
    outcome = run(*command, "--seed", 1, "--overwrite")
    assert (outcome.code, outcome.lines[-1]) == (130, "photo.png -> out.mkv (run the same command to continue)")
    assert Path("out.mkv").read_bytes() == film
    assert len(list(Path("out.mkv.frames").iterdir())) == 3
    monkeypatch.setattr(films, "next_frame", real)
    assert run(*command, "--seed", 1, "--overwrite").code == 0
    assert Path("out.mkv").read_bytes() != film


def test_pyav_is_asked_for_before_any_work(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for command in (("film", "photo.png", *QUICK), ("dream", "photo.png", "--animate", "a.mp4")):
        outcome = run(*command)
        assert outcome.code == 1
        assert outcome.err == (
            "dreamcli: films need PyAV, which isn't installed; "
            "in a clone of dreamcli, run pip (or uv tool) install '.[video]'\n"
        )
    assert os.listdir() == ["photo.png"]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animated_film_is_replayed_from_another_folder(run, photo: Path, suffix: str) -> None:
    os.mkdir("in")
    os.chdir("in")
    shutil.move("../photo.png", "photo.png")
    assert run("film", "photo.png", *QUICK, "-o", f"a.{suffix}").code == 0
    os.chdir("..")
    outcome = run("replay", f"in/a.{suffix}", "-o", f"b.{suffix}")
    assert (outcome.code, outcome.lines[-1]) == (0, f"in/photo.png -> b.{suffix} identical to in/a.{suffix}")


def test_a_film_gives_a_preset(run, photo: Path) -> None:
    layers = ("--layer", "low@0", "--layer", "mid*0.5@0.25")
    command = ("film", "photo.png", *QUICK)
    assert run(*command, *layers, "--toward", "3,4", "-o", "out.mkv").code == 0
    assert run("replay", "out.mkv", "--save-preset", "mine").code == 0
    assert run("film", "photo.png", "--preset", "mine", "-o", "again.mkv").code == 0
    assert Path("again.mkv").read_bytes() == Path("out.mkv").read_bytes()
