"""Write files atomically: whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dreamcli.errors import DreamcliError, Hint, WrongRequest

if sys.platform != "win32":
    import fcntl

PARTIAL = ".dreamcli.partial"  # the ending of temporary files
_FULL = (errno.ENOSPC, errno.EDQUOT)  # what a full disk, or a full quota, is called


def why_closed(folder: Path) -> str:
    """Why nothing can be written to a folder, which may not exist yet; empty if it can."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not os.path.isdir(folder):
        return f"{folder} is not a folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"no permission to write to the folder {folder}"
    return ""


def check_place(path: Path, why_closed: Callable[[Path], str] = why_closed) -> None:
    """Refuse a path that can't be written to, before any work. For many files in a folder, cache ``why_closed``.

    Raises:
        WrongRequest: with the reason.
    """
    if reason := why_closed(path.parent) or ("there is a folder with that name" if os.path.isdir(path) else ""):
        raise WrongRequest(f"{path} can't be written: {reason}")


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Call ``write`` with a temporary file in the same folder, flush it to the disk, and rename it to ``path``.

    ``path`` never holds half a file. Missing folders are made.

    Raises:
        DreamcliError: the folder can't be written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path) as (file, partial):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # Windows can't rename an open file
            os.replace(partial, path)
    except OSError as error:
        raise could_not_write(path, error) from error


def could_not_write(path: Path, error: OSError) -> DreamcliError:
    """The error for a file that can't be written, with a hint if the disk is full."""
    hint = Hint.FREE_SPACE if error.errno in _FULL else None
    return DreamcliError(f"could not write {path} ({error.strerror or error})", hint)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file next to ``path``, locked while in use, as a sign that it is no leftover, and removed in the end."""
    while True:
        # only the start of the name, to be no longer than the final one
        partial = path.with_name(f".{path.stem[:20]}.{secrets.token_hex(4)}{PARTIAL}")
        try:
            # tempfile's are readable by their owner only; here, the umask decides
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        except FileExistsError:
            continue
        file = open(descriptor, "wb")  # noqa: SIM115
        try:
            if _lock(descriptor, partial):
                yield file, partial
                return
        finally:
            with suppress(OSError):  # the disk is still full; the first error counts
                file.close()
            with suppress(OSError):  # closed before, since Windows can't remove an open file
                partial.unlink()


def _lock(descriptor: int, partial: Path) -> bool:
    """Lock a temporary file until it is closed. False if another run took it for a leftover first."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False  # another run is removing it
    except OSError:
        pass  # without locks in this file system, nobody can lock it to remove it
    return partial.exists()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of runs that were killed, but not those of runs that are alive.

    On Windows, and on file systems without locks, they stay.
    """
    if sys.platform == "win32" or not os.path.isdir(folder):
        return
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW  # don't wait for a FIFO of that name, nor follow a link
    for path in folder.glob(f".*{PARTIAL}"):
        # a run that is alive may have locked it, or it may not be ours
        with suppress(OSError), open(os.open(path, flags), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
