from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.errors import DreamcliError
from dreamcli.files import clip as clip_module
from dreamcli.files.clip import Clip, is_animated, is_video, read_clip
from dreamcli.files.film import write_film
from tests.conftest import scene
from tests.files.clips import pan, write_changing, write_clear, write_clip, write_sound, write_yuv
from tests.files.test_record import RECORD

pytest.importorskip("av", reason="films need the extra `video`")
import av

FRAMES = pan(8)


def pixels_of(clip: Clip, first: int = 0) -> list[np.ndarray]:
    return [frame.pixels for frame in clip.read(first)]


def shift(frames: list[np.ndarray]) -> list[int]:
    """Which of the frames that were written each one is."""
    distances = [[np.abs(frame.astype(int) - was).mean() for was in FRAMES] for frame in frames]
    return [int(np.argmin(row)) for row in distances]


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx-vp9"),
                                               ("mkv", "ffv1"), ("avi", "mpeg4"), ("mp4", "libx265")])  # fmt: skip
def test_a_video_is_read_frame_by_frame(tmp_path: Path, suffix: str, codec: str) -> None:
    clip = read_clip(write_clip(tmp_path / f"clip.{suffix}", FRAMES, codec=codec))
    assert (clip.frames, clip.fps, clip.size, clip.ends_early) == (8, 8, (48, 64), None)
    assert shift(pixels_of(clip)) == list(range(8))
    assert shift(pixels_of(clip, 5)) == [5, 6, 7]


def test_a_phone_that_was_held_upright(tmp_path: Path) -> None:
    clip = read_clip(write_clip(tmp_path / "clip.mp4", FRAMES, rotation=90))
    assert clip.size == (64, 48)
    assert shift([np.rot90(frame, -1) for frame in pixels_of(clip)]) == list(range(8))


def test_a_variable_frame_rate_becomes_an_even_pace(tmp_path: Path) -> None:
    moments = [0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.1, 1.2]
    clip = read_clip(write_clip(tmp_path / "clip.mp4", FRAMES, 10, seconds=lambda index: moments[index]))
    shown = shift(pixels_of(clip))
    assert len(shown) == clip.frames
    for number, frame in enumerate(shown):
        at = number / float(clip.fps) + 0.5 / float(clip.fps)
        assert moments[frame] <= at + 1e-6
        assert frame == 7 or moments[frame + 1] >= at - 0.02


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    assert read_clip(write_clip(tmp_path / "clip.mp4", FRAMES, pixel_shape=Fraction(3, 2))).size == (48, 96)


def test_an_odd_size(tmp_path: Path) -> None:
    frames = [np.ascontiguousarray(frame[:47, :63]) for frame in FRAMES]
    assert read_clip(write_clip(tmp_path / "clip.mp4", frames)).size == (47, 63)


def test_a_single_frame(tmp_path: Path) -> None:
    clip = read_clip(write_clip(tmp_path / "clip.mp4", FRAMES[:1]))
    assert (clip.frames, len(list(clip.read()))) == (1, 1)


def test_a_single_pixel(tmp_path: Path) -> None:
    clip = read_clip(write_clip(tmp_path / "clip.mkv", [frame[:1, :1].copy() for frame in FRAMES], codec="ffv1"))
    assert (clip.frames, clip.size) == (8, (1, 1))


def test_a_video_whose_end_is_broken_is_read_up_to_there(tmp_path: Path) -> None:
    frames = [np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8) for index in range(40)]
    path = write_clip(tmp_path / "clip.mkv", frames, codec="ffv1")
    contents = path.read_bytes()
    path.write_bytes(contents[: len(contents) // 2])
    clip = read_clip(path)
    assert 10 < clip.frames < 30
    assert clip.ends_early == pytest.approx(clip.frames / 8, abs=0.2)
    assert len(list(clip.read())) == clip.frames


@pytest.mark.parametrize(("curve", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused(tmp_path: Path, curve: int, name: str) -> None:
    path = write_clip(tmp_path / "clip.mp4", FRAMES, codec="libx265", curve=curve)
    with pytest.raises(DreamcliError, match=rf"HDR videos \({name}\) aren't supported; convert it to SDR"):
        read_clip(path)


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    sound, empty, folder = tmp_path / "sound.mp4", tmp_path / "empty.mp4", tmp_path / "folder.mp4"
    write_sound(sound)
    empty.write_bytes(b"")
    folder.mkdir()
    reasons = {
        sound: "it has no video track, only sound",
        empty: "not a readable video",
        folder: "a folder, not a file",
        tmp_path / "none.mp4": "there is no such file",
    }
    for path, reason in reasons.items():
        with pytest.raises(DreamcliError, match=rf"{path.name}: {reason}"):
            read_clip(path)


def test_a_video_without_a_single_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", FRAMES, codec="ffv1")
    with av.open(str(path)) as container:
        first = next(packet for packet in container.demux() if packet.size)
        start = path.read_bytes().index(bytes(first))
    path.write_bytes(path.read_bytes()[:start])
    with pytest.raises(DreamcliError, match="none of its frames can be read"):
        read_clip(path)


def test_a_video_that_changed_since_is_told(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", FRAMES)
    clip = read_clip(path)
    write_clip(path, FRAMES[:3])
    with pytest.raises(DreamcliError, match="it has changed since"):
        list(clip.read())


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
@pytest.mark.parametrize("codec", ["aac", "libopus", "libmp3lame"])
def test_the_sound_comes_along(tmp_path: Path, suffix: str, codec: str) -> None:
    source = write_clip(tmp_path / "clip.mkv", pan(16), 8, sound=codec)
    for name in ("one", "other"):
        write_film(tmp_path / f"{name}{suffix}", FRAMES, 8, RECORD, sound=source)
    film = tmp_path / f"one{suffix}"
    assert film.read_bytes() == (tmp_path / f"other{suffix}").read_bytes()
    with av.open(str(film)) as container:
        heard = np.concatenate([frame.to_ndarray().mean(0) for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].codec_context.sample_rate
    assert len(heard) / rate == pytest.approx(1, abs=0.1)  # as long as the film, not as its source
    part = heard[rate // 4 : 3 * rate // 4]
    strongest = np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * rate / len(part)
    assert strongest == pytest.approx(440, abs=3)


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_a_silent_video_gives_a_silent_film(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / "clip.mp4", FRAMES)
    write_film(tmp_path / f"film{suffix}", FRAMES, 8, RECORD, sound=source)
    assert (tmp_path / f"film{suffix}").exists()


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "aac"), ("mkv", "flac"), ("webm", "libopus")])
def test_a_video_whose_sound_is_longer_is_whole(tmp_path: Path, suffix: str, codec: str) -> None:
    path = write_clip(tmp_path / f"clip.{suffix}", pan(8), sound=codec, sound_seconds=2.5,
                      codec="libvpx-vp9" if suffix == "webm" else "libx264")  # fmt: skip
    clip = read_clip(path)
    assert (clip.frames, clip.ends_early) == (8, None)


RED = (220, 30, 30)
LIMITED, FULL = 1, 2  # FFmpeg's numbers
BT709, BT601, BT2020 = 1, 5, 9
_SHARES = {BT709: (0.2126, 0.0722), BT601: (0.299, 0.114), BT2020: (0.2627, 0.0593)}  # of red and blue in luma


def in_yuv(color: tuple[int, int, int], matrix: int, range: int) -> tuple[int, int, int]:
    """A color as the standards define it, in 8 bits."""
    (of_red, of_blue), (red, green, blue) = _SHARES[matrix], (value / 255 for value in color)
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = (blue - luma) / (2 * (1 - of_blue)), (red - luma) / (2 * (1 - of_red))
    if range == FULL:
        return round(255 * luma), *(round(128 + 255 * each) for each in chroma)
    return round(16 + 219 * luma), *(round(128 + 224 * each) for each in chroma)


@pytest.mark.parametrize(("codec", "suffix"), [("libx264", "mp4"), ("ffv1", "mkv"), ("libvpx-vp9", "webm")])
@pytest.mark.parametrize(("tag", "size", "matrix"), [
    (0, (64, 48), BT601), (0, (576, 16), BT601), (0, (720, 16), BT709), (0, (16, 1280), BT709),
    (3, (720, 16), BT709), (3, (64, 48), BT601),
    (BT709, (64, 48), BT709), (BT601, (720, 16), BT601), (6, (720, 16), BT601), (BT2020, (64, 48), BT2020),
])  # fmt: skip
@pytest.mark.parametrize("range", [LIMITED, FULL])
def test_the_colors_are_those_that_players_show(
    tmp_path: Path, codec: str, suffix: str, tag: int, size: tuple[int, int], matrix: int, range: int
) -> None:
    planes = in_yuv(RED, matrix, range)
    path = write_yuv(tmp_path / f"a.{suffix}", planes, size, codec=codec, matrix=tag, range=range)
    (frame,) = read_clip(path).read()
    assert frame.alpha is None
    assert np.abs(frame.pixels[5, 5].astype(int) - RED).max() <= 4


def test_a_matrix_that_is_not_supported_is_named(tmp_path: Path) -> None:
    path = write_yuv(tmp_path / "a.mkv", (90, 90, 90), (48, 64), codec="ffv1", matrix=8)
    with pytest.raises(DreamcliError, match=r"a.mkv: its color matrix \(FFmpeg's number 8\) isn't supported"):
        read_clip(path)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_video_is_shown_as_its_display_matrix_says(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    clip = read_clip(write_clip(tmp_path / "clip.mp4", FRAMES[:2], rotation=rotation, mirrored=mirrored))
    shown = np.rot90(FRAMES[0], rotation // 90)
    shown = shown[:, ::-1] if mirrored else shown
    (first, _) = pixels_of(clip)
    assert clip.size == first.shape[:2] == shown.shape[:2]
    assert np.abs(first.astype(int) - shown).mean() < 8


def test_a_size_that_changes_squeezes_nothing(tmp_path: Path) -> None:
    sizes = ((48, 64), (24, 32), (48, 16), (24, 64))
    path = write_changing(tmp_path / "call.webm", [[np.full((*size, 3), 200, np.uint8)] * 3 for size in sizes])
    clip = read_clip(path)
    assert (clip.frames, clip.size) == (12, (48, 64))
    assert clip.notes == ("its size changes after 0.4 s; fitted into 64x48",)
    assert {frame.shape for frame in pixels_of(clip)} == {(48, 64, 3)}
    assert {frame.shape for frame in pixels_of(clip, 5)} == {(48, 64, 3)}
    same, half, tall, wide = (frame.mean(2) > 100 for frame in pixels_of(clip)[1::3])
    assert same.all()
    assert half.all()
    columns, rows = tall.mean(0) > 0.9, wide.mean(1) > 0.9
    assert (columns == (abs(np.arange(64) - 31.5) < 8)).all()
    assert (rows == (abs(np.arange(48) - 23.5) < 12)).all()


@pytest.mark.parametrize(("codec", "suffix", "pixel_format"), [
    ("libvpx-vp9", "webm", "yuva420p"), ("libvpx", "webm", "yuva420p"), ("ffv1", "mkv", "bgra"), ("png", "mov", "rgba"),
    ("qtrle", "mov", "argb"), ("prores_ks", "mov", "yuva444p10le"),
])  # fmt: skip
def test_transparency_is_read(tmp_path: Path, codec: str, suffix: str, pixel_format: str) -> None:
    pixels = np.full((48, 64, 4), (*RED, 255), np.uint8)
    pixels[:, :32, 3] = 100
    clip = read_clip(write_clear(tmp_path / f"a.{suffix}", pixels, codec=codec, pixel_format=pixel_format))
    assert (clip.frames, clip.is_transparent) == (3, True)
    for frame in clip.read():
        assert frame.alpha is not None
        assert np.abs(frame.alpha[:, [8, 56]].astype(int) - (100, 255)).max() <= 2
        assert np.abs(frame.pixels[8, 8].astype(int) - RED).max() <= 4


def test_a_video_with_alpha_may_be_opaque(tmp_path: Path) -> None:
    pixels = np.full((48, 64, 4), 255, np.uint8)
    clip = read_clip(write_clear(tmp_path / "a.mkv", pixels, codec="ffv1", pixel_format="bgra"))
    assert not clip.is_transparent
    assert next(clip.read()).alpha is None


def animated(frames: int = 4) -> list[Image.Image]:
    """A square that moves over nothing."""
    pictures = [np.dstack([scene(48, 64), np.zeros((48, 64), np.uint8)]) for _ in range(frames)]
    for index, pixels in enumerate(pictures):
        pixels[10:30, 8 * index : 8 * index + 20, 3] = 255
    return [Image.fromarray(pixels) for pixels in pictures]


@pytest.mark.parametrize(("name", "options", "plays"), [
    ("a.gif", {"loop": 0, "disposal": 2}, 0), ("a.gif", {"disposal": 2}, 1), ("a.gif", {"loop": 2, "disposal": 2}, 3),
    ("a.webp", {"loop": 0, "lossless": True}, 0), ("a.webp", {"loop": 3, "lossless": True}, 3),
    ("a.png", {"loop": 3}, 3), ("a.apng", {"loop": 0, "format": "PNG"}, 0),
    ("a.png", {"loop": 0, "default_image": True}, 0),
])  # fmt: skip
def test_an_animated_picture_is_read_frame_by_frame(tmp_path: Path, name: str, options: dict, plays: int) -> None:
    path, pictures, durations = tmp_path / name, animated(), [100, 50, 10, 300]
    shown_elsewhere = [Image.new("RGBA", (64, 48))] if options.get("default_image") else []
    first, *rest = [*shown_elsewhere, *pictures]
    first.save(path, save_all=True, append_images=rest, duration=durations, **options)
    assert is_animated(path)
    clip = read_clip(path)
    # as in browsers, 10 ms are too quick
    assert (clip.frames, clip.durations, clip.plays) == (4, (100, 50, 100, 300), plays)
    assert (clip.size, clip.fps, clip.is_transparent) == ((48, 64), 20, True)
    for frame, picture in zip(clip.read(), pictures, strict=True):
        was = np.asarray(picture)
        assert frame.alpha is not None
        np.testing.assert_array_equal(frame.alpha, was[..., 3])
        seen = was[..., 3] > 0
        assert np.abs(frame.pixels[seen].astype(int) - was[seen, :3]).mean() < 5
    np.testing.assert_array_equal(next(clip.read(2)).alpha, np.asarray(pictures[2])[..., 3])


def test_what_does_not_move_is_a_picture(tmp_path: Path) -> None:
    one, other = animated(2)
    one.save(tmp_path / "still.gif")
    one.save(tmp_path / "still.png")
    one.save(tmp_path / "pages.tiff", save_all=True, append_images=[other])
    (tmp_path / "broken.gif").write_bytes(b"GIF89a")
    (tmp_path / "folder.gif").mkdir()
    assert not [path.name for path in tmp_path.iterdir() if is_animated(path) or is_video(path)]
    assert is_video(Path("none.mp4"))


def test_an_animated_picture_that_is_broken_is_told(tmp_path: Path) -> None:
    one, *others = animated()
    one.save(tmp_path / "a.webp", save_all=True, append_images=others)
    contents = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(contents[: len(contents) // 2])
    with pytest.raises(DreamcliError, match=r"a.webp: (damaged|not a readable)"):
        read_clip(tmp_path / "a.webp")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
def test_a_title_in_an_old_encoding_is_no_obstacle(tmp_path: Path, suffix: str) -> None:
    codecs = {".webm": "libvpx-vp9", ".avi": "mpeg4"}
    path = write_clip(tmp_path / f"clip{suffix}", FRAMES, codec=codecs.get(suffix, "libx264"), title="Cafxxx")
    path.write_bytes(path.read_bytes().replace(b"Cafxxx", b"Caf\xe9\xff\xfe"))
    assert read_clip(path).frames == len(FRAMES)


def test_a_gap_between_frames_is_no_still(tmp_path: Path) -> None:
    day = 86_400
    path = write_clip(tmp_path / "clip.mkv", pan(4), 8, seconds=lambda index: index * day)
    clip = read_clip(path)
    assert clip.frames == 4
    assert clip.notes == (f"left out {3 * day - 3 / float(clip.fps):,.0f} s in which no frame is shown",)
    assert len(list(clip.read())) == 4
    assert clip.ends_early is None


def test_a_still_of_half_a_minute_is_kept(tmp_path: Path) -> None:
    clip = read_clip(write_clip(tmp_path / "clip.mkv", pan(3), 8, seconds=lambda index: (0, 30, 31)[index]))
    assert clip.frames == pytest.approx(31 * float(clip.fps), abs=2)
    assert not clip.notes


def test_more_frames_than_anybody_waits_for_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "MAX_FRAMES", 3)
    path = write_clip(tmp_path / "clip.mkv", pan(4))
    with pytest.raises(DreamcliError, match="more than 3 frames; cut it into parts first"):
        read_clip(path)


def test_a_slow_film_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", pan(3), 8, seconds=lambda index: index * 20_000)
    assert read_clip(path).frames == 3


@pytest.mark.parametrize("name", ["list.mp4", "list.mkv", "list.avi"])
def test_a_list_of_other_files_is_no_video(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / "other.mp4", FRAMES)
    (tmp_path / name).write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(DreamcliError, match="not a readable video"):
        read_clip(tmp_path / name)
