"""Open files that others named: ordinary ones only, and none larger than what it should hold.

A path may lead to a pipe, a device or a folder, or to a file of a terabyte that takes no space on the disk. Nothing
else in `files`, `studio`, `web` and `cli` opens a file for reading.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dreamcli.errors import DreamcliError

# bytes
MAX_TEXT = 1 << 16  # of a record or a preset
MAX_PICTURE = 600_000_000  # the largest picture that is read needs less, even uncompressed with 16 bits
MAX_RESULT = 4_000_000_000  # of a picture or animation that dreamcli made, which may be larger than what it reads
MAX_VIDEO = 100_000_000_000
_PART = 1 << 20  # that is read at a time


def descriptor_of(path: Path) -> int:
    """Open an ordinary file for reading, without ever waiting for it, and return its descriptor.

    Raises:
        DreamcliError: it is something else.
        OSError: it can't be opened.
    """
    mode = os.stat(path).st_mode
    # a FIFO would block: check first, and don't wait if the file has become one since
    if not stat.S_ISREG(mode):
        raise DreamcliError("a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file")
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


@contextmanager
def open_regular(path: Path, at_most: int) -> Iterator[BinaryIO]:
    """Open an ordinary file for reading, as `descriptor_of` does.

    Args:
        at_most: how many bytes it may have.

    Raises:
        DreamcliError: it is something else or too large, or can't be opened. Its message doesn't name the file.
    """
    with _explained():
        file = open(path, "rb", opener=lambda *_: descriptor_of(path))  # noqa: SIM115
    with file:
        if os.fstat(file.fileno()).st_size > at_most:
            raise DreamcliError(f"refused: larger than {_size(at_most)}")
        yield file


def read_regular(path: Path, at_most: int) -> bytes:
    """Read all of an ordinary file.

    Raises:
        DreamcliError: as `open_regular`, or it can't be read.
    """
    return b"".join(parts_of(path, at_most))


def parts_of(path: Path, at_most: int) -> Iterator[bytes]:
    """Read all of an ordinary file, some at a time.

    Raises:
        DreamcliError: as `open_regular`, or it can't be read.
    """
    with open_regular(path, at_most) as file, _explained():
        left = os.fstat(file.fileno()).st_size  # files of the system have no size, and may have no end
        while left > 0 and (some := file.read(min(left, _PART))):
            yield some
            left -= len(some)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DreamcliError("there is no such file") from error
    except PermissionError as error:
        raise DreamcliError("no permission to read it") from error
    except ValueError as error:  # a path with a null character
        raise DreamcliError("there can be no such file") from error
    except OSError as error:
        raise DreamcliError(f"can't be read ({error.strerror or error})") from error


def _size(count: int) -> str:
    return f"{count // 10**6} MB" if count >= 10**6 else f"{count // 2**10} KB"
