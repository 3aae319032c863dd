from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dreamcli.cli.preview import LiveProgress, half_blocks
from dreamcli.files.reading import Picture
from tests.conftest import QUICK, scene


@pytest.mark.parametrize(
    ("height", "width", "columns", "lines", "shown"),
    [
        (60, 80, 80, 24, (24, 64)),  # as high as fits
        (60, 80, 20, 24, (8, 20)),  # as wide as fits
        (4, 2, 80, 24, (24, 24)),  # enlarged
        (1, 4000, 80, 24, (1, 80)),
        (4000, 1, 80, 24, (24, 1)),
    ],
)
def test_a_picture_fills_the_terminal(
    height: int, width: int, columns: int, lines: int, shown: tuple[int, int]
) -> None:
    rows = half_blocks(Picture(scene(height, width)), columns, lines).plain.splitlines()
    assert (len(rows), {len(row) for row in rows}) == (shown[0], {shown[1]})


def test_colors_are_those_of_the_picture() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2] = (255, 0, 0)
    pixels[2:] = (0, 255, 0)
    alpha = np.full((4, 4), 255, np.uint8)
    alpha[:, 2:] = 0
    text = half_blocks(Picture(pixels, alpha), 4, 2)
    colors = [(span.style.color.triplet, span.style.bgcolor.triplet) for span in text.spans]
    red, green, black = (255, 0, 0), (0, 255, 0), (0, 0, 0)
    assert [tuple(map(tuple, pair)) for pair in colors[:4]] != []
    assert colors[0] == (red, red)
    assert colors[4] == (green, green)
    assert colors[3] == (black, black)


def test_it_is_shown_only_if_stderr_is_a_terminal(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run("dream", photo, *QUICK, "--show")
    assert "▀" not in plain.err + plain.out
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "12")
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _stream: True)
    again = run("dream", photo, *QUICK, "--show")
    assert "(already made)" in again.err
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in again.err.splitlines()]
    assert sum("▀" in line for line in lines) == 9  # which leaves three: for its line, and below the bars
    assert "▀" not in run("dream", photo, *QUICK, "--show", "-q").err
    assert "▀" not in run("dream", photo, *QUICK).err


def terminal(**options: object) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, **options)  # type: ignore[arg-type]


def test_the_picture_being_made_is_shown_below_the_bars() -> None:
    console = terminal(height=40, color_system="truecolor")
    with LiveProgress(console=console) as bar:
        assert bar.can_show
        bar.show_picture(scene())
        bar.refresh()
        shown = console.file.getvalue()
        bar.show_picture(None)
    assert shown.count("▀") >= 12 * 30
    for small in (terminal(height=20, color_system="truecolor"), terminal(height=40, color_system="standard")):
        assert not LiveProgress(console=small).can_show
