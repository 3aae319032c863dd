from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamcli.errors import DreamcliError, Install
from dreamcli.files.clip import read_clip
from dreamcli.files.film import Pace, read_film, write_film
from dreamcli.files.formats import FILMS, TRANSPARENT_FILMS, VIDEOS
from dreamcli.files.resume import look_at, record_in
from tests.conftest import scene
from tests.files import clips
from tests.files.clips import pan, write_clip
from tests.files.test_record import RECORD

pytest.importorskip("av", reason="films need the extra `video`")
import av

FRAMES = [np.roll(scene(48, 64), shift, 1) for shift in range(0, 30, 3)]


@pytest.mark.parametrize("suffix", FILMS)
def test_a_film_carries_its_record_and_repeats_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    one, other = tmp_path / f"one{suffix}", tmp_path / "deep" / f"other{suffix}"
    for path in (one, other):
        write_film(path, iter(FRAMES), 12, RECORD)
    assert record_in(one) == RECORD
    assert one.read_bytes() == other.read_bytes()
    assert sorted(tmp_path.iterdir()) == [tmp_path / "deep", one]


@pytest.mark.parametrize(("suffix", "tolerance"), [(".mp4", 4), (".webm", 6), (".mkv", 0)])
def test_frames_come_back_as_they_were(tmp_path: Path, suffix: str, tolerance: float) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, FRAMES, 12, RECORD)
    frames = list(read_film(path))
    assert len(frames) == len(FRAMES)
    smooth = [np.asarray(Image.fromarray(frame).resize((16, 12)), float) for frame in (*frames, *FRAMES)]
    differences = [np.abs(made - was).mean() for made, was in zip(smooth[:10], smooth[10:], strict=True)]
    assert max(differences) <= tolerance


def test_a_film_plays_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_film(path, FRAMES, 12.5, RECORD)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == 12.5
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
    contents = path.read_bytes()
    assert contents.index(b"moov") < contents.index(b"mdat")  # it starts before it is loaded


@pytest.mark.parametrize("suffix", FILMS)
def test_the_last_frame_may_be_held(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, FRAMES, 10, RECORD, pause=1)
    if suffix in VIDEOS:
        assert len(list(read_film(path))) == 9 + 10
    else:
        with Image.open(path) as film:
            film.seek(film.n_frames - 1)
            film.load()
            assert film.info["duration"] == 1000


def test_a_lossless_film_may_have_an_odd_size(tmp_path: Path) -> None:
    frames = [frame[:47, :63] for frame in FRAMES]
    write_film(tmp_path / "odd.mkv", frames, 10, RECORD)
    np.testing.assert_array_equal(list(read_film(tmp_path / "odd.mkv")), frames)


@pytest.mark.parametrize("suffix", FILMS)
def test_a_film_that_was_cut_short_is_not_finished(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, FRAMES, 12, RECORD)
    existing = look_at(path)
    assert existing is not None
    assert existing.is_finished
    contents = path.read_bytes()
    path.write_bytes(contents[: len(contents) // (3 if suffix in VIDEOS else 2)])
    found = look_at(path)
    assert found is not None
    assert not found.is_whole or found.record is None


@pytest.mark.parametrize("contents", [b"", b"not a film", b"\0\0\0\x18ftypmp42" + bytes(50)])
def test_what_is_no_film_is_told(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(contents)
    with pytest.raises(DreamcliError, match="not a readable video"):
        record_in(path)
    with pytest.raises(DreamcliError, match="not a readable video"):
        list(read_film(path))


def test_without_pyav_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DreamcliError, match="films need PyAV") as caught:
        write_film(tmp_path / "film.mp4", FRAMES, 12, RECORD)
    assert caught.value.hint == Install("video")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DreamcliError, match=r"could not write .*No space left on device"):
        write_film(tmp_path / "film.mp4", FRAMES, 12, RECORD)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "flac"), (".mp4", "aac"), (".webm", "libopus")])
def test_sound_that_sticks_out_makes_no_film_look_cut_short(tmp_path: Path, suffix: str, codec: str) -> None:
    source = write_clip(tmp_path / "clip.mkv", pan(3) * 10, 30, sound=codec)
    for number in range(20, 30):
        path = tmp_path / f"{number}{suffix}"
        write_film(path, FRAMES[:1] * number, 120, RECORD, sound=source)
        existing = look_at(path)
        assert existing is not None
        assert existing.is_finished, number


@pytest.mark.parametrize(("suffix", "fps"), [(".gif", 24), (".gif", 30), (".gif", 50), (".webp", 24), (".webp", 60)])
def test_an_animation_keeps_time(tmp_path: Path, suffix: str, fps: int) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, [FRAMES[index % 10] for index in range(fps)], fps, RECORD)
    with Image.open(path) as film:
        durations = []
        for index in range(film.n_frames):
            film.seek(index)
            film.load()
            durations.append(film.info["duration"])
    assert sum(durations) == 1000
    assert max(durations) - min(durations) <= (10 if suffix == ".gif" else 1)


@pytest.mark.parametrize(
    ("codec", "rate"), [("libmp3lame", 44_100), ("pcm_s16le", 11_024), ("pcm_s16le", 192_000), ("pcm_alaw", 8000)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
def test_the_sound_of_any_video_fits_any_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, codec: str, rate: int
) -> None:
    monkeypatch.setattr(clips, "AUDIO_RATE", rate)
    source = write_clip(tmp_path / "old.avi", pan(8), codec="mpeg4", sound=codec)
    path = tmp_path / f"film{suffix}"
    write_film(path, pan(8), 8, RECORD, sound=source)
    with av.open(str(path)) as film:
        assert film.duration / 1e6 == pytest.approx(1, abs=0.1)
        assert sum(packet.size for packet in film.demux(film.streams.audio[0])) > 1000


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
@pytest.mark.parametrize("size", [(48, 64), (720, 16)])
def test_a_film_carries_the_tags_of_its_colors(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path, red = tmp_path / f"film{suffix}", (220, 30, 30)
    write_film(path, [np.full((*size, 3), red, np.uint8)] * 2, 8, RECORD)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        frame = next(container.decode(video=0))
    tags = (0, 1, 13, 2) if suffix == ".mkv" else (1, 1, 1, 1)  # matrix, primaries, transfer and range
    for each in (context, frame):
        assert (each.colorspace, each.color_primaries, each.color_trc, each.color_range) == tags
    for pixels in (next(read_film(path)), next(read_clip(path).read()).pixels):
        assert np.abs(pixels[8, 8].astype(int) - red).max() <= (0 if suffix == ".mkv" else 4)


@pytest.mark.parametrize("suffix", FILMS)
def test_a_film_is_transparent_if_its_format_can_be(tmp_path: Path, suffix: str) -> None:
    path, frames = tmp_path / f"film{suffix}", [np.dstack([frame, 0 * frame[..., 0]]) for frame in FRAMES[:3]]
    for index, frame in enumerate(frames):
        frame[8:40, 8 + 8 * index : 40 + 8 * index, 3] = 255
    write_film(path, frames, 10, RECORD)
    is_transparent = suffix in TRANSPARENT_FILMS
    for frame, was in zip(read_film(path), frames, strict=True):
        hidden = was[..., 3] == 0
        assert frame.shape[2] == 3 + is_transparent
        if is_transparent:
            np.testing.assert_array_equal(frame[..., 3], was[..., 3])
        else:
            inside = hidden[::4, ::4].repeat(4, 0).repeat(4, 1)
            assert np.median(frame[inside].astype(int)) >= 250


@pytest.mark.parametrize("suffix", FILMS)
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_a_film_has_the_pace_of_an_animated_picture(tmp_path: Path, suffix: str, plays: int) -> None:
    path, durations = tmp_path / f"film{suffix}", (100, 50, 1000, 350)
    write_film(path, FRAMES[:4], Pace(20, durations, plays), RECORD)
    clip = read_clip(path)
    if suffix in VIDEOS:
        assert (clip.frames, clip.fps) == (30, 20)
    else:
        assert (clip.durations, clip.plays) == (durations, plays)
