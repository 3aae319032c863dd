from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from dreamcli.errors import DreamcliError, Install
from dreamcli.files.reading import read_picture, read_size
from tests.conftest import make_fifo, scene
from tests.faults import nasty


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def heic(size: tuple[int, int] = (80, 60), **options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC needs the extra `heif`")
    file = io.BytesIO()
    pillow_heif.from_pillow(RGB.resize(size)).save(file, quality=95, **options)
    return file.getvalue()


def plain(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


RGB = Image.fromarray(scene())


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *((suffix, {}) for suffix in ("png", "bmp", "tif", "gif")),
        *((suffix, {"quality": 95}) for suffix in ("jpg", "avif")),
        ("webp", {"lossless": True}),
    ],
)
def test_every_format_recognized_by_content(tmp_path: Path, suffix: str, options: dict) -> None:
    path = save(tmp_path / f"a.{suffix}", RGB, **options)
    disguised = path.rename(tmp_path / "a.dat")
    picture = read_picture(disguised)
    assert picture.pixels.shape == (60, 80, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, plain(disguised))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB"])
def test_modes_without_alpha(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode in ("CMYK", "YCbCr", "LAB") else "png"
    path = save(tmp_path / f"a.{suffix}", RGB.convert(mode) if mode != "LAB" else lab(RGB))
    pixels = read_picture(path).pixels
    wanted = np.asarray(RGB.convert(mode).convert("RGB")) if mode != "LAB" else scene()
    near = {"1": 0, "L": 0, "P": 0, "CMYK": 0, "YCbCr": 0, "LAB": 12}[mode]
    assert np.abs(pixels.astype(int) - wanted.astype(int)).mean() <= near


def lab(image: Image.Image) -> Image.Image:
    srgb, target = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(image, srgb, target, outputMode="LAB")


def test_cmyk_jpeg(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), quality=95)
    red = read_picture(path).pixels.mean((0, 1))
    assert red[0] > 230
    assert red[1:].max() < 25


def test_16_bits_are_scaled_and_not_cut(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    pixels = read_picture(save(tmp_path / "a.png", Image.fromarray(ramp))).pixels
    np.testing.assert_array_equal(pixels[..., 0].ravel(), np.arange(256))
    pixels = read_picture(save(tmp_path / "a.tif", Image.fromarray(ramp))).pixels
    np.testing.assert_array_equal(pixels[..., 2].ravel(), np.arange(256))


def test_a_transparent_gray_of_16_bits(tmp_path: Path) -> None:
    values = np.array([[0, 30000, 65535]], np.uint16)
    path = save(tmp_path / "a.png", Image.fromarray(values), transparency=30000)
    picture = read_picture(path)
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0, 255]]
    assert picture.pixels[0, :, 0].tolist() == [0, 117, 255]


def test_alpha_is_kept_and_full_alpha_is_none(tmp_path: Path) -> None:
    rgba = np.dstack([scene(), np.full((60, 80), 255, np.uint8)])
    assert read_picture(save(tmp_path / "full.png", Image.fromarray(rgba))).alpha is None
    rgba[:20, :, 3] = 0
    picture = read_picture(save(tmp_path / "part.png", Image.fromarray(rgba)))
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
    np.testing.assert_array_equal(picture.pixels, rgba[..., :3])


def test_a_palette_with_alpha(tmp_path: Path) -> None:
    palette = Image.new("P", (4, 2))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1] * 4)
    picture = read_picture(save(tmp_path / "a.png", palette, transparency=1))
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [255, 0, 255, 0]
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    # how each orientation stores an upright picture
    stored = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
        6: np.rot90, 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, 3),
    }[orientation](scene())  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    np.testing.assert_array_equal(read_picture(path).pixels, scene())


def test_a_color_profile_is_converted_to_srgb(tmp_path: Path, shared_profile: bytes) -> None:
    path = save(tmp_path / "a.png", RGB, icc_profile=shared_profile)
    pixels = read_picture(path).pixels
    assert np.abs(pixels.astype(int) - scene().astype(int)).max() > 20
    plain_srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = read_picture(save(tmp_path / "b.png", RGB, icc_profile=plain_srgb)).pixels
    assert np.abs(same.astype(int) - scene().astype(int)).max() <= 1


@pytest.fixture
def shared_profile() -> bytes:
    """A real RGB profile with red and blue exchanged: sRGB's own, its two columns renamed."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert b"rXYZ" in profile
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")


def test_a_broken_profile_is_noted(tmp_path: Path) -> None:
    picture = read_picture(save(tmp_path / "a.png", RGB, icc_profile=b"not a profile"))
    np.testing.assert_array_equal(picture.pixels, scene())
    assert "color profile could not be used" in picture.notes[0]


def test_of_an_animation_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (6, 5), color) for color in ("red", "green", "blue")]
    path = save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    picture = read_picture(path)
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert picture.notes == ("only the first of its frames or pages is used",)


def jpeg() -> bytes:
    buffer = io.BytesIO()
    RGB.save(buffer, "JPEG")
    return buffer.getvalue()


def flipped_png() -> bytes:
    buffer = io.BytesIO()
    RGB.save(buffer, "PNG")
    contents = bytearray(buffer.getvalue())
    contents[-20] ^= 255  # in the checksum of the pixels
    return bytes(contents)


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "an empty file"),
        (b"this is text", "not a readable picture"),
        (b"%PDF-1.4", "not a readable picture"),
        (jpeg()[:600], "damaged or incomplete"),
        (jpeg()[:-200], "damaged or incomplete"),
        (flipped_png(), "damaged or incomplete"),
        (nasty.png(20_000, 20_000, b""), "more than 89 megapixels"),
        (nasty.png(10_000, 10_000, b""), "more than 89 megapixels"),
        (nasty.png(100, 100, b""), "damaged or incomplete"),
        (nasty.scan_bomb(60, 80, 100), "more than 100 scans"),
        (nasty.tile_bomb(32_768, 16_384), "more than 89 megapixels"),
        (nasty.jpeg_of(9000), r"its data ends early"),
    ],
    ids=[
        "empty",
        "text",
        "pdf",
        "header",
        "truncated",
        "checksum",
        "bomb",
        "smaller bomb",
        "no pixels",
        "scans",
        "tile",
        "early end",
    ],
)
def test_what_should_not_be_read_is_refused_with_a_reason(tmp_path: Path, contents: bytes, reason: str) -> None:
    (tmp_path / "a.jpg").write_bytes(contents)
    with pytest.raises(DreamcliError, match=reason) as caught:
        read_picture(tmp_path / "a.jpg")
    assert "\n" not in str(caught.value)


def test_usual_scans_and_markers_in_the_data_are_none_too_many(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(nasty.scan_bomb(60, 80, 80) + b"\xff\xda" * 200)
    assert read_picture(tmp_path / "a.jpg").pixels.shape == (80, 60, 3)


def test_a_file_that_is_too_long_is_refused_without_being_read_to_its_end(tmp_path: Path) -> None:
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate(1 << 40)  # of holes: it takes no place on the disk
    with pytest.raises(DreamcliError, match="larger than 600 MB"):
        read_picture(tmp_path / "a.png")


def test_floating_point_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", Image.fromarray(np.ones((4, 4), np.float32)))
    with pytest.raises(DreamcliError, match="floating-point"):
        read_picture(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    reasons = {"none.png": "no such file", ".": "a folder"}
    if make_fifo(tmp_path / "fifo.png"):
        reasons["fifo.png"] = "not a regular file"
    for name, reason in reasons.items():
        with pytest.raises(DreamcliError, match=reason):
            read_picture(tmp_path / name)


def test_the_size_is_known_from_the_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (640, 480)).save(path)
    path.write_bytes(path.read_bytes()[:100])
    assert read_size(path) == (640, 480)


def test_a_phones_heic_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    path = tmp_path / "IMG_1.HEIC"
    path.write_bytes(heic(exif=exif.tobytes()))
    picture = read_picture(path)
    upright = np.asarray(RGB.transpose(Image.Transpose.ROTATE_270))
    assert picture.pixels.shape == upright.shape
    assert np.abs(picture.pixels.astype(int) - upright).mean() < 8
    assert sorted(read_size(path)) == [60, 80]
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DreamcliError, match=r"readable|damaged"):
        read_picture(path)


def test_without_its_library_heic_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for read in (read_picture, read_size):
        with pytest.raises(DreamcliError, match="pillow-heif isn't installed") as caught:
            read(path)
        assert caught.value.hint == Install("heif")


def test_an_avif_with_the_common_brand_is_none(tmp_path: Path) -> None:
    path = save(tmp_path / "a.avif", RGB, quality=95)
    contents = path.read_bytes()
    path.write_bytes(contents[:8] + b"mif1" + contents[12:])
    assert read_picture(path).pixels.shape == (60, 80, 3)


def test_what_is_no_picture_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    reasons = {"text": "not a readable picture", "none": "no such file"}
    if make_fifo(tmp_path / "fifo.png"):
        reasons["fifo"] = "not a regular file"
    for name, reason in reasons.items():
        with pytest.raises(DreamcliError, match=reason):
            read_size(tmp_path / f"{name}.png")


@pytest.mark.parametrize("folder", ["pngsuite", "image-rs", "exif-orientation"])
def test_pictures_made_to_break_readers(shared: Path, folder: str) -> None:
    """Every one is read or refused with a reason; nothing else is raised."""
    read = 0
    for path in sorted(p for p in (shared / "data" / "bad-images" / folder).iterdir() if p.is_file()):
        try:
            picture = read_picture(path)
        except DreamcliError:
            assert folder != "pngsuite" or path.name.startswith("x"), path
        else:
            read += 1
            assert not path.name.startswith("x"), path
            assert picture.pixels.ndim == 3, path
    assert read >= {"pngsuite": 150, "image-rs": 1, "exif-orientation": 3}[folder]
