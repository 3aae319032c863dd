"""Which paths are the same file, and which files hold the same."""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha256
from pathlib import Path

from dreamcli.errors import DreamcliError

from .formats import READ_VIDEO_SUFFIXES
from .regular import MAX_PICTURE, MAX_VIDEO, parts_of


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
    """The SHA-256 of a picture or a video, in hexadecimal.

    Raises:
        DreamcliError: it can't be read, or is no ordinary file; names the file.
    """
    digest = sha256()
    try:
        for part in parts_of(path, MAX_VIDEO if path.suffix.lower() in READ_VIDEO_SUFFIXES else MAX_PICTURE):
            digest.update(part)
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}") from error
    return digest.hexdigest()
