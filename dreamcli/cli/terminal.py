"""stdout and stderr: plain lines in a file or a pipe; in a terminal, whole lines above the bars while those are up.

Rich redraws the bars by moving the cursor, so what is printed past Rich lands in them. Everything that a command
prints to stderr therefore goes through `say` or `draw`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
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
    try:
        with _whole_redraws(), display:
            yield
    finally:
        _displays.remove(display)


@contextmanager
def _whole_redraws() -> Iterator[None]:
    """Keep Ctrl-C from printing ^C in the middle of a redraw, and from dropping the rest of it."""
    try:
        from termios import ECHOCTL, NOFLSH
    except ImportError:  # Windows, where it does neither
        yield
        return
    changed = _set_flags(ECHOCTL | NOFLSH, NOFLSH)
    try:
        yield
    finally:
        _set_flags(changed, ECHOCTL)


def _set_flags(chosen: int, values: int) -> int:
    """Give the chosen local flags of the terminal these values, and return those that this changed."""
    import termios

    with suppress(termios.error, AttributeError, OSError, ValueError):
        number = sys.stderr.fileno()
        if os.tcgetpgrp(number) == os.getpgrp():  # from the background, it would stop this process
            attributes = termios.tcgetattr(number)
            changed: int = (attributes[3] ^ values) & chosen
            attributes[3] ^= changed
            termios.tcsetattr(number, termios.TCSANOW, attributes)
            return changed
    return 0


def hidden_bars() -> AbstractContextManager[None]:
    """Hide the bars while something else prints, such as a download with its own bar."""
    return _displays[-1].hidden() if _displays else nullcontext()
