"""The SHA-256 of files, by which records know what a picture was made from."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path

from dreamcli.errors import DreamcliError


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
