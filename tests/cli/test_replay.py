from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torchvision.models import squeezenet1_1

import dreamcli
from dreamcli.files.decoder import Decoder
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.record import read_record
from dreamcli.files.writing import write_picture
from tests.conftest import QUICK, scene


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_picture_is_made_again_from_its_own_record(run, photo: Path, suffix: str) -> None:
    run("dream", "photo.png", *QUICK, "--layer", "low:3*0.5", "--layer", "high", "--seed", 5, "-o", f"out.{suffix}")
    outcome = run("replay", f"out.{suffix}")
    assert outcome.code == 0
    assert outcome.err == f"photo.png -> out-replay.{suffix} identical to out.{suffix}\n"
    again = read_picture(Path(f"out-replay.{suffix}"))
    np.testing.assert_array_equal(again.pixels, read_picture(Path(f"out.{suffix}")).pixels)


def test_the_photograph_is_looked_for_unless_it_is_given(run, photo: Path) -> None:
    run("dream", photo.resolve(), *QUICK, "-o", "sub/out.png")
    shutil.move("photo.png", "sub/photo.png")
    assert run("replay", "sub/out.png").code == 0
    shutil.move("sub/photo.png", "renamed.png")
    lost = run("replay", "sub/out.png", "-o", "again.png")
    assert lost.code == 1
    assert "the photograph photo.png that sub/out.png was made from is not here; say where with --input" in lost.err
    assert run("replay", "sub/out.png", "--input", "renamed.png", "-o", "again.png").code == 0
    Image.fromarray(scene()[::-1]).save("other.png")
    wrong = run("replay", "sub/out.png", "--input", "other.png", "-o", "more.png")
    assert wrong.code == 1
    assert "other.png is not the photograph that sub/out.png was made from" in wrong.err


def test_a_picture_without_a_record_is_refused(run, photo: Path) -> None:
    outcome = run("replay", photo)
    assert outcome.code == 1
    assert "carries no record" in outcome.err
    assert run("replay", "none.png").err == "dreamcli: none.png: there is no such file\n"


def test_an_edited_picture_is_not_identical(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    with Image.open("out.png") as image:
        info = PngInfo()
        info.add_itxt("dreamcli", image.info["dreamcli"])
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("edited.png", pnginfo=info)
    outcome = run("replay", "edited.png")
    assert outcome.code == 1
    assert "not the same: it was made on another machine or with other threads, or has been edited" in outcome.err


def test_other_weights_are_refused_before_work(run, photo: Path) -> None:
    for name in ("own.pth", "other.pth"):
        torch.save(squeezenet1_1().state_dict(), name)
    run("dream", "photo.png", "-m", "squeezenet1_1", "--weights", "own.pth", *QUICK, "-o", "out.png")
    assert run("replay", "out.png", "--weights", "own.pth").code == 0
    outcome = run("replay", "out.png", "--weights", "other.pth", "-o", "x.png")
    assert outcome.code == 1
    assert "out.png was made with different weights for squeezenet1_1; give them with --weights" in outcome.err
    assert not Path("x.png").exists()


def test_replay_always_computes_and_never_overwrites_the_picture(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    made = Path("out.png").read_bytes()
    for more in ([], ["--overwrite"]):
        outcome = run("replay", "out.png", "-o", "out.png", *more)
        assert outcome.code == 2
        assert "is the picture itself" in outcome.err
    assert Path("out.png").read_bytes() == made
    run("replay", "out.png")
    Image.fromarray(scene()).save("blank.png")
    shutil.copy("blank.png", "out-replay.png")
    assert "not made by dreamcli" in run("replay", "out.png").err
    assert run("replay", "out.png", "--overwrite").code == 0
    assert read_picture(Path("out-replay.png")).pixels.tolist() == read_picture(Path("out.png")).pixels.tolist()


def test_another_format_is_refused(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.jpg")
    assert "must end in .jpg, as out.jpg does" in run("replay", "out.jpg", "-o", "x.png").err
    assert run("replay", "out.jpg", "-o", "new/").code == 0
    assert Path("new/out.jpg").exists()


@pytest.mark.parametrize(("suffix", "limit"), [("png", 1000), ("jpg", 1000), ("webp", 3000)])
def test_results_may_be_larger_than_inputs(run, monkeypatch: pytest.MonkeyPatch, suffix: str, limit: int) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    monkeypatch.setattr("dreamcli.files.reading._STRIP", 8)
    make = ("dream", "--start", "noise", "--size", 64, *QUICK, "-o", f"out.{suffix}")
    for status in ("", " (already made)"):
        outcome = run(*make)
        assert (outcome.code, outcome.err) == (0, f"noise -> out.{suffix}{status}\n")
    assert run("replay", f"out.{suffix}").code == 0
    assert "refused: it would unpack to more than" in run("dream", f"out.{suffix}").err
    outcome = run(*make, "--size", 96, "--overwrite")
    assert (outcome.code == 1 and "megapixels can't be read back" in outcome.err) == (suffix == "webp")


def test_another_file_of_the_same_name_does_not_end_the_search(run, photo: Path) -> None:
    run("dream", photo.resolve(), *QUICK, "-o", "sub/out.png")
    shutil.move("photo.png", "sub/photo.png")
    Path("photo.png").write_text("text")
    assert run("replay", "sub/out.png").code == 0


def test_an_interrupted_picture_is_not_replayed(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    record = read_record(Path("out.png"))
    assert record is not None
    write_picture(Path("half.png"), Picture(scene()), replace(record, stopped="interrupted"))
    outcome = run("replay", "half.png")
    assert outcome.code == 1
    assert "half.png was interrupted" in outcome.err


def test_json_says_whether_it_is_identical(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    report = json.loads(run("replay", "out.png", "--json").out)
    assert report["command"] == "replay"
    assert report["pictures"][0]["identical"] is True
    shown = json.loads(run("replay", "out.png", "-o", "y.png", "--dry-run", "--json").out)
    assert shown["pictures"][0]["record"]["job"]["settings"]["steps"] == 2
    dry = run("replay", "out.png", "-o", "y.png", "--dry-run")
    assert (dry.code, dry.err) == (0, "photo.png -> y.png\n")
    assert not Path("y.png").exists()


def test_settings_of_the_future_are_refused(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    record = read_record(Path("out.png"))
    assert record is not None
    for job in (
        replace(record.provenance, settings=record.provenance.settings | {"depth": 3}),
        replace(record.provenance, settings=record.provenance.settings | {"steps": "2"}),
        replace(record.provenance, settings=record.provenance.settings | {"weights": [1.0]}),
        replace(record.provenance, settings={}),
    ):
        write_picture(Path("new.png"), Picture(scene()), replace(record, provenance=job))
        outcome = run("replay", "new.png")
        assert outcome.code == 1
        assert "settings are unknown here" in outcome.err
    write_picture(
        Path("new.png"), Picture(scene()), replace(record, provenance=replace(record.provenance, command="sculpt"))
    )
    outcome = run("replay", "new.png")
    assert (outcome.code, outcome.err) == (
        1, "dreamcli: new.png was made by the command sculpt, which isn't installed here\n"
    )  # fmt: skip


def test_replaying_on_another_device_says_so_every_time(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    record = read_record(Path("out.png"))
    assert record is not None
    on_gpu = replace(
        record, provenance=replace(record.provenance, settings={**record.provenance.settings, "device": "cuda"})
    )
    write_picture(Path("gpu.png"), read_picture(photo), on_gpu)
    for _ in range(2):
        outcome = run("replay", "gpu.png", "--device", "cpu")
        assert outcome.code == 1
        assert "not the same: it was made on cuda, this on cpu" in outcome.err


def test_safe_decode_reads_every_file_in_the_child(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("dream", "photo.png", *QUICK, "--mask", "photo.png", "-o", "out.png")
    decoded, plain = [], Decoder.read

    def read(self: Decoder, path: Path):
        decoded.append(path.name)
        return plain(self, path)

    monkeypatch.setattr(Decoder, "read", read)
    assert run("replay", "out.png", "--safe-decode").code == 0
    assert sorted(decoded) == ["out-replay.png", "out.png", "photo.png", "photo.png"]


@pytest.mark.parametrize(("name", "what"), [("photo.png", "an input"), ("mask.png", "the mask")])
def test_no_picture_that_it_was_made_from_is_overwritten(run, photo: Path, name: str, what: str) -> None:
    shutil.copy("photo.png", "mask.png")
    run("dream", "photo.png", *QUICK, "--mask", "mask.png", "-o", "out.png")
    before = Path(name).read_bytes()
    outcome = run("replay", "out.png", "-o", name, "--overwrite")
    assert outcome.code == 2
    assert f"{name} is {what} and would be overwritten" in outcome.err
    assert Path(name).read_bytes() == before


def test_a_setting_is_blamed_only_if_it_differs(run, photo: Path) -> None:
    run("features", "photo.png", "--top", 1, "-o", "out.png")
    record = read_record(Path("out.png"))
    assert record is not None
    for changes, reason in (
        ({}, "it was made on another machine or with other threads, or has been edited since"),
        ({"precision": "float64"}, "it was made in float64, this in float32"),
    ):
        job = replace(record.provenance, settings=record.provenance.settings | {"precision": "float32"} | changes)
        write_picture(Path("edited.png"), Picture(scene()), replace(record, provenance=job))
        outcome = run("replay", "edited.png", "--precision", "float32", "--overwrite")
        assert outcome.code == 1
        assert f"not the same: {reason}" in outcome.err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--judge", "lenet5"), "out.png was made without a judge: leave out --judge"),
        (("--model", "vgg16"), "out.png was made by dreamnet, not by a network of yours: leave out --model"),
    ],
    ids=str,
)
def test_a_network_that_it_was_not_made_with_is_refused(
    run, photo: Path, option: tuple[str, str], message: str
) -> None:
    run("dream", "photo.png", *QUICK, "-o", "out.png")
    for more in ((), ("--dry-run",)):
        outcome = run("replay", "out.png", *option, *more)
        assert outcome.code == 2
        assert outcome.err == f"dreamcli: {message}\n"
    assert sorted(os.listdir()) == ["out.png", "photo.png"]


def test_a_picture_made_from_memory_cannot_be_replayed(run, tmp_path: Path) -> None:
    dreamcli.dream(scene(), steps=2, octaves=1).save(tmp_path / "out.png")
    outcome = run("replay", "out.png")
    assert outcome.code == 1
    assert "out.png was made in Python from a picture in memory" in outcome.err
