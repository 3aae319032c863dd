"""``python -m dreamcli`` and the ``dreamcli`` command."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    0: done; 1: some input failed; 2: the command line is wrong; 130: interrupted.

    Args:
        arguments: what was typed after the program's name. None takes the process's own, and ends the process.
    """
    try:
        if arguments is None:
            _open_closed_streams()
            _print_in_any_encoding()
            _hear_signals()
        from dreamcli.cli import cli, report_error  # here, so that Ctrl-C is heard while it is imported

        try:
            code = int(cli.main(arguments, prog_name="dreamcli", standalone_mode=False) or 0)
        except SystemExit:
            code = 0  # the reader of a pipe has had enough, as in `dreamcli presets | head -1`
        except Exception as error:
            code = report_error(error, arguments)
    except KeyboardInterrupt:
        code = 130
    if arguments is None:
        _exit(code)
    return code


def _open_closed_streams() -> None:
    """Open the null device in place of a closed stdin, stdout or stderr (`2>&-`).

    Otherwise, the next file opened would take that descriptor and receive whatever a library prints.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (until the end)


def _print_in_any_encoding() -> None:
    """Print ``?`` for what stdout's encoding doesn't have: on Windows, a pipe's knows neither bars nor most names."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _hear_signals() -> None:
    """Let SIGTERM and SIGHUP end the process as Ctrl-C does, which loses nothing; nohup's SIGHUP stays ignored."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _exit(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the exit code already says what couldn't be printed
            if stream:  # there may be none: `>&-`
                stream.flush()
    # every file is written and closed by now; letting the interpreter take torch apart costs half a second
    os._exit(code)


if __name__ == "__main__":
    main()
