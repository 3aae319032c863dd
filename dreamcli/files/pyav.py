"""PyAV, which reads and writes films, if it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def picture_seconds(container: Any) -> float:
    """How long the pictures of a container last, which may be shorter than its sound; 0 if it doesn't say."""
    stream = container.streams.video[0]
    if stream.duration:
        return float(stream.duration * stream.time_base)
    with suppress(ValueError):  # Matroska's, of the form 00:00:10.500000000, if nobody edited it
        hours, minutes, seconds = map(float, stream.metadata.get("DURATION", "").split(":"))
        return 3600 * hours + 60 * minutes + seconds - float((stream.start_time or 0) * stream.time_base)
    return float(container.duration or 0) / float(import_av().time_base)


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
