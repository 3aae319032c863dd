"""Contact sheets: many pictures in one, each with a caption."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dreamcli.files.reading import Pixels

GAP = 6  # pixels
BACKGROUND, INK = (20, 20, 20), (235, 235, 235)


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
    sheet = Image.new("RGB", (GAP + columns * (width + GAP), GAP + rows * (line + height + GAP)), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left = GAP + number % columns * (width + GAP)
        top = GAP + number // columns * (line + height + GAP)
        pen.text((left, top + line // 2), _fitted(caption, font, width), INK, font, anchor="lm")
        sheet.paste(Image.fromarray(picture), (left, top + line))
    return np.asarray(sheet)


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
