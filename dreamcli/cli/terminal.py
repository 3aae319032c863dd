"""stdout and stderr: plain lines in a file or a pipe; in a terminal, whole lines above the bars while those are up.

Rich redraws the bars by moving the cursor, so what is printed past Rich lands in them. Everything that a command
prints to stderr therefore goes through `say` or `draw`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from .preview import LiveProgress

MAX_TABLE = 1000  # columns
_displays: list[LiveProgress] = []  # that are up on stderr, of which a process has one


def is_terminal(stream: object) -> bool:
    """Whether a stream is a terminal. A notebook or a windowed program may have put anything in its place, or None."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # ValueError: it is closed
        return False


def say(text: str) -> None:
    """Print to stderr. If that fails, as when a log's disk is full, carry on: the pictures matter more."""
    with suppress(OSError):
        if _displays:
            _displays[-1].print_above(text)
        else:
            click.echo(text, err=True)


def draw(renderable: RenderableType) -> None:
    """Print something that fits the width of `error_console`, such as a picture, to stderr."""
    if _displays:
        _displays[-1].print_above(renderable, end="")
    else:
        error_console().print(renderable, end="")


def error_console() -> Console:
    """The console of stderr: that of the bars, if they are up."""
    if _displays:
        return _displays[-1].console
    from rich.console import Console  # which most command lines do without

    return Console(stderr=True, force_jupyter=False)


def output_console(width: int) -> Console:
    """The console of stdout, for tables; ``width`` columns wide if that is no terminal. Text is printed as it is."""
    from rich.console import Console

    columns = None if is_terminal(sys.stdout) else width
    return Console(width=columns, force_jupyter=False, markup=False, emoji=False, highlight=False)


def print_table(console: Console, table: Table) -> None:
    """Print a table with every name and number whole; what doesn't fit, the terminal continues on the next line."""
    from rich.measure import Measurement

    needed = Measurement.get(console, console.options.update(max_width=MAX_TABLE), table).maximum
    console.width = max(console.width, needed)
    console.print(table)


def lines_of_bars() -> int:
    """How many lines at the end of the screen are the bars', or the prompt's."""
    return _displays[-1].lines if _displays else 1


@contextmanager
def shown(display: LiveProgress) -> Iterator[None]:
    """Put up a display; what is said meanwhile appears above it. Take it away in the end."""
    _displays.append(display)
    is_changed = _keep_output(True)
    try:
        with display:
            yield
    finally:
        _displays.remove(display)
        if is_changed:
            _keep_output(False)


def _keep_output(is_wanted: bool) -> bool:
    """Set whether a terminal shows at Ctrl-C what is on its way, instead of dropping it; return whether that is new.

    It drops it by default, and half a redraw leaves stale bars.
    """
    try:
        import termios
    except ImportError:  # Windows
        return False
    with suppress(termios.error, OSError, ValueError):
        number = sys.stderr.fileno()
        attributes = termios.tcgetattr(number)
        is_set = bool(attributes[3] & termios.NOFLSH)
        if is_set != is_wanted and os.tcgetpgrp(number) == os.getpgrp():  # in the background, it would stop us
            attributes[3] ^= termios.NOFLSH
            termios.tcsetattr(number, termios.TCSANOW, attributes)
            return True
    return False


@contextmanager
def hidden_bars() -> Iterator[None]:
    """Take the bars away for as long as others print, as a download does with bars of its own."""
    if not _displays:
        yield
        return
    display = _displays[-1]
    display.stop()
    try:
        yield
    finally:
        display.start()
