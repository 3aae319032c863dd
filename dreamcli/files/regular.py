"""Open ordinary files only. A path may lead to a pipe, a device or a folder, too."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dreamcli.errors import DreamcliError


def descriptor_of(path: Path) -> int:
    """Open an ordinary file for reading, without ever waiting for it, and return its descriptor.

    Raises:
        DreamcliError: it is something else.
        OSError: it can't be opened.
    """
    # a FIFO would block: check first, and don't wait if the file has become one since
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise DreamcliError("a folder, where a picture was expected" if path.is_dir() else "not a regular file")
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open an ordinary file for reading, as `descriptor_of` does.

    Raises:
        DreamcliError: it is something else, or can't be opened or read.
    """
    try:
        with open(descriptor_of(path), "rb") as file:
            yield file
    except FileNotFoundError as error:
        raise DreamcliError("there is no such file") from error
    except PermissionError as error:
        raise DreamcliError("no permission to read it") from error
    except OSError as error:
        raise DreamcliError(f"can't be read ({error.strerror or error})") from error
