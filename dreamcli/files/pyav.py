"""PyAV, which reads and writes films, if it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dreamcli.errors import DreamcliError, Hint, first_line


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A film as PyAV's container.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read as a film.
    """
    av = import_av()
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise DreamcliError(f"{path}: not a readable video ({first_line(error)})") from error


def import_av() -> Any:
    """PyAV's module.

    Raises:
        DreamcliError: it isn't installed.
    """
    try:
        import av
    except ImportError as error:
        raise DreamcliError("films need PyAV, which isn't installed", Hint.INSTALL_VIDEO) from error
    return av
