"""Damaged files: read if no pixel is missing, with a note, and refused otherwise."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dreamcli.errors import DreamcliError
from dreamcli.files.mending import WITHOUT_END
from dreamcli.files.reading import read_picture, read_size
from tests.conftest import scene

NOISE = np.clip(scene(40, 50) + np.random.default_rng(0).integers(-40, 40, (40, 50, 3)), 0, 255).astype(np.uint8)
FLAT = np.full((40, 50, 3), (200, 10, 30), np.uint8)
HALF = np.vstack([NOISE[:20], FLAT[20:]])


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


def png(mode: str = "RGB", **options: object) -> bytes:
    info = PngInfo()
    info.add_text("Comment", "hello")
    info.add_itxt("Title", "hello")
    info.add(b"prVt", b"unknown")
    info.add(b"tEXt", b"Late\0hello", after_idat=True)
    file = io.BytesIO()
    Image.fromarray(scene(12, 16)).convert(mode).save(file, "PNG", pnginfo=info, dpi=(72, 72), **options)
    return file.getvalue()


def flipped(contents: bytes, kind: bytes, within: int = 4) -> bytes:
    """The contents with a byte changed, this far from the start of a chunk's type."""
    at = contents.index(kind) + within
    return contents[:at] + bytes([contents[at] ^ 0x21]) + contents[at + 1 :]


@pytest.mark.parametrize(
    ("contents", "note"),
    [
        (flipped(png(), b"tEXt"), "a damaged part of the file was left out (tEXt)"),
        (flipped(png(), b"tEXtLate", 8), "a damaged part of the file was left out (tEXt)"),
        (flipped(png(), b"iTXt"), "a damaged part of the file was left out (iTXt)"),
        (flipped(png(), b"pHYs"), "a damaged part of the file was left out (pHYs)"),
        (flipped(png(exif=b"Exif\0\0MM\0*"), b"eXIf"), "a damaged part of the file was left out (eXIf)"),
        (flipped(png(icc_profile=b"profile"), b"iCCP"), "a damaged part of the file was left out (iCCP)"),
        *((png()[:-cut], WITHOUT_END) for cut in (1, 4, 12)),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)  # fmt: skip
def test_a_png_without_something_that_it_can_do_without_is_read(tmp_path: Path, contents: bytes, note: str) -> None:
    (tmp_path / "a.png").write_bytes(contents)
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, scene(12, 16))
    assert picture.notes == (note,)
    assert read_size(tmp_path / "a.png") == (16, 12)


@pytest.mark.parametrize(
    "contents",
    [
        flipped(png(), b"IHDR"), flipped(png(), b"IDAT", 8), flipped(png(), b"prVt"), flipped(png("P"), b"PLTE"),
        flipped(png("P", transparency=3), b"tRNS"), flipped(png("P", transparency=3), b"tRNS", 1),
        png()[:-40], png(compress_level=0)[:-200],
        png()[: png().index(b"IDAT") - 4], png()[: png().index(b"tEXtLate") - 4 - 1],
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)  # fmt: skip
def test_a_png_without_pixels_colors_or_alpha_is_refused(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "a.png").write_bytes(contents)
    with pytest.raises(DreamcliError, match=r"damaged or incomplete|not a readable"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("pixels", [NOISE, FLAT, HALF, NOISE[..., 0]], ids=["noise", "flat", "half", "gray"])
@pytest.mark.parametrize(
    "options",
    [{}, {"quality": 40}, {"subsampling": 0}, {"restart_marker_blocks": 1}, {"restart_marker_rows": 1},
     {"progressive": True}, {"optimize": True}],
    ids=str,
)  # fmt: skip
def test_a_jpeg_may_lack_its_end_marker_but_no_pixel(tmp_path: Path, pixels: np.ndarray, options: dict) -> None:
    path, whole = tmp_path / "a.jpg", jpeg(pixels, **options)
    path.write_bytes(whole)
    wanted = read_picture(path)
    assert wanted.notes == ()
    path.write_bytes(whole + b"\0\1garbage\xff")
    np.testing.assert_array_equal(read_picture(path).pixels, wanted.pixels)
    read: list[tuple[bytes, int]] = []
    cuts = (1, 2, 3, 4, 6, 9, *range(20, len(whole) - 700, 150))
    # cut off, filled up by a file system, or followed by what was on the disk before
    for filling, cut in ((filling, cut) for filling in (b"", bytes(3000), b" " * 7) for cut in cuts):
        path.write_bytes(whole[:-cut] + filling)
        with suppress(DreamcliError):
            picture = read_picture(path)
            np.testing.assert_array_equal(picture.pixels, wanted.pixels)
            assert picture.notes == (WITHOUT_END,)
            read.append((filling, cut))
    # where the last bits change no pixel, nothing shows that all are there
    assert {(b"", 1), (b"", 2)} <= set(read) or pixels is FLAT


def test_a_progressive_jpeg_needs_all_its_scans(tmp_path: Path) -> None:
    whole = jpeg(NOISE, progressive=True)
    starts = [at for at in range(len(whole)) if whole[at : at + 2] in (b"\xff\xda", b"\xff\xc4")][2:]
    for at in starts:
        (tmp_path / "a.jpg").write_bytes(whole[:at])
        with pytest.raises(DreamcliError, match="damaged or incomplete"):
            read_picture(tmp_path / "a.jpg")
