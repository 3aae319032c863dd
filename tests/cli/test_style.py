from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from tests.conftest import scene

QUICK = ("--steps", "2", "--octaves", "1")


@pytest.fixture
def styles(run, photo: Path) -> None:
    """Two style pictures and a mask, next to the photograph."""
    Image.fromarray(scene(50, 40)[::-1]).save("a.png")
    Image.fromarray(scene(40, 50)[:, ::-1]).save("b=c.png")
    Image.fromarray(np.full((20, 20), 255, np.uint8)).save("white.png")


def test_a_repainted_photograph_records_its_styles(run, photo: Path, styles: None) -> None:
    outcome = run("style", "photo.png", "--style", "a.png", "--style", "b=c.png=0.5", *QUICK)
    assert outcome.code == 0, outcome.err
    record = read_record(Path("photo-style.png"))
    assert record is not None
    assert record.other_sources == {"style-1": "a.png", "style-2": "b=c.png"}
    assert set(record.provenance.others) == {"style-1", "style-2"}
    assert record.provenance.settings["weights"] == [1.0, 0.5]
    assert record.score["after"] > record.score["before"]
    assert (read_picture(Path("photo-style.png")).pixels != scene()).any()


@pytest.mark.parametrize(
    "arguments",
    [
        ("photo.png", "--style", "a.png", "--keep-colors"),
        ("photo.png", "--fine", "a.png", "--coarse", "b=c.png"),
        ("photo.png", "--style", "a.png", "--content-mask", "white.png", "--style-mask", "white.png"),
        ("photo.png", "--style", "a.png", "--layer", "low", "--layer", "mid*0.5", "--content", "fire5"),
        ("--from-noise", "--style", "a.png", "--seamless", "--size", "48", "-o", "photo-style.png"),
    ],
    ids=" ".join,
)
def test_replay_makes_it_again(run, photo: Path, styles: None, arguments: tuple[str, ...]) -> None:
    outcome = run("style", *arguments, *QUICK)
    assert outcome.code == 0, outcome.err
    outcome = run("replay", "photo-style.png", "-o", "again.png")
    assert outcome.code == 0, outcome.err
    assert Path("again.png").read_bytes() == Path("photo-style.png").read_bytes()


def test_a_folder_is_repainted_with_one_style(run, photo: Path, styles: None) -> None:
    Path("in").mkdir()
    for name in ("x.png", "y.png"):
        Image.fromarray(scene(40, 60)).save(Path("in") / name)
    assert run("style", "in", "--style", "a.png", *QUICK).code == 0
    assert sorted(p.name for p in Path("in-style").iterdir()) == ["x.png", "y.png"]
    alone = run("style", "in/y.png", "--style", "a.png", "-o", "y.png", *QUICK)
    assert alone.code == 0
    # the statistics kept for the second photograph are the same as fresh ones
    np.testing.assert_array_equal(read_picture(Path("in-style/y.png")).pixels, read_picture(Path("y.png")).pixels)


def test_transparency_stays(run, photo: Path, styles: None) -> None:
    alpha = np.full((60, 80), 255, np.uint8)
    alpha[:, 50:] = 0
    Image.fromarray(np.dstack([scene(), alpha])).save("clear.png")
    assert run("style", "clear.png", "--style", "a.png", *QUICK).code == 0
    made = read_picture(Path("clear-style.png"))
    assert made.alpha is not None
    np.testing.assert_array_equal(made.alpha, alpha)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("photo.png",), 2, "there is no style to paint in; name one with --style PICTURE"),
        (("--style", "a.png"), 2, "name a PHOTO to repaint, or make a texture with --from-noise"),
        (("photo.png", "--from-noise", "--style", "a.png"), 2, "--from-noise makes a texture: leave out PHOTO"),
        (("photo.png", "--fine", "a.png"), 2, "a fine style needs a coarse one, and vice versa"),
        (("photo.png", "--style", "a.png", "--fine", "a.png", "--coarse", "a.png"), 2, "can't be combined with others"),
        (("photo.png", "--style", "a.png", "--seamless"), 2, "--seamless and --jitter only work with --from-noise"),
        (("photo.png", "--style", "a.png", "--keep-colors", "--colors", "match"), 2, "leave out --colors match"),
        (("photo.png", "--style", "a.png=x"), 2, "the weight 'x' of a.png is not a number"),
        (("photo.png", "--style", "a.png=-1"), 2, "a style's weight must be more than 0"),
        (("photo.png", "--style", "none.png"), 1, "none.png: there is no such file"),
        (("photo.png", "--style", "a.png", "--style-mask", "a.png", "--style-mask", "a.png"), 2, "2 style masks for 1"),
        (("photo.png", "--style", "a.png", "--layer", "mif"), 2, "did you mean mid"),
        (("photo.png", "--style", "a.png", "--content", "mif"), 2, "did you mean mid"),
        (("photo.png", "--style", "a.png", "--layer", "mid:3"), 2, "style is measured in whole layers"),
        (("photo.png", "--style", "a.png", "-o", "a.png"), 2, "a.png is the style-1 and would be overwritten"),
        (("--from-noise", "--style", "a.png", "--keep-colors"), 2, "no photograph to keep the colors of"),
        (("--from-noise", "--style", "a.png", "--strength", "1"), 2, "--from-noise has no content"),
        (("photo.png", "--style", "a.png", "--strength", "2"), 2, "strength must be from 0 to 1"),
    ],
    ids=str,
)
def test_a_wrong_command_line_prints_one_line(
    run, photo: Path, styles: None, arguments: tuple[str, ...], code: int, message: str
) -> None:
    there = sorted(p.name for p in Path().iterdir())
    outcome = run("style", *arguments)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert sorted(p.name for p in Path().iterdir()) == there


@pytest.mark.usefixtures("styles")
def test_each_style_gives_a_result_of_its_own(run, photo: Path) -> None:
    small = ("--size", 32, "--steps", 1, "--octaves", 1)
    command = ("style", "photo.png", "--style", "a.png", "--style", "b=c.png=1", "--each-style", *small)
    plan = run(*command, "--dry-run")
    assert plan.lines[:2] == ["photo.png -> photo-style-a.png", "photo.png -> photo-style-b-c.png"]
    assert run(*command).code == 0
    for name, style in (("photo-style-a.png", "a.png"), ("photo-style-b-c.png", "b=c.png")):
        record = read_record(Path(name))
        assert record is not None
        assert record.other_sources == {"style-1": style}
    assert run("style", "photo.png", "--style", "b=c.png=1", *small, "-o", "alone.png").code == 0
    one, other = (read_picture(Path(name)).pixels for name in ("photo-style-b-c.png", "alone.png"))
    np.testing.assert_array_equal(one, other)
    assert run(*command).lines[:2] == [f"{line} (already made)" for line in plan.lines[:2]]
    assert "identical to photo-style-b-c.png" in run("replay", "photo-style-b-c.png").err


@pytest.mark.usefixtures("styles")
def test_each_style_of_a_folder(run, photo: Path) -> None:
    Path("paintings").mkdir()
    for name in ("a.png", "b=c.png"):
        Path(name).rename(Path("paintings") / name)
    command = (
        "style",
        "--from-noise",
        "--style",
        "paintings",
        "--each-style",
        "--size",
        32,
        "--steps",
        1,
        "--octaves",
        1,
    )
    outcome = run(*command)
    assert outcome.lines[:2] == ["texture -> texture-style-a.png", "texture -> texture-style-b-c.png"]
    command = ("style", "photo.png", "--style", "paintings", "--each-style", "-o", "{style}/{stem}.jpg", *QUICK)
    assert run(*command, "--dry-run").lines[:2] == ["photo.png -> a/photo.jpg", "photo.png -> b-c/photo.jpg"]


@pytest.mark.usefixtures("styles")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fine", "a.png", "--coarse", "a.png", "--each-style"), "--each-style needs --style PICTURE"),
        (("--each-style",), "--each-style needs --style PICTURE"),
        (("--style", "a.png=2", "--each-style"), "--each-style doesn't blend styles: leave out their weights"),
        (("--style", "a.png", "--style-mask", "white.png", "--each-style"), "--each-style can't be combined with"),
        (("--style", "a.png", "--content-mask", "white.png", "--each-style"), "--each-style can't be combined with"),
        (("--style", "a.png", "--style", "b=c.png=1", "--each-style", "-o", "-"), "stdout takes one picture only"),
        (("--style", "a.png", "--style", "b=c.png=1", "--each-style", "--animate", "x.gif"), "not for 2"),
        (("--style", "a.png", "-o", "{style}.png"), "there is no {style}"),
        (("--style", "."), "--style . is a folder: add --each-style for a result in each of its styles"),
    ],
)
def test_each_style_and_what_does_not_go_with_it(run, photo: Path, arguments: tuple[str, ...], message: str) -> None:
    outcome = run("style", "photo.png", *arguments, *QUICK)
    assert outcome.code == 2, outcome.err
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
