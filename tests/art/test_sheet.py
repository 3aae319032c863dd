from __future__ import annotations

import numpy as np
import pytest

from dreamcli.art.sheet import BACKGROUND, GAP, INK, contact_sheet, heading, matrix_picture, stacked


def tile(level: int, height: int = 60, width: int = 80) -> np.ndarray:
    """A red tile, which no part of a grey caption looks like."""
    return np.full((height, width, 3), (level, 0, 0), np.uint8)


def corners(sheet: np.ndarray, level: int) -> tuple[int, int, int, int]:
    """The first and last rows and columns where a tile of this level is."""
    rows, columns = np.nonzero((sheet == (level, 0, 0)).all(2))
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_pictures_are_laid_out_in_rows_each_under_its_caption() -> None:
    line = 15
    sheet = contact_sheet([tile(101), tile(102), tile(103)], ["a", "b", "c"], 2)
    assert sheet.shape == (GAP + 2 * (line + 60 + GAP), GAP + 2 * (80 + GAP), 3)
    top, left = GAP + line, GAP
    assert corners(sheet, 101) == (top, top + 59, left, left + 79)
    assert corners(sheet, 102) == (top, top + 59, left + 86, left + 86 + 79)
    assert corners(sheet, 103) == (top + 81, top + 81 + 59, left, left + 79)
    assert (sheet[:top, :90].max(2) > max(BACKGROUND)).any()  # the caption
    assert (sheet[-GAP:] == BACKGROUND).all()


@pytest.mark.parametrize(("count", "shape", "columns"), [(1, (60, 60), 1), (9, (60, 60), 3), (10, (60, 60), 4),
                                                         (4, (30, 120), 1), (4, (120, 30), 4)])  # fmt: skip
def test_a_sheet_is_about_square(count: int, shape: tuple[int, int], columns: int) -> None:
    sheet = contact_sheet([tile(99, *shape)] * count, ["x"] * count)
    assert sheet.shape[1] == GAP + columns * (shape[1] + GAP)


def test_pictures_of_different_sizes_have_equal_cells() -> None:
    sheet = contact_sheet([tile(101, 30, 40), tile(102, 60, 80)], ["a", "b"], 2)
    top, _, left, right = corners(sheet, 101)
    assert (left, right) == (GAP, GAP + 39)
    assert corners(sheet, 102)[0] == top


def test_a_long_caption_is_cut() -> None:
    plain = contact_sheet([tile(0), tile(0)], ["", ""], 2)
    sheet = contact_sheet([tile(0), tile(0)], ["a caption that is far too long for its picture", ""], 2)
    inked = np.nonzero((sheet != plain).any(2))[1]
    assert GAP <= inked.min() < inked.max() < GAP + 80 + GAP
    assert sheet.max() <= max(INK)


def test_a_caption_for_each_picture() -> None:
    with pytest.raises(ValueError, match="shorter"):
        contact_sheet([tile(1), tile(2)], ["a"], 1)


def test_sheets_are_stacked() -> None:
    whole = stacked([tile(101, 10, 50), tile(102, 20, 70), tile(103, 5, 60)])
    assert whole.shape == (35, 70, 3)
    assert corners(whole, 101) == (0, 9, 0, 49)
    assert corners(whole, 102) == (10, 29, 0, 69)
    assert corners(whole, 103) == (30, 34, 0, 59)
    assert (whole[:10, 50:] == BACKGROUND).all()


def test_a_heading_is_as_wide_as_it_has_to_be() -> None:
    plain, longer = heading("low"), heading("a much longer heading")
    assert plain.shape[0] == longer.shape[0]
    assert plain.shape[1] < longer.shape[1]
    assert plain.max() > max(BACKGROUND)


def test_a_heading_has_a_color_bar_with_its_ends() -> None:
    colors = np.array([[200, 0, 0], [0, 200, 0]], np.uint8)
    line = heading("low", colors, ("0", "9.5"))
    middle = line[len(line) // 2].astype(int)
    red, green = ((middle[:, this] > 150) & (middle[:, that] < 60) for this, that in ((0, 1), (1, 0)))
    assert 20 < red.sum() < 100
    assert np.flatnonzero(red).max() < np.flatnonzero(green).min() < line.shape[1] - 20


def test_a_matrix_is_brighter_where_it_is_higher() -> None:
    picture = matrix_picture(np.array([[-1.0, 0.0], [0.0, 2.0]]), [["-1", "0"], ["0", "2"]], 100)
    assert picture.shape == (100, 100, 3)
    assert [int(picture[y, x, 0]) for y, x in ((2, 2), (2, 98), (98, 2), (98, 98))] == [64, 128, 128, 255]
    assert picture[10:40, 10:40].std() > 5  # a number
