from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dreamcli.errors import DreamcliError
from dreamcli.files.animation import write_film
from dreamcli.files.clip import read_clip
from tests.files.clips import pan, write_clip, write_sound
from tests.files.test_record import RECORD

pytest.importorskip("av", reason="films need the extra `video`")
import av

FRAMES = pan(8)


def shift(frames: list[np.ndarray]) -> list[int]:
    """Which of the frames that were written each one is."""
    distances = [[np.abs(frame.astype(int) - was).mean() for was in FRAMES] for frame in frames]
    return [int(np.argmin(row)) for row in distances]


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx-vp9"),
                                               ("mkv", "ffv1"), ("avi", "mpeg4"), ("mp4", "libx265")])  # fmt: skip
def test_a_video_is_read_frame_by_frame(tmp_path: Path, suffix: str, codec: str) -> None:
    clip = read_clip(write_clip(tmp_path / f"clip.{suffix}", FRAMES, codec=codec))
    assert (clip.frames, clip.fps, clip.size, clip.ends_early) == (8, 8, (48, 64), None)
    assert shift(list(clip.read())) == list(range(8))
    assert shift(list(clip.read(5))) == [5, 6, 7]


def test_a_phone_that_was_held_upright(tmp_path: Path) -> None:
    clip = read_clip(write_clip(tmp_path / "clip.mp4", FRAMES, rotation=90))
    assert clip.size == (64, 48)
    assert shift([np.rot90(frame, -1) for frame in clip.read()]) == list(range(8))


def test_a_variable_frame_rate_becomes_an_even_pace(tmp_path: Path) -> None:
    moments = [0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.1, 1.2]
    clip = read_clip(write_clip(tmp_path / "clip.mp4", FRAMES, 10, seconds=lambda index: moments[index]))
    shown = shift(list(clip.read()))
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
        folder: "not a regular file",
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
