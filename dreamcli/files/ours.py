"""Pictures that dreamcli made, told from others without a decoder."""

from __future__ import annotations

import os
from pathlib import Path

from dreamcli.errors import DreamcliError

from .regular import descriptor_of

_BEGINNING = b'{"job": {"command": "'  # of every record, since its keys are sorted
_HEAD = 4096  # bytes, in which a record begins, in every format but WebP


def seems_ours(path: Path) -> bool:
    """Whether a picture seems to carry a record. Reads a few kilobytes and decodes nothing, so it is quick and safe."""
    try:
        descriptor = descriptor_of(path)
    except (DreamcliError, OSError):
        return False
    try:
        head = os.read(descriptor, _HEAD)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            head = _exif_of_webp(descriptor)
        return _BEGINNING in head
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _exif_of_webp(descriptor: int) -> bytes:
    """The first bytes of a WebP's EXIF data, which is behind its pixels; empty if there is none."""
    at = 12
    while len(header := _read_at(descriptor, at, 8)) == 8:
        size = int.from_bytes(header[4:], "little")
        if header.startswith(b"EXIF"):
            return _read_at(descriptor, at + 8, min(size, _HEAD))
        at += 8 + size + size % 2
    return b""


def _read_at(descriptor: int, at: int, count: int) -> bytes:
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, count)
