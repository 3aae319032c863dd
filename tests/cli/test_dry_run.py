from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from dreamcli.files.record import read_record
from tests.conftest import QUICK, scene


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--layer", "hgih"), 2, "has no layer 'hgih'; did you mean high?"),
        (("--layer", "high:9999"), 2, "there is no 9999"),
        (("-m", "dreamnte"), 2, "there is no model 'dreamnte'; did you mean dreamnet?"),
        (("-m", "dreamnet", "--weights", "none.pth"), 1, "none.pth: no such weights file"),
        (("-m", "net.py:Net"), 2, "there is no file net.py"),
        (("--guide", "none.png"), 1, "none.png: there is no such file"),
        (("--mask", "none.png"), 1, "none.png: there is no such file"),
        (("--judge", "nobody"), 2, "there is no model 'nobody'"),
        (("--judge", "lenet5=none.pth"), 1, "none.pth: no such weights file"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(
    run, photo: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    there = os.listdir()
    for more in (("--dry-run",), ()):
        outcome = run("dream", "photo.png", *QUICK, *arguments, *more)
        assert outcome.code == code
        assert message in outcome.err
        assert outcome.err.count("\n") == 1
        assert os.listdir() == there


def test_a_network_of_ones_own_needs_its_weights(run, photo: Path) -> None:
    Path("net.py").write_text("from torch import nn\n\n\ndef net():\n    return nn.Conv2d(3, 4, 3)\n")
    for more in (("--dry-run",), ()):
        outcome = run("dream", "photo.png", "-m", "net.py:net", *more)
        assert outcome.code == 2
        assert "net.py:net needs weights" in outcome.err


def test_it_says_what_is_left_to_do(run, photo: Path) -> None:
    os.mkdir("in")
    for name in "abc":
        Image.fromarray(scene()).save(f"in/{name}.png")
    assert run("dream", "in/a.png", *QUICK, "-o", "out/a.png").code == 0
    assert run("dream", "in/b.png", *QUICK, "--seed", "1", "-o", "out/b.png").code == 0
    outcome = run("dream", "in", "-o", "out", *QUICK, "--dry-run")
    assert outcome.code == 1
    assert outcome.lines[:3] == [
        "in/a.png -> out/a.png (already made)",
        "dreamcli: in/b.png: out/b.png already exists, but was made with different settings; "
        "choose another with -o, or add --overwrite",
        "in/c.png -> out/c.png",
    ]
    assert outcome.lines[3].startswith("1 planned, 1 skipped, 1 failed; 0.0")
    with_overwrite = run("dream", "in", "-o", "out", *QUICK, "--overwrite", "--dry-run")
    assert with_overwrite.code == 0
    assert "in/b.png -> out/b.png (overwrites what is there)" in with_overwrite.lines
    outcome = run("dream", "in", "-o", "out", *QUICK)
    assert outcome.code == 1
    assert "1 done, 1 skipped, 1 failed" in outcome.err


def test_it_tells_another_photo_of_the_same_name(run, photo: Path) -> None:
    for folder, size in (("one", 60), ("two", 50)):
        os.mkdir(folder)
        Image.fromarray(scene(size, 80)).save(f"{folder}/a.png")
    assert run("dream", "one/a.png", *QUICK).code == 0
    for more in (("--dry-run",), ()):
        outcome = run("dream", "two/a.png", *QUICK, *more)
        assert outcome.code == 1
        assert "a-dream.png already exists, but was made from another picture; choose another" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("style", "photo.png", "--style", "photo.png=2", "--style", "other.png"),
        ("boost", "--layer", "low", "--channels", "0-1"),
        ("class", "goldfish", "--count", "2", "--best-of", "2"),
        ("dream", "photo.png", "-m", "dreamnet+efficientnet_lite0"),
        ("features", "photo.png"),
    ],
)
def test_it_knows_every_form_by_its_record(run, photo: Path, arguments: tuple[str, ...]) -> None:
    Image.fromarray(scene()).save("other.png")
    quick = QUICK if arguments[0] != "features" else ("--size", "48")
    assert run(*arguments, *quick).code == 0
    outcome = run(*arguments, *quick, "--dry-run")
    assert outcome.code == 0
    made = [path for path in Path().glob("*.png") if read_record(path)]
    assert outcome.err.count("(already made)") == len(made) > 0
    assert run(*arguments, *quick, "--seed" if quick is QUICK else "--top", "3", "--dry-run").code == 1
