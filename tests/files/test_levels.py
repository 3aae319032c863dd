"""Numbers of other than 8 bits: what they are as 8 bits, and what isn't guessed."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.errors import DreamcliError
from dreamcli.files.reading import read_picture, to_picture

GUESSED = ("{}-bit integers don't define white; {} was taken",)
DARK = ("nearly black: its brightest value is {}, and white is {}",)


def tiff(
    values: np.ndarray | bytes, bits: int, photometric: int = 1, sample_format: int = 1, packed: bool = False
) -> bytes:
    """A TIFF of one row of gray, in the byte order of the values."""
    is_big = isinstance(values, np.ndarray) and values.dtype.byteorder == ">"
    order = ">" if is_big else "<"
    width = values.size if isinstance(values, np.ndarray) else len(values) * 8 // bits
    data = values if isinstance(values, bytes) else values.tobytes()
    data = zlib.compress(data) if packed else data
    tags = {
        256: width,
        257: 1,
        258: bits,
        259: 8 if packed else 1,
        262: photometric,
        277: 1,
        278: 1,
        339: sample_format,
    }
    at = 8 + 2 + 12 * (len(tags) + 2) + 4
    entries = b"".join(
        struct.pack(f"{order}HHI{kind}", tag, 3 if kind == "H2x" else 4, 1, value)
        for tag, value in sorted((tags | {273: at, 279: len(data)}).items())
        for kind in ["I" if tag in (273, 279) else "H2x"]
    )
    header = (b"MM\0*" if is_big else b"II*\0") + struct.pack(f"{order}IH", 8, len(tags) + 2)
    return header + entries + bytes(4) + data


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, depth: int, kind: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one row."""
    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    every = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in every)


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


@pytest.mark.parametrize(
    ("contents", "gray", "notes"),
    [
        (tiff(np.array([0, 128, 255], "<u4"), 32), [0, 128, 255], GUESSED[0].format(32, 255)),
        (tiff(np.array([0, 128, 255], "<i4"), 32, sample_format=2), [0, 128, 255], GUESSED[0].format(32, 255)),
        (tiff(np.array([0, 128, 255], ">i4"), 32, sample_format=2), [0, 128, 255], GUESSED[0].format(32, 255)),
        (tiff(np.array([0, 1, 1], "<u4"), 32), [0, 255, 255], GUESSED[0].format(32, 1)),
        (tiff(np.array([0, 32768, 65535], "<u4"), 32), [0, 128, 255], GUESSED[0].format(32, 65535)),
        (tiff(np.array([0, 16384, 32767], "<i2"), 16, sample_format=2), [0, 128, 255], GUESSED[0].format(16, 32767)),
        (tiff(np.array([0, 16384, 32767], ">i2"), 16, sample_format=2), [0, 128, 255], GUESSED[0].format(16, 32767)),
        (tiff(np.array([0, 128, 255], "<i2"), 16, sample_format=2), [0, 128, 255], GUESSED[0].format(16, 255)),
        (tiff(np.array([0, 32768, 65535], "<u2"), 16), [0, 128, 255], ""),
        (tiff(np.array([0, 32768, 65535], ">u2"), 16), [0, 128, 255], ""),
        (tiff(np.array([0, 32768, 65535], "<u2"), 16, packed=True), [0, 128, 255], ""),
        (tiff(np.array([0, 32768, 65535], "<u2"), 16, photometric=0), [255, 127, 0], ""),
        (tiff(np.array([0, 32768, 65535], "<u2"), 16, photometric=0, packed=True), [255, 127, 0], ""),
        (tiff(np.array([0, 2048, 4095], "<u2"), 16), [0, 8, 16], DARK[0].format(4095, 65535)),
        (tiff(b"\x00\x08\x00\xff\xf0\x00", 12), [0, 128, 255, 0], ""),
        (tiff(b"\x00\x08\x00\xff\xf0\x00", 12, packed=True), [0, 128, 255, 0], ""),
        (tiff(b"\x00\x80\xff", 8), [0, 128, 255], ""),
        (tiff(b"\x00\x80\xff", 8, photometric=0), [255, 127, 0], ""),
        (tiff(b"\x0f", 4), [0, 255], ""),
        (tiff(b"\x1b", 2), [0, 85, 170, 255], ""),
        (tiff(b"\x0f", 1, photometric=0), [255] * 4 + [0] * 4, ""),
        (png(3, 16, 0, words(0, 32768, 65535)), [0, 128, 255], ""),
        (png(3, 16, 0, words(0, 100, 255)), [0, 0, 1], DARK[0].format(255, 65535)),
        (png(4, 2, 0, b"\x1b"), [0, 85, 170, 255], ""),
        (png(2, 16, 4, words(32768, 65535, 65535, 65535)), [128, 255], ""),
        (png(2, 16, 2, words(*[0x8080] * 3, *[65535] * 3)), [128, 255], ""),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)  # fmt: skip
def test_white_is_what_the_format_says_or_a_note_says_what_was_taken(
    tmp_path: Path, contents: bytes, gray: list[int], notes: str
) -> None:
    (tmp_path / "a.tif").write_bytes(contents)
    picture = read_picture(tmp_path / "a.tif")
    assert picture.pixels[0].tolist() == [[value] * 3 for value in gray]
    assert picture.alpha is None
    assert picture.notes == ((notes,) if notes else ())


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (tiff(np.array([0, -1, 255], "<i4"), 32, sample_format=2), "32-bit integers from -1 to 255 don't define white"),
        (tiff(np.array([0, 1, 65536], "<u4"), 32), "32-bit integers from 0 to 65536 don't define white"),
        (tiff(np.array([0, -1, 255], "<i2"), 16, sample_format=2), "16-bit integers from -1 to 255 don't define white"),
        (tiff(b"\x00\x80\xff", 8, sample_format=2), "signed pictures don't define white"),
        (tiff(np.array([0, 0.5, 1], "<f4"), 32, sample_format=3), "floating-point pictures don't define white"),
        (tiff(np.array([0, 0.5, 1], "<f4"), 32, 0, sample_format=3), "floating-point pictures don't define white"),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)
def test_what_defines_no_white_is_refused(tmp_path: Path, contents: bytes, reason: str) -> None:
    (tmp_path / "a.tif").write_bytes(contents)
    with pytest.raises(DreamcliError, match=reason):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("contents", "alpha"),
    [
        (png(8, 1, 0, b"\xaa", (b"tRNS", words(1))), [0, 255] * 4),
        (png(4, 2, 0, b"\x1b", (b"tRNS", words(1))), [255, 0, 255, 255]),
        (png(2, 4, 0, b"\x3f", (b"tRNS", words(3))), [0, 255]),
        (png(2, 8, 0, b"\x03\x33", (b"tRNS", words(3))), [0, 255]),
        (png(3, 16, 0, words(0, 30000, 30001), (b"tRNS", words(30000))), [255, 0, 255]),
        (png(2, 8, 2, bytes([1, 2, 3, 4, 5, 6]), (b"tRNS", words(1, 2, 3))), [0, 255]),
        (png(2, 16, 2, words(0, 0, 0, 30000, 40000, 50000), (b"tRNS", words(30000, 40000, 50000))), [255, 0]),
        # the low byte of this transparent color is another color's high byte
        (png(2, 16, 2, words(*[0x10FF] * 3, *[0xFF10] * 3), (b"tRNS", words(*[0xFF10] * 3))), [255, 0]),
        (png(4, 2, 3, b"\x1b", (b"PLTE", bytes(range(12))), (b"tRNS", b"\xff\x00\x80")), [255, 0, 128, 255]),
        (png(2, 16, 4, words(9, 65535, 9, 32768)), [255, 128]),
        (png(1, 16, 6, words(9, 9, 9, 32768)), [128]),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)
def test_the_transparent_color_is_found_at_every_depth(tmp_path: Path, contents: bytes, alpha: list[int]) -> None:
    (tmp_path / "a.png").write_bytes(contents)
    read = read_picture(tmp_path / "a.png").alpha
    assert read is not None
    assert read.tolist() == [alpha]


def test_pictures_from_memory_have_the_same_white() -> None:
    picture = to_picture(Image.fromarray(np.array([[0, 128, 255]], np.int32)))
    assert picture.pixels[0, :, 0].tolist() == [0, 128, 255]
    assert picture.notes == (GUESSED[0].format(32, 255),)
