"""Write files atomically: whole or not at all."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from dreamcli.errors import FULL, DreamcliError, Hint, WrongRequest

if sys.platform != "win32":
    import fcntl

PARTIAL = ".dreamcli.partial"  # the ending of temporary files


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

    ``path`` never holds half a file. Missing folders are made. ``write`` may open the file's name again.

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
    hint = Hint.FREE_SPACE if error.errno in FULL else None
    return DreamcliError(f"could not write {path} ({error.strerror or error})", hint)


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """A folder for temporary files, whose name begins with ``name``; removed in the end.

    Raises:
        DreamcliError: none can be made.
    """
    try:
        folder = TemporaryDirectory(prefix=name, ignore_cleanup_errors=True)
    except OSError as error:
        reason = f"no folder for temporary files can be made ({error.strerror or error})"
        raise DreamcliError(reason, Hint.TEMPORARY) from error
    with folder:
        yield Path(folder.name)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file next to ``path``, locked while in use, as a sign that it is no leftover, and removed in the end."""
    while True:
        # only the start of the name, to be no longer than the final one
        partial = path.with_name(f".{path.stem[:20]}.{secrets.token_hex(4)}{PARTIAL}")
        try:
            # tempfile's are readable by their owner only; here, the umask decides
            file = open(partial, "xb")  # noqa: SIM115
        except FileExistsError:
            continue
        try:
            if _lock(file.fileno(), partial):
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


@contextmanager
def one_run(folder: Path, what: str) -> Iterator[None]:
    """Make sure that no other run works in a folder, which is made if need be, and removed if it is empty in the end.

    On Windows, and on file systems without locks, nothing is sure.

    Raises:
        DreamcliError: another run makes ``what``, or the folder can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise could_not_write(folder, error) from error
    descriptor = _locked(folder, what)
    try:
        yield
    finally:
        with suppress(OSError):
            folder.rmdir()
        if descriptor is not None:
            os.close(descriptor)


def _locked(folder: Path, what: str) -> int | None:
    """Lock a folder until the descriptor is closed."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DreamcliError(f"another run is making {what}") from error
    except OSError:
        pass  # without locks in this file system, any run may work there
    return descriptor


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
