"""``--show``: a picture in the terminal, two pixels per character."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import Console, RenderableType
from rich.progress import Progress
from rich.style import Style
from rich.text import Text

from dreamcli.files.reading import Picture, Pixels, read_picture

UPPER_HALF = "▀"  # in the upper pixel's color, on the lower one's
LIVE_LINES = 12  # of the picture that is being made
LINES_LEFT = 2  # for the line about the picture, and the prompt


def preview(path: Path, picture: Picture | None = None) -> None:
    """Show a picture on stderr, as large as fits, without reading it if it was just written; only in a terminal."""
    if not sys.stderr.isatty():
        return
    console = Console(stderr=True)
    console.print(half_blocks(picture or read_picture(path), console.width, console.height - LINES_LEFT), end="")


class LiveProgress(Progress):
    """Bars, and below them the picture that is being made."""

    _picture: Text | None = None

    @property
    def can_show(self) -> bool:
        """Whether the terminal has the colors and the room for a picture."""
        return self.console.color_system == "truecolor" and self.console.height >= 2 * LIVE_LINES

    def show_picture(self, pixels: Pixels | None) -> None:
        """Show a picture ``(height, width, 3)`` from now on; None for none."""
        columns = self.console.width // 2
        self._picture = None if pixels is None else half_blocks(Picture(pixels), columns, LIVE_LINES)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self._picture:
            yield self._picture


def half_blocks(picture: Picture, columns: int, lines: int) -> Text:
    """Draw a picture in at most this many columns and lines of a terminal, on black."""
    height, width = picture.pixels.shape[:2]
    scale = min(columns / width, 2 * lines / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale / 2)) * 2)
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = (pixels * (picture.alpha[..., None] / 255)).astype(np.uint8)
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)).tolist()
    text = Text(no_wrap=True, end="")
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append(UPPER_HALF, Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        text.append("\n")
    return text
