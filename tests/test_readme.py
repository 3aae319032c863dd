"""Run everything that the README and the guide say to type, on small pictures and for one step."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import dreamcli
from dreamcli.networks import zoo
from dreamcli.networks.registry import OURS
from tests.conftest import Outcome, scene
from tests.files.clips import pan, write_clip

ROOT = Path(__file__).resolve().parents[1]
TEXT = "\n".join((ROOT / name).read_text() for name in ("README.md", "docs/guide.md"))
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
LINES = [line for language, text in BLOCKS if not language for line in text.splitlines()]
COMMANDS = list(
    dict.fromkeys(line[line.index("dreamcli ") :] for line in LINES if re.match(r"(.*uv run )?dreamcli ", line))
)
SMALL = ("--size", "48", "--steps", "1", "--octaves", "1")
QUICK = dict.fromkeys(("dream", "class", "boost", "style", "invert", "caricature"), SMALL) | {
    "features": ("--size", "48"),
    "explain": ("--size", "48", "--steps", "2"),
    "film": (*SMALL, "--seconds", "12", "--fps", "1", "--toward", "2,3"),
    "microscope": (*SMALL, "--channels", "0"),
}
PICTURE = re.compile(r"[\w./-]+\.(jpg|png|mp4|gif)$")


def arrange(arguments: list[str], folder: Path) -> None:
    """Put a picture wherever the arguments name an input, and two into every folder."""
    inputs = [word for before, word in pairwise(["", *arguments]) if before not in ("-o", "--animate")]
    for word in (word.partition("=")[0] for word in inputs):
        if word.endswith("/") or "*" in word:
            names = [f"{word.partition('/')[0]}/{name}" for name in ("one.jpg", "more/two.jpg")]
        else:
            names = [word] * bool(PICTURE.match(word))
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".mp4"):
                pytest.importorskip("av", reason="films need the extra `video`")
                write_clip(folder / name, pan(2))
            elif name.endswith(".gif"):
                first, *rest = map(Image.fromarray, pan(2))
                first.save(folder / name, save_all=True, append_images=rest)
            else:
                Image.fromarray(scene()).save(folder / name)


@pytest.fixture
def undownloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give networks random weights instead of downloading them."""
    load_real = zoo.load

    def load(name: str, weights: Path | None = None) -> zoo.Network:
        return load_real(name, weights, random=name not in OURS)

    monkeypatch.setattr(zoo, "load", load)


@pytest.mark.usefixtures("undownloaded")
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_its_comment_says(
    line: str, run: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DREAMCLI_MODEL", "DREAMCLI_JUDGE"):
        monkeypatch.delenv(variable)  # as a new user has it
    if "--cluster" in line:
        pytest.skip("needs Ray; tests/test_cluster.py tries it")
    if line.startswith("dreamcli web"):
        pytest.skip("serves until it is ended; tests/web tries it")
    # a sixteenth of two pictures may be none
    arguments = shlex.split(line.replace("--shard 1/16", "--shard 1/1"), comments=True)[1:]
    if arguments[0] == "replay":
        arrange(["photo.jpg"], tmp_path)
        assert run("dream", "photo.jpg", *SMALL).code == 0
    else:
        arrange(arguments, tmp_path)
    there = set(tmp_path.rglob("*"))
    outcome = run(*arguments, *QUICK.get(arguments[0], ()))
    assert outcome.code == 0, outcome.err
    if "--dry-run" in arguments:
        assert set(tmp_path.rglob("*")) == there
        assert re.search(" -> |planned", outcome.out + outcome.err)
        return
    assert outcome.out or set(tmp_path.rglob("*")) > there
    promised = [word for before, word in pairwise(arguments) if before == "-o" and "{" not in word]
    promised += re.findall(r"\./([\w.-]+)", line.partition("#")[2])
    for name in promised:
        assert (tmp_path / name).exists(), outcome.err


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [text for language, text in BLOCKS if language == "python"]

    def quick(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **settings: function(*arguments, **settings | {"size": 48, "steps": 1, "octaves": 1})

    for name in ("dream", "boost", "visualize_class", "stylize"):
        monkeypatch.setattr(dreamcli, name, quick(getattr(dreamcli, name)))
    monkeypatch.setattr(Image.Image, "show", lambda picture: None)
    monkeypatch.chdir(tmp_path)
    read = set(re.findall(r'"([\w-]+\.jpg)"', code))
    arrange(sorted(read), tmp_path)
    exec(code, {})
    assert read
    written = re.findall(r'save\("([^"{]+)"', code)
    assert written
    for name in written:
        assert (tmp_path / name).is_file()
