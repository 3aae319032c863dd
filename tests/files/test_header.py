from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from dreamcli.errors import DreamcliError
from dreamcli.files.header import read_size


def test_the_size_is_known_from_the_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (640, 480)).save(path)
    path.write_bytes(path.read_bytes()[:100])
    assert read_size(path) == (640, 480)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    os.mkfifo(tmp_path / "fifo.png")
    for name, reason in {"text": "not a picture", "fifo": "not an ordinary file", "none": "no such file"}.items():
        with pytest.raises(DreamcliError, match=reason):
            read_size(tmp_path / f"{name}.png")
