from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dreamcli.errors import DreamcliError
from dreamcli.files import writing
from dreamcli.files.formats import WRITTEN
from dreamcli.files.reading import Picture, read_picture
from dreamcli.files.writing import write_picture
from tests.conftest import scene
from tests.files.test_record import RECORD

ALPHA = np.linspace(0, 255, 60 * 80).astype(np.uint8).reshape(60, 80)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_lossless_formats_keep_every_pixel_and_alpha(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / "folder" / f"out{suffix}"
    write_picture(path, Picture(scene(), ALPHA), RECORD)
    again = read_picture(path)
    np.testing.assert_array_equal(again.alpha, ALPHA)
    seen = ALPHA > 0
    np.testing.assert_array_equal(again.pixels[seen], scene()[seen])
    assert os.listdir(path.parent) == [path.name]


def test_jpeg_shows_transparency_as_white(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.jpg", Picture(scene(), np.zeros((60, 80), np.uint8)), RECORD)
    assert read_picture(tmp_path / "out.jpg").pixels.min() > 250


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    for suffix in WRITTEN:
        for name in "ab":
            write_picture(tmp_path / f"{name}{suffix}", Picture(scene()), RECORD)
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_more_pixels_than_a_format_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DreamcliError, match="WEBP holds at most 16383 pixels on a side"):
        write_picture(tmp_path / "out.webp", Picture(np.zeros((1, 16384, 3), np.uint8)), RECORD)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    def fail(file, *_arguments: object) -> None:
        file.write(b"half a pict")
        raise fault

    monkeypatch.setattr(writing, "_save", fail)
    expected = DreamcliError if isinstance(fault, OSError) else type(fault)
    with pytest.raises(expected):
        write_picture(path, Picture(scene()), RECORD)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.png"]


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.png", Picture(scene()), RECORD)
    (tmp_path / "plain").touch()
    assert (tmp_path / "out.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_long_names_are_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    write_picture(path, Picture(scene()), RECORD)
    np.testing.assert_array_equal(read_picture(path).pixels, scene())


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(DreamcliError, match="could not write"):
        write_picture(tmp_path / ("n" * 300 + ".png"), Picture(scene()), RECORD)
    assert os.listdir(tmp_path) == []
