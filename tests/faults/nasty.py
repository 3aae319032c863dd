"""Files made to break picture readers, as (name, contents): small to store, but costly for a trusting reader."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms

from tests.conftest import scene

Nasty = tuple[str, bytes]


def everything() -> Iterator[Nasty]:
    """All of them."""
    yield from truncated()
    yield from flipped()
    yield from huge_headers()
    yield from bombs()
    yield from unusual()
    yield from lying()


def good() -> dict[str, bytes]:
    """A picture in every format and compression."""
    image = Image.fromarray(scene())
    frames = [Image.new("RGB", (30, 20), color) for color in ("red", "green", "blue")]
    several = {"save_all": True, "append_images": frames[1:]}
    made = {
        "plain.png": save(image, "PNG"),
        "palette.png": save(image.quantize(16), "PNG", transparency=3),
        "profile.png": save(image, "PNG", icc_profile=profile()),
        "animated.png": save(frames[0], "PNG", **several),
        "baseline.jpg": save(image, "JPEG"),
        "progressive.jpg": save(image, "JPEG", progressive=True, icc_profile=profile()),
        "cmyk.jpg": save(image.convert("CMYK"), "JPEG"),
        "lossy.webp": save(image, "WEBP"),
        "lossless.webp": save(image, "WEBP", lossless=True),
        "animated.webp": save(frames[0], "WEBP", **several),
        "plain.gif": save(image, "GIF"),
        "animated.gif": save(frames[0], "GIF", **several),
        "plain.bmp": save(image, "BMP"),
        "pages.tif": save(frames[0], "TIFF", **several),
    }
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        page = image.convert("1") if compression == "group4" else image
        made[f"{compression}.tif"] = save(page, "TIFF", compression=compression)
    return made


def truncated() -> Iterator[Nasty]:
    """Each good picture cut at every tenth, and one byte before its end."""
    for name, contents in good().items():
        for tenth in range(10):
            yield f"cut-{tenth}0-{name}", contents[: len(contents) * tenth // 10]
        yield f"cut-1-{name}", contents[:-1]


def flipped(copies: int = 20) -> Iterator[Nasty]:
    """Each good picture with bytes changed at random: anywhere, or in its first 200, where the headers are."""
    chance = random.Random(0)
    for name, contents in good().items():
        for copy in range(copies):
            broken = bytearray(contents)
            span = len(broken) if copy % 2 else min(200, len(broken))
            for _ in range(chance.choice((1, 3, 10))):
                broken[chance.randrange(span)] = chance.randrange(256)
            yield f"flipped-{copy}-{name}", bytes(broken)


def huge_headers() -> Iterator[Nasty]:
    """Small files whose headers claim a huge picture."""
    for side in (9_000, 20_000, 65_535, 2**31 - 1):
        short = min(side, 65_535)
        yield f"huge-{side}.png", png(side, side, zlib.compress(bytes(1000)))
        yield f"huge-{side}.bmp", b"BM" + struct.pack("<IIIIiiHHIIIIII", 58, 0, 54, 40, side, side, 1, 24, *6 * [0])
        yield (
            f"huge-{side}.gif",
            b"GIF89a" + struct.pack("<HHBBB", short, short, 0x80, 0, 0) + bytes(6) + gif_frame(short, short),
        )
        yield (
            f"huge-{side}.tif",
            tiff({256: side, 257: side, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: side, 279: 9}),
        )
        yield f"huge-{side}.jpg", jpeg_of(short)
    yield "wide.png", save(Image.new("L", (100_000, 1)), "PNG")
    yield "tall.png", save(Image.new("L", (1, 100_000)), "PNG")
    yield "nothing.png", png(0, 0, zlib.compress(b""))
    yield "no-height.png", png(10, 0, zlib.compress(b""))
    yield "negative.bmp", b"BM" + struct.pack("<IIIIiiHHIIIIII", 58, 0, 54, 40, -9, -9, 1, 24, *6 * [0])
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0]) + b"\xff\x3f\x00" * 2  # 16384 a side
    yield "huge.webp", b"RIFF" + struct.pack("<I", len(canvas) + 4) + b"WEBP" + canvas


def bombs() -> Iterator[Nasty]:
    """Files that unpack to far more than their own size."""
    zeros = zlib.compress(bytes(100_000_000), 9)
    pixels = zlib.compress(bytes(4 * 100))
    yield "bomb-iccp.png", png(10, 10, pixels, (b"iCCP", b"x\0\0" + zeros))
    yield "bomb-ztxt.png", png(10, 10, pixels, (b"zTXt", b"x\0\0" + zeros))
    yield "bomb-itxt.png", png(10, 10, pixels, (b"iTXt", b"x\0\1\0\0\0" + zeros))
    yield "bomb-pixels.png", png(10, 10, zeros)
    yield "many-texts.png", png(10, 10, pixels, *[(b"tEXt", b"k%d\0v" % i) for i in range(50_000)])
    yield "many-chunks.png", png(10, 10, pixels, *[(b"abCd", b"")] * 200_000)
    yield "bomb-exif.jpg", with_exif(good()["baseline.jpg"])
    yield "scans.jpg", scan_bomb(4000, 4000, 5000)
    yield "tile.tif", tile_bomb(32_768, 16_384)
    yield (
        "strip.tif",
        tiff_data(
            {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 278: 2**31 - 1}, zlib.compress(bytes(100_000_000), 9)
        ),
    )
    yield "pages.tif", many_pages(20_000)
    yield "circle.tif", tiff({256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}, following=8)
    yield "frames.gif", good()["plain.gif"][:-1] + gif_frame(1, 1) * 1_000_000 + b";"
    yield "delta.bmp", rle_bmp(100, 100, b"\0\2\0\0" * 1_000_000 + b"\0\1")
    yield "rle.bmp", rle_bmp(9_000, 9_000, b"\xff\x01" * 200_000 + b"\0\1")


def unusual() -> Iterator[Nasty]:
    """Intact pictures of rare kinds."""
    image = Image.fromarray(scene())
    rgba = Image.fromarray(np.dstack([scene(), np.indices((60, 80))[0].astype(np.uint8)]))
    yield "grey-alpha.png", save(rgba.convert("LA"), "PNG")
    yield "rgba.tif", save(rgba, "TIFF")
    yield "cmyk.tif", save(image.convert("CMYK"), "TIFF")
    yield "lab.tif", save(Image.new("LAB", (8, 8)), "TIFF")
    yield "16.png", save(Image.fromarray(np.arange(4800, dtype=np.uint16).reshape(60, 80)), "PNG")
    yield "32.tif", save(Image.fromarray(np.full((9, 9), 2**30, np.int32)), "TIFF")
    yield "nan.tif", save(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF")
    yield "bits.tif", save(image.convert("1"), "TIFF")
    yield "transparent.gif", save(image.quantize(8), "GIF", transparency=0)
    for name, wrong in {
        "text": b"no profile",
        "grey": profile().replace(b"RGB ", b"GRAY"),
        "cut": profile()[:200],
    }.items():
        yield f"profile-{name}.png", save(image, "PNG", icc_profile=wrong)
    for orientation in (*range(10), 65_535):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"turned-{orientation}.jpg", save(image, "JPEG", exif=exif)


def lying() -> Iterator[Nasty]:
    """Files that aren't what their names say."""
    pictures = good()
    yield "empty.png", b""
    yield "text.png", b"this is text\n" * 100
    yield "page.jpg", b"<!doctype html><title>404</title>"
    yield "vector.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    yield "zip.png", b"PK\3\4" + bytes(100)
    yield "zeros.jpg", bytes(100_000)
    yield "magic.png", b"\x89PNG\r\n\x1a\n"
    yield "magic.jpg", b"\xff\xd8\xff"
    yield "magic.webp", b"RIFF\xff\xff\xff\xffWEBP"
    yield "magic.gif", b"GIF89a"
    yield "magic.tif", b"II*\0"
    yield "really-a-jpeg.png", pictures["baseline.jpg"]
    yield "really-a-png.tiff", pictures["plain.png"]
    yield "two.png", pictures["plain.png"] * 2
    yield "tail.jpg", pictures["baseline.jpg"] + bytes(100_000)


def save(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png(width: int, height: int, data: bytes, *others: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    between = b"".join(chunk(kind, data) for kind, data in others)
    return b"\x89PNG\r\n\x1a\n" + header + between + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_of(side: int) -> bytes:
    """A small JPEG that claims to be large."""
    contents = bytearray(good()["baseline.jpg"])
    start = contents.index(b"\xff\xc0") + 5
    contents[start : start + 4] = side.to_bytes(2) * 2
    return bytes(contents)


def tiff(tags: dict[int, int], following: int = 0) -> bytes:
    """A little-endian TIFF with one directory and no data; ``following`` is the claimed offset of the next one."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following)


def tiff_data(tags: dict[int, int], data: bytes) -> bytes:
    size = 8 + 2 + 12 * (len(tags) + 2) + 4
    return tiff(tags | {273: size, 279: len(data)}) + data


def tile_bomb(width: int, height: int) -> bytes:
    """One pixel, in a tile of half a gigapixel."""
    data = zlib.compress(bytes(width * height // 4), 9)
    tags = {256: 1, 257: 1, 258: 8, 259: 8, 262: 1, 277: 1, 322: width, 323: height}
    size = 8 + 2 + 12 * (len(tags) + 2) + 4
    return tiff(tags | {324: size, 325: len(data)}) + data


def many_pages(count: int) -> bytes:
    page = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}
    size = len(tiff(page)) - 8
    return b"II*\0" + struct.pack("<I", 8) + b"".join(tiff(page, 8 + size * (i + 1))[8:] for i in range(count))


def gif_frame(width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"


def rle_bmp(width: int, height: int, runs: bytes) -> bytes:
    palette = bytes(4 * 256)
    start = 54 + len(palette)
    header = struct.pack(
        "<IIIIiiHHIIIIII", start + len(runs), 0, start, 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0
    )
    return b"BM" + header + palette + runs


def scan_bomb(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG with many scans of a few bytes, each of which goes over all its pixels again."""
    whole = save(Image.new("L", (width, height), 128), "JPEG", progressive=True)
    start = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[start:-2] * scans + b"\xff\xd9"


def with_exif(jpeg: bytes) -> bytes:
    """A JPEG whose EXIF claims to hold far more than it does."""
    entry = struct.pack("<HHII", 0x0112, 3, 2**32 - 1, 8)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5000) + entry * 5000
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", (len(exif) + 2) & 0xFFFF) + exif[:65_533] + jpeg[2:]
