"""What libtiff says of a damaged file. It prints that to stderr, where nobody knows which file it is about."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_SAYS = re.compile(rb"[\w.]+: [\x20-\x7e]+")  # the form of its lines
_ROOM = 1 << 16  # bytes of a pipe; more is lost
_lock = Lock()


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what it prints, in a list that is filled at the end. On Windows, it stays on stderr.

    What others print meanwhile, such as bars, reaches stderr a little later.
    """
    said: list[str] = []
    with _lock:
        stderr = _copied_stderr()
        if stderr is None:
            yield said
            return
        listening, speaking = os.pipe()
        for end in (listening, speaking):
            os.set_blocking(end, False)  # a full pipe must not stop libtiff
        os.dup2(speaking, 2)
        os.close(speaking)
        try:
            yield said
        finally:
            os.dup2(stderr, 2)
            for line in _printed(listening).splitlines(keepends=True):
                if _SAYS.fullmatch(line.strip()):
                    said.append(line.strip().decode("ascii"))
                else:
                    os.write(2, line)
            os.close(listening)
            os.close(stderr)


def _copied_stderr() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.dup(2)
    except OSError:  # it is closed
        return None


def _printed(pipe: int) -> bytes:
    try:
        return os.read(pipe, _ROOM)
    except BlockingIOError:  # nothing
        return b""
