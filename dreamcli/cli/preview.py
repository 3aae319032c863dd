"""``--show``: a picture in the terminal, two pixels per character."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import RenderableType
from rich.progress import Progress
from rich.style import Style
from rich.text import Text

from dreamcli.files.reading import Picture, Pixels, read_picture

from .terminal import draw, error_console, is_terminal, lines_of_bars

UPPER_HALF = "▀"  # in the upper pixel's color, on the lower one's
LIVE_LINES = 12  # of the picture that is being made


def preview(path: Path, picture: Picture | None = None) -> None:
    """Show a picture on stderr, as large as fits, without reading it if it was just written; only in color."""
    console = error_console()
    if is_terminal(sys.stderr) and not console.no_color:
        lines = console.height - 1 - lines_of_bars()  # 1 for the line about the picture
        draw(half_blocks(picture or read_picture(path), console.width, max(1, lines)))


class LiveProgress(Progress):
    """Bars, and below them the picture that is being made.

    Attributes:
        note: a line below the bars. Plain, because it is set by a signal handler, which must not wait for a lock.
    """

    note = ""
    _picture: Text | None = None

    @property
    def can_show(self) -> bool:
        """Whether the terminal has the colors and the room for a picture."""
        has_colors = self.console.color_system == "truecolor" and not self.console.no_color
        return has_colors and self.console.height >= 2 * LIVE_LINES

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take everything away for a while."""
        self.stop()
        try:
            yield
        finally:
            self.live._live_render._shape = None  # or Rich would erase as many lines once more
            self.start()

    def print_above(self, renderable: RenderableType, end: str = "\n") -> None:
        """Print text as it is, without breaking lines, or anything else that fits."""
        # Rich reads the height of the bars and writes in two steps: a refresh in between would leave stale bars
        with self.live._lock:
            self.refresh()  # printing draws the bars as they last were
            self.console.print(renderable, end=end, markup=False, emoji=False, highlight=False, soft_wrap=True)

    @property
    def lines(self) -> int:
        """How many lines the bars take, without the picture, but with the cursor's and the one that Rich ends with."""
        return sum(task.visible for task in self.tasks) + 2

    def show_picture(self, pixels: Pixels | None) -> None:
        """Show a picture ``(height, width, 3)`` from now on; None for none."""
        columns = self.console.width // 2
        self._picture = None if pixels is None else half_blocks(Picture(pixels), columns, LIVE_LINES)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.note:
            yield Text(self.note, no_wrap=True, overflow="ellipsis")
        if picture := self._picture:  # another thread may take it away
            yield picture
        yield Text()  # where the cursor waits: what is typed at the end of a full line would begin a new one


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
