"""What the Tab key completes, asked for as the shells do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from dreamcli.cli import cli


def completed(*words: str) -> list[tuple[str, str]]:
    """The kind and text of each completion of the last of these words."""
    found = ShellComplete(cli, {}, "dreamcli", "_DREAMCLI_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [(item.type, item.value) for item in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("lay",), ["layers"]),
        (("dream", "--oct"), ["--octaves", "--octave-scale"]),
        (("dream", "--model", "resnet1"), ["resnet101", "resnet152", "resnet18"]),
        (("dream", "-m", "lene"), ["lenet5"]),
        (("classify", "x.png", "--model", "DREAM"), ["dreamnet"]),
        (("dream", "-m", "dreamnet+resnet1"), ["dreamnet+resnet101", "dreamnet+resnet152", "dreamnet+resnet18"]),
        (("dream", "-m", "dreamnet+efficientnet_lite0*0.5", "--layer", "block1"), ["block1", "block12", "block14"]),
        (
            ("boost", "-m", "alexnet+dreamnet", "--layer", "fire9.s"),
            ["fire9.squeeze", "fire9.squeeze.conv", "fire9.squeeze.norm"],
        ),
        (("dream", "-m", "+", "--layer", "hi"), ["high"]),
        (("layers", "vgg16"), ["vgg16", "vgg16_bn"]),
        (("models", "alex"), ["alexnet"]),
        (("dream", "--judge", "alex"), ["alexnet"]),
        (("dream", "--layer", ""), ["low", "mid", "high"]),
        (("dream", "--layer", "h"), ["high"]),
        (("dream", "--layer", "high:1"), []),
        (("boost", "-m", "alexnet", "--layer", "features.1"), ["features.1", "features.11"]),
        (("features", "-m", "lenet5", "--layer", "maps.tanh"), ["maps.tanh1", "maps.tanh3", "maps.tanh5"]),
        (("style", "--content", "m"), ["mid"]),
        (("class", "goldf"), ["goldfish", "goldfinch"]),
        (("class", "goldfish", "chih"), ["Chihuahua"]),
        (("class", "king_p"), ["king_penguin"]),
        (("class", "--model", "lenet5", ""), list("0123456789")),
        (("dream", "--device", "c"), ["cpu", "cuda"]),
    ],
)
def test_known_names_are_completed(words: tuple[str, ...], expected: list[str]) -> None:
    found = completed(*words)
    assert {kind for kind, _ in found} <= {"plain"}
    if words[-1]:
        assert sorted(text for _, text in found) == sorted(expected)
    else:
        assert [text for _, text in found][: len(expected)] == expected


@pytest.mark.parametrize(
    "words",
    [
        ("dream", "ph"), ("class", "--start", "ph"), ("dream", "--guide", "ph"), ("style", "--style", "ph"),
        ("style", "--style", "a.png", "ph"), ("dream", "-o", "ph"), ("replay", "ph"), ("dream", "--weights", "ph"),
        ("dream", "--animate", "ph"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_files_are_left_to_the_shell(words: tuple[str, ...]) -> None:
    assert completed(*words) == [("file", "ph")]


def test_the_model_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMCLI_MODEL", "googlenet")
    assert ("plain", "inception4c") in completed("dream", "--layer", "inc")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "dreamcli"]
    environment = {**os.environ, "_DREAMCLI_COMPLETE": f"{shell}_source"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if shell == "bash" and "Couldn't detect Bash" in done.stderr:
        pytest.skip("there is no bash")
    assert done.returncode == 0
    assert f"_DREAMCLI_COMPLETE={shell}_complete" in done.stdout
    assert "torch" not in done.stderr
