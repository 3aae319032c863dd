"""Contact sheets: many pictures in one, each with a caption, under headings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dreamcli.files.reading import Pixels

GAP = 6  # pixels
BACKGROUND, INK = (20, 20, 20), (235, 235, 235)
HEADING = 13  # pixels: the size of its letters
BAR = (120, 10)  # pixels: a color bar's width and height


def contact_sheet(pictures: Sequence[Pixels], captions: Sequence[str], columns: int | None = None) -> Pixels:
    """Lay pictures out in rows, each under its caption.

    Args:
        pictures: ``(height, width, 3)`` uint8, not necessarily of the same size.
        captions: one for each picture; cut if it is wider than its picture.
        columns: the number of pictures in a row; None makes the sheet about square.
    """
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    columns = columns or min(len(pictures), math.ceil(math.sqrt(len(pictures) * height / width)))
    rows = math.ceil(len(pictures) / columns)
    letters = max(10, min(24, width // 14))
    font = ImageFont.load_default(letters)
    line = round(letters * 1.5)
    cells = {divmod(number, columns): picture for number, picture in enumerate(pictures)}
    sheet = Image.fromarray(grid(cells, (rows, columns), (height, width), BACKGROUND, GAP, line))
    pen = ImageDraw.Draw(sheet)
    for (row, column), caption in zip(cells, captions, strict=True):
        left, top = GAP + column * (width + GAP), GAP + row * (line + height + GAP)
        pen.text((left, top + line // 2), _fitted(caption, font, width), INK, font, anchor="lm")
    return np.asarray(sheet)


def grid(
    cells: Mapping[tuple[int, int], Pixels],
    shape: tuple[int, int],
    size: tuple[int, int],
    background: tuple[int, int, int] = (0, 0, 0),
    gap: int = 0,
    above: int = 0,
) -> Pixels:
    """Lay pictures out in rows and columns.

    Args:
        cells: a picture for each (row, column); the others show the background.
        shape: the number of rows and of columns.
        size: a cell's height and width in pixels; a smaller picture lies in its upper left.
        gap: pixels between the cells and around them.
        above: pixels left free above each row.
    """
    height, width = above + size[0] + gap, size[1] + gap
    whole = np.full((gap + shape[0] * height, gap + shape[1] * width, 3), background, np.uint8)
    for (row, column), picture in cells.items():
        top, left = gap + row * height + above, gap + column * width
        whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def heading(text: str, colors: Pixels | None = None, ends: tuple[str, str] = ("", "")) -> Pixels:
    """A line of text for the top of a block, as wide as needed.

    Args:
        colors: ``(N, 3)`` uint8, from the lowest value to the highest: shown as a color bar after the text.
        ends: the values at the bar's ends.
    """
    font = ImageFont.load_default(HEADING)
    bar = None if colors is None else Image.fromarray(np.asarray(colors)[None]).resize(BAR, Image.Resampling.BILINEAR)
    parts: list[str | Image.Image] = [text] if bar is None else [text, ends[0], bar, ends[1]]
    widths = [part.width if isinstance(part, Image.Image) else math.ceil(font.getlength(part)) for part in parts]
    height = round(HEADING * 1.8)
    line = Image.new("RGB", (GAP + sum(width + GAP for width in widths) + 3 * GAP, height), BACKGROUND)
    pen, left = ImageDraw.Draw(line), GAP
    for part, width in zip(parts, widths, strict=True):
        if isinstance(part, Image.Image):
            line.paste(part, (left, (height - part.height) // 2))
        else:
            pen.text((left, height // 2), part, INK, font, anchor="lm")
        left += width + (4 * GAP if part is text else GAP)
    return np.asarray(line)


def matrix_picture(values: np.ndarray, numbers: Sequence[Sequence[str]], side: int) -> Pixels:
    """A matrix as a picture of ``side`` pixels squared: the higher a value, the brighter its cell; 0 is middle gray."""
    rows, columns = values.shape
    levels = np.rint(127.5 + 127.5 * values / max(np.abs(values).max(), 1e-9)).astype(np.uint8)
    longest = max(len(number) for row in numbers for number in row)
    picture = Image.fromarray(levels).resize((side, side), Image.Resampling.NEAREST).convert("RGB")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(max(8, round(side / columns / (1 + 0.6 * longest))))
    for row, column in np.ndindex(rows, columns):
        middle = ((column + 0.5) * side / columns, (row + 0.5) * side / rows)
        pen.text(middle, numbers[row][column], BACKGROUND if levels[row, column] > 110 else INK, font, anchor="mm")
    return np.asarray(picture)


def stacked(sheets: Sequence[Pixels]) -> Pixels:
    """Stack sheets vertically."""
    width = max(sheet.shape[1] for sheet in sheets)
    whole = np.full((sum(map(len, sheets)), width, 3), BACKGROUND, np.uint8)
    top = 0
    for sheet in sheets:
        whole[top : top + len(sheet), : sheet.shape[1]] = sheet
        top += len(sheet)
    return whole


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
