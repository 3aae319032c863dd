"""The commands ``class`` and ``boost``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from tests.conftest import scene

QUICK = ("--steps", "2", "--octaves", "1", "--size", "48")


def test_classes_by_name_and_by_number(run) -> None:
    outcome = run("class", "Goldfish", "golden retriever", 107, *QUICK)
    assert outcome.code == 0, outcome.err
    made = ["goldfish-class.png", "golden-retriever-class.png", "jellyfish-class.png"]
    assert sorted(p.name for p in Path().glob("*.png")) == sorted(made)
    assert read_picture(Path(made[0])).pixels.shape == (48, 48, 3)
    record = read_record(Path(made[1]))
    assert record is not None
    assert record.provenance.settings["classes"] == [207]
    assert record.provenance.input == record.source == ""


def test_the_record_has_the_scores(run) -> None:
    outcome = run("class", "goldfish", *QUICK, "--judge", "dreamnet", "--json")
    (entry,) = json.loads(outcome.out)["pictures"]
    score = entry["score"]
    assert score["after"] > score["before"]
    assert 0 < score["high_frequencies"] < 1
    seen = score["seen_by"]
    assert seen["network"] == "dreamnet"
    for top in (score["top5"], seen["top5"]):
        names, values = zip(*top, strict=True)
        assert len(set(names)) == 5
        assert list(values) == sorted(values, reverse=True)
    assert score["top5"] == seen["top5"]  # the judge is the network itself
    record = read_record(Path("goldfish-class.png"))
    assert record is not None
    assert record.score == score
    assert f"({record.seen_by})" in entry["message"]
    assert record.seen_by.startswith("seen by dreamnet: ")


def test_mix_sheet_and_count(run) -> None:
    assert run("class", "goldfish", "jellyfish", "--mix", *QUICK).code == 0
    assert run("class", "goldfish", "jellyfish", "--sheet", *QUICK).code == 0
    assert run("class", "tench", "--count", 2, *QUICK).code == 0
    assert sorted(p.name for p in Path().glob("*.png")) == [
        "goldfish-jellyfish-class.png",
        "sheet-class.png",
        "tench-class-1.png",
        "tench-class-2.png",
    ]
    assert read_picture(Path("sheet-class.png")).pixels.shape[1] > 2 * 48
    one, two = (read_picture(Path(f"tench-class-{i}.png")).pixels for i in (1, 2))
    assert (one != two).any()
    again = run("class", "tench", "--count", 2, *QUICK)
    assert again.err.count("already made") == 2


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("class", "tench", "--count", "2"), "tench-class-2.png"),
        (("class", "tench", "goldfish", "--sheet"), "sheet-class.png"),
        (("boost", "--layer", "mid:3"), "mid-3-boost.png"),
        (("boost", "photo.png", "--layer", "mid", "--guide", "guide.png", "--mask", "guide.png"), "photo-boost.png"),
        (("dream", "--start", "noise", "--judge", "dreamnet"), "noise-dream.png"),
    ],
    ids=" ".join,
)
def test_replay_makes_it_again(run, photo: Path, arguments: tuple[str, ...], output: str) -> None:
    Image.fromarray(scene(40, 50)).save("guide.png")
    outcome = run(*arguments, *QUICK)
    assert outcome.code == 0, outcome.err
    outcome = run("replay", output, "-o", "again.png")
    assert outcome.code == 0, outcome.err
    assert "identical" in outcome.err
    assert Path("again.png").read_bytes() == Path(output).read_bytes()


def test_replay_asks_for_a_missing_guide(run, photo: Path) -> None:
    Image.fromarray(scene(40, 50)).save("guide.png")
    run("dream", "photo.png", "--guide", "guide.png", "--steps", 1, "--octaves", 1)
    Path("guide.png").rename("moved.png")
    outcome = run("replay", "photo-dream.png")
    assert outcome.code == 1
    assert "guide.png that photo-dream.png was made from is not here; say where with --other guide=PATH" in outcome.err
    assert run("replay", "photo-dream.png", "--other", "guide=moved.png").code == 0
    outcome = run("replay", "photo-dream.png", "--other", "gide=moved.png")
    assert outcome.code == 2
    assert "this picture's roles are: guide" in outcome.err


def test_channels_one_by_one_or_on_a_sheet(run) -> None:
    assert run("boost", "--layer", "mid", "--channels", "0-1,7", *QUICK).code == 0
    assert sorted(p.name for p in Path().glob("*.png")) == [f"mid-{c}-boost.png" for c in (0, 1, 7)]
    outcome = run("boost", "--layer", "mid", "--channels", "0-3", "--sheet", *QUICK)
    assert outcome.code == 0
    record = read_record(Path("sheet-boost.png"))
    assert record is not None
    assert record.provenance.settings["layers"] == ["mid:0", "mid:1", "mid:2", "mid:3"]


def test_boosted_photographs_keep_their_transparency(run) -> None:
    alpha = np.full((60, 80), 77, np.uint8)
    Image.fromarray(np.dstack([scene(), alpha])).save("clear.png")
    few = ("--layer", "low:3", "--steps", 2, "--octaves", 1)
    assert run("boost", "clear.png", *few).code == 0
    made = read_picture(Path("clear-boost.png"))
    assert made.alpha is not None
    assert int(made.alpha.min()) == int(made.alpha.max()) == 77
    assert (made.pixels != scene()).any()
    assert (
        run("boost", "--start", "clear.png", "-o", "x.png", "--layer", "low:3", "--steps", 2, "--octaves", 1).code == 0
    )
    np.testing.assert_array_equal(read_picture(Path("x.png")).pixels, made.pixels)


def test_a_class_can_start_from_a_picture(run, photo: Path) -> None:
    assert run("class", "goldfish", "--start", photo, "--steps", 2, "--octaves", 1).code == 0
    made = read_picture(Path("goldfish-class.png"))
    assert made.pixels.shape == scene().shape
    assert np.abs(made.pixels.astype(int) - scene()).mean() < 40


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("class", "goldfsh"), 2, "dreamnet has no class 'goldfsh'; did you mean goldfish"),
        (("class", "retriever"), 2, "golden retriever"),
        (("class", "qqqq"), 2, "among its 1000; list them with: dreamcli models MODEL --classes"),
        (("class", "qqqq", "--model", "lenet5"), 2, "its 10 classes are 0, 1, and so on to 9"),
        (("class", "1000"), 2, "has no class '1000'"),
        (("class",), 2, "Missing argument 'NAME...'"),
        (("class", "goldfsh", "--dry-run"), 2, "did you mean goldfish"),
        (("class", "goldfish", "-m", "net.py:Net", "--dry-run"), 2, "there is no file net.py"),
        (("class", "goldfish", "--mix", "--sheet"), 2, "--mix makes one picture"),
        (("class", "goldfish", "--blur", 1), 2, "blur only works with the pixels parameterization"),
        (("class", "goldfish", "--start", "none.png"), 1, "none.png: there is no such file"),
        (("class", "goldfish", "--mask", "none.png"), 1, "none.png: there is no such file"),
        (("class", "goldfish", "--like", "none.png"), 1, "none.png: there is no such file"),
        (("class", "goldfish", "--like", "*.bmp"), 1, "*.bmp: no file matches this pattern"),
        (("class", "goldfish", "--judge", "resnet51"), 2, "did you mean resnet50"),
        (("class", "goldfish", "tench", "-o", "x.png"), 2, "several pictures need a folder"),
        (("class", "goldfish", "-o", "x.gif"), 2, "must end in"),
        (("boost", "--layer", "mif:3"), 2, "did you mean mid"),
        (("boost", "--layer", "mid:9999"), 2, "has channels 0 to 383"),
        (("boost", "--layer", "mid", "--channels", "a"), 2, "'a' is not of the form 0-15"),
        (("boost", "--layer", "mid", "--channels", "5-2"), 2, "5-2 runs backwards"),
        (("boost", "--layer", "mid", "--channels", "0-99999999"), 2, "is more than 4096 channels"),
        (("boost", "--layer", "mid", "--channels", "383-384", *QUICK), 2, "there is no 384"),
        (("boost", "--layer", "mid:3", "--channels", "0-3"), 2, "leave the channel out of --layer"),
        (("boost", "photo.png", "--channels", "0-3"), 2, "need --sheet"),
        (("boost", "photo.png", "--start", "noise"), 2, "IMAGE and --start can't be combined"),
        (("boost", "photo.png", "--mask", "photo.png", "-o", "photo.png"), 2, "photo.png is an input"),
        (("boost", "--guide", "photo.png", "-o", "photo.png"), 2, "photo.png is the guide and would be overwritten"),
        (("boost", "--layer", "mid:3", "--guide", "photo.png"), 2, "leave out the channel"),
        (("dream",), 2, "name an IMAGE to dream on, or use --start noise"),
    ],
    ids=str,
)
def test_a_wrong_command_line_prints_one_line(
    run, photo: Path, arguments: tuple[object, ...], code: int, message: str
) -> None:
    before = photo.read_bytes()
    outcome = run(*arguments)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert sorted(p.name for p in Path().iterdir()) == ["photo.png"]
    assert photo.read_bytes() == before


def test_a_numbered_output_never_overwrites_an_input(run, photo: Path) -> None:
    photo.rename("p-2.png")
    before = Path("p-2.png").read_bytes()
    outcome = run("boost", "p-2.png", "--count", 3, "-o", "p.png", "--overwrite", *QUICK)
    assert outcome.code == 2
    assert "p-2.png is an input and would be overwritten" in outcome.err
    assert Path("p-2.png").read_bytes() == before


def test_numbered_results_are_not_inputs(run, photo: Path) -> None:
    few = ("--count", 2, "--steps", 1, "--octaves", 1)
    assert run("boost", "*.png", *few).code == 0
    made = ["photo-boost-1.png", "photo-boost-2.png", "photo.png"]
    outcome = run("boost", "*.png", *few)
    assert outcome.lines[-1] == "2 skipped"
    assert sorted(os.listdir()) == made
    assert run("class", "goldfish", *few, "--start", "photo.png").code == 0
    before = Path("goldfish-class-1.png").read_bytes()
    again = run("class", "goldfish", "tench", *few, "--start", "goldfish-class-1.png", "--overwrite")
    assert again.code == 2
    assert "goldfish-class-1.png is an input and would be overwritten" in again.err
    assert Path("goldfish-class-1.png").read_bytes() == before


def test_classes_that_would_share_a_file_are_refused(run) -> None:
    outcome = run("class", "Cardigan", "cardigan", "-o", "out/")
    assert outcome.code == 2
    assert "written to out/cardigan-class.png; make them in two runs, each with its own -o" in outcome.err


def test_a_cardigan_is_a_dog_or_a_garment(run) -> None:
    assert run("class", "Cardigan", *QUICK, "-o", "dog.png").code == 0
    assert run("class", "cardigan", *QUICK, "-o", "garment.png").code == 0
    records = [read_record(Path(name)) for name in ("dog.png", "garment.png")]
    assert [record.provenance.settings["classes"] for record in records if record] == [[264], [474]]


def test_a_dry_run_makes_nothing(run) -> None:
    outcome = run("class", "goldfish", "--count", 2, "--dry-run")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "goldfish -> goldfish-class-1.png",
        "goldfish -> goldfish-class-2.png",
        "2 planned",
    ]
    assert not list(Path().iterdir())


def test_a_dry_run_downloads_nothing(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "cache")
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("it downloads"))
    outcome = run("class", "goldfish", "-m", "alexnet", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert outcome.err == "goldfish -> goldfish-class.png\n"


def test_a_class_like_a_folder_of_photographs_is_replayed(run) -> None:
    Path("mine").mkdir()
    for number in range(40):
        Image.fromarray(scene(66 + number, 70)).save(f"mine/{number:02}.png")
    assert run("class", "goldfish", *QUICK, "--like", "mine", "-o", "out.png").code == 0
    record = read_record(Path("out.png"))
    assert record is not None
    assert len(record.provenance.others) == 32  # evenly spaced
    assert (record.other_sources["like-1"], record.other_sources["like-32"]) == ("mine/00.png", "mine/38.png")
    assert run("class", "goldfish", *QUICK, "--like", "mine", "-o", "out.png").err.count("already made") == 1
    assert "identical" in run("replay", "out.png", "-o", "again.png").err
    other = run("class", "goldfish", *QUICK, "--like", "mine/00.png", "-o", "out.png")
    assert "made with different settings" in other.err
    Path("empty").mkdir()
    assert "empty: there is no picture in this folder" in run("class", "goldfish", "--like", "empty").err
    refused = run("class", "goldfish", *QUICK, "--like", "mine", "-o", "mine/00.png", "--overwrite")
    assert refused.code == 2
    assert "mine/00.png" in refused.err


def test_photographs_to_resemble_may_be_links(run) -> None:
    Path("real").mkdir()
    Path("mine").mkdir()
    Image.fromarray(scene()).save("real/a.png")
    Path("mine/a.png").symlink_to(Path("real/a.png").resolve())
    command = ("class", "goldfish", *QUICK, "--like", "mine")
    refused = run(*command)
    assert (refused.code, refused.err) == (
        1, "dreamcli: mine: there is no picture in this folder, only links; follow them with --follow-links\n"
    )  # fmt: skip
    assert run(*command, "--follow-links").code == 0
    assert run("boost", "--layer", "low", "--channels", "0-1", "--watch").code == 2
