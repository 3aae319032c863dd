from __future__ import annotations

from pathlib import Path

import pytest

from dreamcli.errors import Hint, WrongRequest
from dreamcli.files.presets import SHIPPED, find_preset, preset_paths, preset_place, read_preset, write_preset

VALUES = {"layer": ["low", 'a "quoted" \x7f name'], "strength": 0.5, "steps": 3, "minimize": True}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = preset_place("mine", tmp_path / "presets", overwrite=False)
    write_preset(path, "größe", "dream", VALUES)
    preset = find_preset("mine", tmp_path / "presets")
    assert (preset.name, preset.about, preset.options, preset.is_shipped) == ("mine", "größe", {"dream": VALUES}, False)


def test_own_presets_override_shipped_ones(tmp_path: Path) -> None:
    name = next(SHIPPED.glob("*.toml")).stem
    assert find_preset(name, tmp_path).is_shipped
    (tmp_path / f"{name}.toml").touch()
    assert preset_paths(tmp_path)[name].parent == tmp_path
    assert not find_preset(name, tmp_path).is_shipped


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("../mine", "a preset's name can only have letters, digits, - and _, not '../mine'", None),
        ("mine", "there is already a preset mine, in ", Hint.OTHER_NAME),
    ],
)
def test_a_place_is_refused_with_a_reason(tmp_path: Path, name: str, message: str, hint: Hint | None) -> None:
    (tmp_path / "mine.toml").touch()
    with pytest.raises(WrongRequest, match=message) as caught:
        preset_place(name, tmp_path, overwrite=False)
    assert caught.value.hint is hint
    assert preset_place("mine", tmp_path, overwrite=True) == tmp_path / "mine.toml"


def test_a_name_without_a_preset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "harvest.toml").touch()
    for name, message, hint in (
        ("harvst", "did you mean harvest", None),
        ("zzz", "no preset 'zzz'$", Hint.LIST_PRESETS),
    ):
        with pytest.raises(WrongRequest, match=message) as caught:
            find_preset(name, tmp_path)
        assert caught.value.hint is hint


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"[dream", "x.toml: not TOML"),
        (b'about = "caf\xe9"', "x.toml: not TOML"),
        (b"about = 3", "x.toml: about: 3 is not text"),
        (b"dream = 3", r"x.toml: dream: options go under their command, such as \[dream\]"),
    ],
)
def test_what_is_no_preset_is_refused(tmp_path: Path, contents: bytes, message: str) -> None:
    (tmp_path / "x.toml").write_bytes(contents)
    with pytest.raises(WrongRequest, match=message):
        read_preset(tmp_path / "x.toml")


def test_a_folder_is_no_preset(tmp_path: Path) -> None:
    with pytest.raises(WrongRequest, match="a folder, not a file"):
        read_preset(tmp_path)
