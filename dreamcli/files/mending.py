"""Mend files that are damaged, but have all their pixels."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"  # the first bytes of a file
JPEG = b"\xff\xd8"
START_OF_SCAN, END = b"\xda", b"\xd9"  # markers of a JPEG

# the chunks that a PNG can do without
_OPTIONAL = {b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"eXIf", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"bKGD",
             b"hIST", b"sPLT"}  # fmt: skip
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")  # one that is followed by a length
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_FRAMES = (b"\xc0", b"\xc1", b"\xc2")  # baseline, extended, progressive
_COEFFICIENTS = frozenset(range(64))
_FILLERS = (b"\x55" * 64, b"\xaa" * 64, b"\x1c" * 64)
WITHOUT_END = "its end marker is missing, but no pixel is"


def mended_png(png: bytes, notes: list[str]) -> bytes:
    """A PNG without damaged optional chunks, and with its end chunk; unchanged if it is damaged in other ways.

    Args:
        notes: for people; may get some.
    """
    kept, place, start, kind = [], 0, len(PNG), b""
    while start + len(_PNG_END) <= len(png) and kind != b"IEND":
        kind, end = png[start + 4 : start + 8], start + len(_PNG_END) + int.from_bytes(png[start : start + 4])
        if not kind.isalpha() or end > len(png):
            return png
        if kind in _OPTIONAL and crc32(png[start + 4 : end - 4]) != int.from_bytes(png[end - 4 : end]):
            notes.append(f"a damaged part of the file was left out ({kind.decode('ascii')})")
            kept.append(png[place:start])
            place = end
        start = end
    if kind != b"IEND" and _PNG_END.startswith(png[start:]):
        notes.append(WITHOUT_END)
        kept.append(png[place:start])
        return b"".join((*kept, _PNG_END))
    return b"".join((*kept, png[place:])) if kept else png


class Segment(NamedTuple):
    """A part of a JPEG: its marker, and where its contents start and end, after the marker and the length."""

    marker: bytes
    start: int
    end: int


def segments(jpeg: bytes) -> Iterator[Segment]:
    """The parts of a JPEG, up to its end marker or the end of the file."""
    place, marker = len(JPEG), b""
    while marker != END and (found := _MARKER.search(jpeg, place)):
        marker, start = found[1], found.end()
        place = start + int.from_bytes(jpeg[start : start + 2])
        yield Segment(marker, start + 2, place)


def look_through(jpeg: bytes, most: int) -> tuple[int, bool]:
    """The number of scans in a JPEG, counted up to ``most`` + 1, and whether it has an end marker."""
    scans, has_end = 0, False
    for segment in segments(jpeg):
        scans += segment.marker == START_OF_SCAN
        has_end = segment.marker == END
        if scans > most:
            break
    return scans, has_end


def read_without_end(jpeg: bytes, opened: Callable[[io.BytesIO], Image.Image]) -> Image.Image | None:
    """Decode a JPEG that lacks its end marker; None if pixels are missing, too.

    A decoder makes missing pixels up from whatever follows. So none is missing if the picture is the same whatever
    follows. It must also change with the last byte, or else other data may have taken the place of pixels.

    Args:
        opened: opens a picture.
    """
    scan = _last_scan(jpeg)
    if scan is None:
        return None
    data = jpeg.rstrip(b"\xff")  # the first half of the end marker
    if data.endswith(b"\0\0"):  # a file that was copied in part may be filled up, and that be taken for pixels
        data = data.rstrip(b"\0")
    if data.endswith(b"\xff"):
        data += b"\0"  # both stand for one byte of pixels
    *_, last = (b"\xd7", *_RESTART.findall(data, scan.end))
    restart = b"\xff" + bytes([0xD0 + (last[0] + 1) % 8])

    def decoded(data: bytes, filler: bytes) -> Image.Image:
        image = opened(io.BytesIO(b"".join((data, filler, restart, filler, b"\xff", END))))
        image.load()
        return image

    digests = [_digest(decoded(data, filler)) for filler in _FILLERS]
    is_whole = len(set(digests)) == 1 and _digest(decoded(_with_last_byte_changed(data), _FILLERS[0])) != digests[0]
    return decoded(data, _FILLERS[0]) if is_whole else None


def _digest(image: Image.Image) -> bytes:
    return sha256(image.tobytes()).digest()


def _with_last_byte_changed(data: bytes) -> bytes:
    """A JPEG's data with every bit of the last byte inverted; 255 is written as two bytes."""
    if data.endswith(b"\xff\0"):
        return data[:-2] + b"\0"
    return data[:-1] + (bytes([255 - data[-1]]) if data[-1] else b"\xff\0")


def _last_scan(jpeg: bytes) -> Segment | None:
    """The last scan of a JPEG, if nothing follows it and every coefficient is in some scan."""
    missing: dict[int, set[int]] = {}
    is_progressive = False
    segment = None
    for segment in segments(jpeg):
        fields = jpeg[segment.start : segment.end]
        if segment.marker in _FRAMES and len(fields) >= 6:
            is_progressive = segment.marker == _FRAMES[-1]
            missing = {component: set(_COEFFICIENTS) for component in fields[6::3]}
        elif segment.marker == START_OF_SCAN and len(fields) >= 6:
            first, last, precision = fields[-3:]
            covered = range(first, last + 1) if is_progressive else _COEFFICIENTS
            for component in fields[1:-3:2]:
                if not precision % 16:  # otherwise, the lowest bits follow in another scan
                    missing.get(component, set()).difference_update(covered)
    is_whole = bool(missing) and not any(missing.values())
    is_scan = segment is not None and segment.marker == START_OF_SCAN and segment.end <= len(jpeg)
    return segment if is_scan and is_whole else None
