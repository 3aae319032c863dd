from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import squeezenet1_1

from dreamcli import forms
from dreamcli.art import dream
from dreamcli.engine.activations import Activations
from dreamcli.engine.ascent import NormalizedGradient
from dreamcli.engine.compute import Compute
from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from dreamcli.networks import zoo
from dreamcli.studio.session import Session
from tests.conftest import QUICK, scene


def test_a_dream_has_the_size_of_its_photograph(run, photo: Path) -> None:
    before = photo.read_bytes()
    outcome = run("dream", photo, *QUICK)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == f"{photo} -> photo-dream.png\n"
    made = read_picture(Path("photo-dream.png"))
    assert made.pixels.shape == (60, 80, 3)
    assert (made.pixels != scene()).any()
    assert photo.read_bytes() == before


def test_the_record_says_how_it_was_made(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "--layer", "low:3*0.5", "--layer", "high", "--seed", 7, "-o", "x.jpg")
    record = read_record(Path("x.jpg"))
    assert record is not None
    assert record.source == "photo.png"
    assert record.provenance.command == "dream"
    assert record.provenance.settings["layers"] == ["low:3*0.5", "high"]
    assert record.provenance.settings["seed"] == 7
    assert record.provenance.settings["device"] in ("cpu", "cuda", "mps")
    assert record.provenance.network["name"] == "dreamnet"
    assert record.provenance.input == read_picture(photo).sha256
    assert set(record.versions) == {"dreamcli", "torch"}
    assert record.score["after"] > record.score["before"]


def test_an_absolute_path_is_not_recorded(run, photo: Path) -> None:
    run("dream", photo.resolve(), *QUICK)
    record = read_record(Path("photo-dream.png"))
    assert record is not None
    assert record.source == "photo.png"


def test_the_same_command_gives_the_same_bytes(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "a.png")
    run("dream", "photo.png", *QUICK, "-o", "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_folders_files_and_globs_in_order(run, photo: Path) -> None:
    for name in ("pics/b.png", "pics/deep/a.png", "other.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, name)
    outcome = run("dream", "pics", "other.png", *QUICK, "-o", "out")
    assert outcome.code == 0
    assert outcome.lines == [
        "pics/b.png -> out/pics/b.png", "pics/deep/a.png -> out/pics/deep/a.png",
        "other.png -> out/other.png", "3 done",
    ]  # fmt: skip
    assert run("dream", "pics/*.png", *QUICK).err.splitlines() == ["pics/b.png -> b-dream.png"]
    assert run("dream", "pics", *QUICK).code == 0
    assert read_picture(Path("pics-dream/deep/a.png")).pixels.shape == (60, 80, 3)


def test_one_bad_file_does_not_stop_the_others(run, photo: Path) -> None:
    Path("bad.jpg").write_text("text")
    outcome = run("dream", "bad.jpg", "none.png", photo, *QUICK, "-o", "out")
    assert outcome.code == 1
    assert outcome.lines == [
        "dreamcli: bad.jpg: not a readable picture (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC)",
        "dreamcli: none.png: there is no such file",
        f"{photo} -> out/photo.png",
        "1 done, 2 failed",
        "failed: bad.jpg: not a readable picture (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC)",
        "failed: none.png: there is no such file",
    ]
    assert os.listdir("out") == ["photo.png"]


def test_finished_outputs_are_skipped_and_different_ones_are_kept(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK)
    made = Path("photo-dream.png").read_bytes()
    again = run("dream", "photo.png", *QUICK)
    assert (again.code, again.err) == (0, "photo.png -> photo-dream.png (already made)\n")
    other = run("dream", "photo.png", *QUICK, "--layer", "low")
    assert other.code == 1
    assert "photo-dream.png already exists, but was made with different settings; choose another with -o" in other.err
    assert Path("photo-dream.png").read_bytes() == made
    assert run("dream", "photo.png", *QUICK, "--layer", "low", "--overwrite").code == 0
    assert Path("photo-dream.png").read_bytes() != made
    Image.fromarray(scene()).save("photo-dream.png")
    assert "not made by dreamcli" in run("dream", "photo.png", *QUICK).err


def test_json_reports_everything_on_stdout(run, photo: Path) -> None:
    outcome = run("dream", "photo.png", "none.png", *QUICK, "--json")
    report = json.loads(outcome.out)
    assert outcome.code == 1
    assert report["command"] == "dream"
    assert report["counts"] == {"done": 1, "failed": 1}
    done, failed = report["pictures"]
    assert (done["status"], done["width"], done["height"]) == ("done", 80, 60)
    assert done["score"]["after"] > done["score"]["before"]
    assert failed == {"input": "none.png", "output": "none-dream.png", "status": "failed",
                      "message": "there is no such file"}  # fmt: skip


def test_quiet_prints_errors_only(run, photo: Path) -> None:
    outcome = run("dream", "photo.png", "none.png", *QUICK, "-q")
    assert outcome.err == "dreamcli: none.png: there is no such file\n"


def test_a_dry_run_makes_nothing(run, photo: Path) -> None:
    outcome = run("dream", "photo.png", "--dry-run", "-o", "new/x.png")
    assert (outcome.code, outcome.lines) == (0, ["photo.png -> new/x.png", "0.00 megapixels to read"])
    assert os.listdir() == ["photo.png"]


def test_verbose_adds_the_traceback(run, photo: Path) -> None:
    assert "Traceback" in run("dream", "none.png", "-v").err
    assert "Traceback" not in run("dream", "none.png").err
    Image.fromarray(scene()).save("photo-dream.png")
    assert "Traceback" in run("dream", "photo.png", *QUICK, "-v").err


def test_a_pictures_own_transparency_is_its_mask(run, photo: Path) -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, 40:] = 200
    Image.fromarray(np.dstack([scene(), alpha])).save("glass.png")
    assert run("dream", "glass.png", "--mask", "alpha", "-o", "out.png", *QUICK).code == 0
    assert run("replay", "out.png", "-o", "again.png").lines == ["glass.png -> again.png identical to out.png"]
    outcome = run("dream", photo, "--mask", "alpha", *QUICK)
    assert outcome.code == 1
    assert "no transparency to use as its mask" in outcome.err
    Image.fromarray(scene()).save("alpha", "PNG")  # a file of this name comes first
    assert run("dream", photo, "--mask", "alpha", *QUICK).code == 0


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_transparency_stays(run, tmp_path: Path, suffix: str) -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, 40:] = 200
    Image.fromarray(np.dstack([scene(), alpha])).save("glass.png")
    run("dream", "glass.png", *QUICK, "-o", f"out.{suffix}")
    np.testing.assert_array_equal(read_picture(Path(f"out.{suffix}")).alpha, alpha)
    run("dream", "glass.png", *QUICK, "--size", 40, "-o", f"small.{suffix}")
    small = read_picture(Path(f"small.{suffix}"))
    assert small.alpha is not None
    assert small.alpha.shape == small.pixels.shape[:2] == (30, 40)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "mif"], "dreamnet has no layer 'mif'; did you mean mid"),
        (["--layer", "mid:999"], "has channels 0 to 383; there is no 999"),
        (["--layer", "mid:"], "is not of the form [NETWORK/]LAYER[:CHANNEL[@Y,X]][*WEIGHT]"),
        (["--model", "resnet51"], "there is no model 'resnet51'; did you mean resnet50"),
        (["--layr", "mid"], "No such option '--layr'. (Did you mean one of: '--layer', '--shard', '--start'?)"),
        (["--steps", "-3"], "steps must be from 1 to 10000, not -3"),
        (["--steps", "many"], "'many' is not a whole number"),
        (["--strength", "0,8"], "'0,8' is not a number; write 0.8"),
        (["--strength", "some"], "'some' is not a number (see"),
        (["--octave-scale", "1"], "octave-scale must be more than 1 and at most 100, not 1"),
        (["--strength", "2"], "strength must be from 0 to 1, not 2"),
        (["--device", "gpu"], "'gpu' is not one of 'auto', 'cpu', 'cuda', 'mps'"),
        (["--precision", "half"], "'half' is not one of"),
        (["-o", "photo.png"], "is an input and would be overwritten"),
        (["-o", "x.tiff"], "must end in .png"),
        (["-o", "photo.png/x.png"], "photo.png is not a folder"),
        (["-o", "new/", "--octaves", "3000"], "octaves must be from 1 to 100, not 3000"),
        (["-o", "out.png", "other.png"], "is a file's name, but several pictures need a folder"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_prints_one_line_and_exits_with_2(
    run, photo: Path, arguments: list[str], message: str
) -> None:
    outcome = run("dream", "photo.png", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.startswith("dreamcli: ")
    assert outcome.err.count("\n") == 1
    assert os.listdir() == ["photo.png"]


@pytest.mark.parametrize(("wrong", "right"), [("drem", "dream"), ("repaly", "replay")])
def test_a_misspelled_command_gets_a_suggestion(run, wrong: str, right: str) -> None:
    outcome = run(wrong, "x.png")
    assert outcome.code == 2
    assert f"Did you mean '{right}'?" in outcome.err


def test_unusable_weights_print_one_line(run, photo: Path) -> None:
    Path("w.pth").write_text("text")
    for weights in ("w.pth", "none.pth"):
        outcome = run("dream", photo, "--weights", weights)
        assert outcome.code == 1
        assert outcome.err.startswith(f"dreamcli: {weights}: ")
        assert outcome.err.count("\n") == 1


def test_an_unwritable_folder_fails_before_work(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("locked").mkdir(mode=0o500)
    access = os.access  # says that a superuser may write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "locked" and access(path, mode))
    outcome = run("dream", photo, "-o", "locked/x.png")
    assert outcome.code == 2
    assert "no permission to write to the folder locked" in outcome.err


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20000, 1), (2, 300)])
def test_pictures_of_odd_shapes_work(run, width: int, height: int) -> None:
    Image.new("RGB", (width, height), (200, 120, 40)).save("odd.png")
    assert run("dream", "odd.png", *QUICK).code == 0
    assert read_picture(Path("odd-dream.png")).pixels.shape == (height, width, 3)


def test_the_first_frame_of_an_animation_is_used_with_a_note(run) -> None:
    frames = [Image.new("RGB", (70, 70), color) for color in ("red", "green")]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    outcome = run("dream", "a.gif", "-o", "a-dream.png", *QUICK)
    assert outcome.err == "a.gif -> a-dream.png (only the first of its frames or pages is used)\n"


def test_an_unchanged_picture_is_noted(run, photo: Path) -> None:
    assert run("dream", photo, *QUICK, "--strength", 0).err.endswith("photo-dream.png (unchanged)\n")


def test_a_glob_resumes_without_its_own_results(run, photo: Path) -> None:
    shutil.copy(photo, "a.png")
    assert run("dream", "*.png", *QUICK).lines[-1] == "2 done"
    again = run("dream", "*.png", *QUICK)
    assert (again.code, again.lines[-1]) == (0, "2 skipped")
    listed = run("dream", *sorted(os.listdir()), *QUICK)
    assert (listed.code, listed.lines[-1]) == (0, "2 skipped")


def test_an_input_without_pictures_does_not_stop_the_others(run, photo: Path) -> None:
    Path("empty").mkdir()
    Path("out").mkdir()
    outcome = run("dream", "*.bmp", "empty", "photo.png", *QUICK, "-o", "out")
    assert outcome.code == 1
    assert outcome.lines[:4] == [
        "dreamcli: *.bmp: no file matches this pattern",
        "dreamcli: empty: there is no picture in this folder",
        "photo.png -> out/photo.png",
        "1 done, 2 failed",
    ]


def test_a_truncated_output_is_made_again(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK)
    whole = Path("photo-dream.png").read_bytes()
    Path("photo-dream.png").write_bytes(whole[: len(whole) // 2])
    assert run("dream", "photo.png", *QUICK).err == "photo.png -> photo-dream.png\n"
    assert Path("photo-dream.png").read_bytes() == whole


def test_a_dream_of_values_that_are_not_finite_fails(run, photo: Path) -> None:
    state = zoo.load("squeezenet1_1", random=True).module.state_dict()
    torch.save({name: tensor * 1e30 for name, tensor in state.items()}, "huge.pth")
    outcome = run("dream", "photo.png", "-m", "squeezenet1_1", "--weights", "huge.pth", *QUICK)
    assert outcome.code == 1
    assert outcome.err == "dreamcli: photo.png: the network's values aren't finite: check its weights\n"
    assert not Path("photo-dream.png").exists()


def test_an_unexpected_error_prints_one_line_and_does_not_stop_the_others(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Session.make

    def fail_once(self, settings, start, *rest):
        if start.name == "a.png":
            raise RuntimeError("a kernel\nburst")
        return make(self, settings, start, *rest)

    monkeypatch.setattr(Session, "make", fail_once)
    shutil.copy(photo, "a.png")
    outcome = run("dream", "a.png", "photo.png", *QUICK)
    assert outcome.code == 1
    assert outcome.lines == [
        "dreamcli: a.png: unexpected RuntimeError: a kernel burst; -v shows where",
        "photo.png -> photo-dream.png",
        "1 done, 1 failed",
        "failed: a.png: unexpected RuntimeError: a kernel burst; -v shows where",
    ]


STARVED = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"


@pytest.mark.parametrize("error", [RuntimeError(STARVED), MemoryError()])
def test_running_out_of_memory_is_reported_and_does_not_stop_the_others(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    recipe, tried, held = forms.recipe("dream"), [], []

    class Large:
        pass

    def starve(settings, network, inputs, compute, on_step):
        if inputs.start.pixels.shape[1] > 100:
            assert not any(kept() for kept in held), "the first attempt's memory is still held"
            large = Large()
            held.append(weakref.ref(large))
            tried.append(compute.budget)
            raise error
        return recipe(settings, network, inputs, compute, on_step)

    monkeypatch.setattr(forms, "recipe", lambda _name: starve)
    Image.fromarray(scene(90, 120)).save("large.png")
    outcome = run("dream", "large.png", photo, *QUICK)
    assert outcome.code == 1
    reason = "not enough memory for a picture of this size; make the picture smaller with --size"
    assert outcome.lines == [
        f"dreamcli: large.png: {reason}",
        f"{photo} -> photo-dream.png",
        "1 done, 1 failed",
        f"failed: large.png: {reason}",
    ]
    first, second = tried  # in smaller tiles the second time
    assert second < first


def test_when_memory_runs_out_smaller_tiles_are_tried_and_noted(run, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(scene(200, 300)).save("large.png")
    quick = ("dream", "large.png", *QUICK, "--layer", "mid", "--precision", "float32")
    run(*quick, "-o", "whole.png")
    # just enough for the whole picture at once, and too much for an eighth of the budget
    monkeypatch.setattr("dreamcli.art.memory_plan.bytes_of_pass", lambda *_: Compute.budget / (200 * 300))
    plain = Activations.__call__

    def starve(self, image):
        if tuple(image.shape[2:]) == (200, 300):
            raise RuntimeError(STARVED)
        return plain(self, image)

    monkeypatch.setattr(Activations, "__call__", starve)
    outcome = run(*quick, "-o", "tiles.png")
    assert outcome.err == "large.png -> tiles.png (memory ran out, so it was made in smaller tiles)\n"
    whole, tiles = (read_picture(Path(name)).pixels.astype(int) for name in ("whole.png", "tiles.png"))
    assert np.abs(whole - tiles).mean() < 0.1  # of 255 levels
    record = read_record(Path("tiles.png"))
    assert record is not None
    assert len(record.notes) == 1
    assert run(*quick, "-o", "tiles.png").err == "large.png -> tiles.png (already made)\n"


def test_a_size_too_large_for_the_format_is_refused_before_work(run) -> None:
    Image.new("RGB", (20000, 1)).save("long.png")
    outcome = run("dream", "long.png", *QUICK, "-o", "long.webp")
    assert outcome.code == 1
    assert "WEBP holds at most 16383 pixels on a side; write a .png instead" in outcome.err


def test_names_that_are_too_long_are_reported(run, photo: Path) -> None:
    for arguments in (["n" * 300 + ".png"], ["photo.png", "-o", "n" * 300 + ".png"]):
        outcome = run("dream", *arguments, *QUICK)
        assert outcome.code == 1
        assert outcome.err.startswith("dreamcli: ")
        assert outcome.err.count("\n") == 1


def test_a_terminal_shows_progress(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    outcome = run("dream", "photo.png", *QUICK)
    assert outcome.code == 0
    assert "octave" in outcome.err
    assert "step 2/2" in outcome.err
    assert "octave" not in run("dream", "photo.png", *QUICK, "--overwrite", "-q").err


@pytest.mark.parametrize("several", [False, True])
def test_ctrl_c_keeps_a_single_picture_but_no_unfinished_one_of_a_batch(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    steps = []

    class Interrupting(NormalizedGradient):
        def step(self, evaluate) -> None:
            steps.append(1)
            if len(steps) == 6:
                raise KeyboardInterrupt
            super().step(evaluate)

    monkeypatch.setattr(dream, "NormalizedGradient", Interrupting)
    shutil.copy(photo, "a.png")
    inputs = ["a.png", "photo.png"] if several else ["photo.png"]
    outcome = run("dream", *inputs, "--steps", "4" if several else "9", "--octaves", "1", "-o", "out/")
    assert outcome.code == 130
    if several:
        assert os.listdir("out") == ["a.png"]
        assert "1 done, 1 interrupted" in outcome.err
    else:
        record = read_record(Path("out/photo.png"))
        assert record is not None
        assert record.stopped == "interrupted"
        assert "(the best so far)" in outcome.err
        steps.clear()
        monkeypatch.setattr(dream, "NormalizedGradient", NormalizedGradient)
        # the same command finishes it, even without --overwrite
        assert run("dream", "photo.png", "--steps", 9, "--octaves", "1", "-o", "out/").code == 0
        finished = read_record(Path("out/photo.png"))
        assert finished is not None
        assert finished.stopped == "done"


def test_another_model_with_your_own_weights(run, photo: Path) -> None:
    torch.save(squeezenet1_1(num_classes=5).state_dict(), "own.pth")
    outcome = run("dream", photo, "-m", "squeezenet1_1", "--weights", "own.pth", *QUICK, "--layer", "features.3")
    assert outcome.code == 0
    record = read_record(Path("photo-dream.png"))
    assert record is not None
    assert record.provenance.network["name"] == "squeezenet1_1"


def test_help_and_version_do_not_import_torch() -> None:
    for arguments in (["--help"], ["dream", "--help"], ["replay", "--help"], ["--version"]):
        code = (
            "import sys; from dreamcli.__main__ import main; main(sys.argv[1:]); "
            "sys.exit(3 if {'torch', 'numpy', 'PIL'} & set(sys.modules) else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "dreamcli" in done.stdout


def test_the_installed_command_exits_with_its_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dreamcli", "dream", "none.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "dreamcli: none.png: there is no such file\n")
