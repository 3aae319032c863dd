"""Which paths are the same file, and which files hold the same."""

from __future__ import annotations

import os
from functools import cache
from hashlib import file_digest
from pathlib import Path

from dreamcli.errors import DreamcliError


def identity(path: Path) -> tuple[int, int] | None:
    """The same for all names of a file; None if it doesn't exist."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


class RealPaths:
    """Real paths. Each folder is resolved only once, since a plan may have a hundred thousand files."""

    def __init__(self) -> None:
        self._resolve = cache(os.path.realpath)

    def path(self, path: Path) -> str:
        """A path with the links in its folders resolved."""
        parent, name = os.path.split(path)
        return os.path.join(self._resolve(parent), name)

    def file(self, path: Path) -> str:
        """The file that a path leads to."""
        return os.path.realpath(path) if os.path.islink(path) else self.path(path)

    def place(self, output: Path) -> str:
        """The same for outputs that could be one file. Some file systems don't tell "A.png" from "a.png"."""
        return self.path(output).casefold()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file of any size, in hexadecimal.

    Raises:
        DreamcliError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DreamcliError(f"{path}: can't be read ({error.strerror or error})") from error
