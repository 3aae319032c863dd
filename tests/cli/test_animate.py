"""``--animate``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.files.reading import read_picture
from dreamcli.files.record import read_record
from dreamcli.studio import animate
from dreamcli.studio.animate import MAX_FRAMES
from tests.conftest import QUICK, scene

MAKERS = {
    "dream": ("dream", "photo.png"),
    "masked": ("dream", "photo.png", "--mask", "photo.png"),
    "class": ("class", "goldfish", "--size", 64),
    "boost": ("boost", "--layer", "mid:3", "--size", 64, "--parameterization", "phase"),
    "style": ("style", "photo.png", "--style", "other.png", "--colors", "luminance"),
    "lbfgs": ("style", "photo.png", "--style", "other.png", "--optimizer", "lbfgs"),
}


@pytest.mark.parametrize("suffix", ["gif", "webp"])
@pytest.mark.parametrize("maker", MAKERS)
def test_animating_does_not_change_a_byte_of_the_picture(run, photo: Path, maker: str, suffix: str) -> None:
    Image.fromarray(scene(50, 40)).save("other.png")
    assert run(*MAKERS[maker], *QUICK, "-o", "plain.png").code == 0
    outcome = run(*MAKERS[maker], *QUICK, "-o", "out.png", "--animate", f"a.{suffix}")
    assert outcome.code == 0, outcome.err
    assert outcome.err.endswith(f"-> out.png (animation: a.{suffix})\n")
    assert Path("out.png").read_bytes() == Path("plain.png").read_bytes()
    made = read_picture(Path("out.png")).pixels
    with Image.open(f"a.{suffix}") as film:
        assert film.size == (made.shape[1], made.shape[0])
        assert 2 <= film.n_frames <= 2 * 2 + 2
        first = np.asarray(film.convert("RGB")).astype(int)
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("RGB")).astype(int)
    assert np.abs(last - made).mean() < 6  # a palette of 256 colors, or a lossy WebP
    if "photo.png" in MAKERS[maker]:
        assert np.abs(first - scene()).mean() < 6
    assert read_record(Path(f"a.{suffix}")) == read_record(Path("out.png"))


def test_frames_are_bounded_in_number_and_size(run) -> None:
    Image.fromarray(scene(300, 600)).save("wide.png")
    arguments = ("--parameterization", "pixels", "--steps", 100, "--octaves", 1, "--size", 20)
    assert run("dream", "wide.png", *arguments, "-o", "small.png", "--animate", "a.webp").code == 0
    with Image.open("a.webp") as film:
        assert MAX_FRAMES - 2 < film.n_frames <= MAX_FRAMES  # the last two may be equal
    assert run("dream", "wide.png", "--steps", 1, "--octaves", 1, "--animate", "b.gif").code == 0
    with Image.open("b.gif") as film:
        assert film.size == (512, 256)


def test_transparency_is_white_in_the_animation(run) -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, 40:] = 255
    Image.fromarray(np.dstack([scene(), alpha])).save("glass.png")
    assert run("dream", "glass.png", *QUICK, "--animate", "a.gif").code == 0
    with Image.open("a.gif") as film:
        assert (np.asarray(film.convert("RGB"))[:, :36] == 255).all()


def test_a_missing_picture_or_animation_is_made(run, photo: Path) -> None:
    command = ("dream", "photo.png", *QUICK)
    run(*command)
    picture = Path("photo-dream.png").read_bytes()
    assert run(*command, "--animate", "a.gif").err.endswith("photo-dream.png (animation: a.gif)\n")
    assert Path("photo-dream.png").read_bytes() == picture
    film = Path("a.gif").read_bytes()
    assert run(*command, "--animate", "a.gif").err.endswith("photo-dream.png (already made)\n")
    Path("photo-dream.png").unlink()
    assert run(*command, "--animate", "a.gif").code == 0
    assert Path("photo-dream.png").read_bytes() == picture
    other = run(*command, "--layer", "low", "-o", "low.png", "--animate", "a.gif")
    assert other.code == 1
    assert "a.gif already exists, but was made with different settings; choose another with --animate" in other.err
    assert Path("a.gif").read_bytes() == film
    assert run(*command, "--layer", "low", "-o", "low.png", "--animate", "a.gif", "--overwrite").code == 0
    assert Path("a.gif").read_bytes() != film


def test_json_names_the_animation(run, photo: Path) -> None:
    report = json.loads(run("dream", "photo.png", *QUICK, "--animate", "new/a.gif", "--json").out)
    assert report["pictures"][0]["animation"] == "new/a.gif"
    assert Path("new/a.gif").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dream", "photo.png", "--animate", "a.avi"), "--animate a.avi must end in .mp4, .webm, .mkv, .gif, .webp"),
        (("dream", "photo.png", "other.png", "--animate", "a.gif"), "for one picture, not for 2"),
        (("dream", ".", "--animate", "a.gif"), "for one picture, not for"),
        (("class", "goldfish", "--count", 2, "--animate", "a.gif"), "for one picture: leave out --count"),
        (("class", "goldfish", "--best-of", 2, "--animate", "a.gif"), "for one picture: leave out --best-of"),
        (("boost", "--channels", "0-2", "--sheet", "--animate", "a.gif"), "for one picture: leave out --sheet"),
        (
            ("dream", "photo.png", "-o", "a.webp", "--animate", "./a.webp"),
            "one of the inputs, or the output; choose another",
        ),
        (("dream", "moving.gif", "--animate", "moving.gif", "--overwrite"), "is one of the inputs"),
        (("dream", "photo.png", "--guide", "moving.gif", "--animate", "hard.gif"), "is one of the inputs"),
        (("dream", "photo.png", "--animate", "photo.png/a.gif"), "photo.png is not a folder"),
        (("features", "photo.png", "--animate", "a.gif"), "No such option"),
    ],
)
def test_a_wrong_option_is_reported_before_work(run, photo: Path, arguments: tuple[object, ...], message: str) -> None:
    shutil.copy(photo, "other.png")
    Image.fromarray(scene()).save("moving.gif")
    Path("hard.gif").hardlink_to("moving.gif")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    outcome = run(*arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_an_animation_cannot_be_replayed_but_gives_a_preset(run, photo: Path) -> None:
    run("dream", "photo.png", *QUICK, "--animate", "a.webp")
    outcome = run("replay", "a.webp")
    assert outcome.code == 1
    assert "a.webp is an animation; name the picture itself" in outcome.err
    assert run("replay", "a.webp", "--save-preset", "mine").code == 0


def test_an_interrupted_animation_has_the_frames_so_far(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def reduced(pixels: np.ndarray, longest: int) -> np.ndarray:
        taken.append(pixels)
        if len(taken) == 3:
            raise KeyboardInterrupt
        return pixels

    monkeypatch.setattr(animate, "reduced", reduced)
    outcome = run("dream", "photo.png", "--steps", 3, "--octaves", 1, "--animate", "a.gif")
    assert outcome.code == 130
    record = read_record(Path("a.gif"))
    assert record is not None
    assert record.stopped == "interrupted"
