"""Videos for the tests, as phones and screen recorders make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import scene

AUDIO_RATE = 48_000


def pan(frames: int = 4, height: int = 48, width: int = 64, step: int = 2) -> list[np.ndarray]:
    """A picture that moves to the left by ``step`` pixels a frame."""
    wide = np.asarray(Image.fromarray(scene(60, 80)).resize((width * 3, height * 3)))[: height * 2]
    return [np.ascontiguousarray(wide[:height, step * index : step * index + width]) for index in range(frames)]


def write_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    fps: int = 8,
    *,
    codec: str = "libx264",
    sound: str = "",
    rotation: int = 0,
    mirrored: bool = False,
    seconds: Callable[[int], float] | None = None,
    curve: int = 0,
    pixel_shape: Fraction | None = None,
    sound_seconds: float | None = None,
    title: str = "",
) -> Path:
    """Write a video.

    Args:
        sound: the codec of a tone of 440 Hz that is as long, or ``sound_seconds``.
        rotation: by how many degrees a player turns it counterclockwise.
        mirrored: whether a player mirrors it then, left to right.
        seconds: when each frame is shown; by default, they have an even pace.
        curve: FFmpeg's number of the transfer curve.
    """
    import av

    with av.open(str(path), "w") as container:
        if title:
            container.metadata["title"] = title
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p" if frames[0].shape[0] % 2 or frames[0].shape[1] % 2 else "yuv420p"
        if curve:
            stream.codec_context.color_trc = curve
        if pixel_shape:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        if seconds:
            stream.codec_context.time_base = Fraction(1, 1000)
        track = container.add_stream(sound, rate=AUDIO_RATE, layout="stereo") if sound else None
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=stream.pix_fmt)
            if seconds:
                frame.pts, frame.time_base = round(1000 * seconds(index)), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None:
            container.mux([*_tone(track, sound_seconds or len(frames) / fps), *track.encode(None)])
    return path


def write_yuv(
    path: Path, planes: tuple[int, int, int], size: tuple[int, int], *, codec: str, matrix: int = 0, range: int = 0
) -> Path:
    """Write a video of one color in YUV, with FFmpeg's numbers of the matrix and the range that its tags name."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv444p"
        frame = av.VideoFrame(size[1], size[0], "yuv444p")
        for each in (stream.codec_context, frame):
            each.colorspace, each.color_range = matrix or 2, range
        for plane, value in zip(frame.planes, planes, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        container.mux([*stream.encode(frame), *stream.encode()])
    return path


def write_clear(path: Path, pixels: np.ndarray, *, codec: str, pixel_format: str) -> Path:
    """Write a video of three frames that are all the same, ``(height, width, 4)``."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8, options={"auto-alt-ref": "0"} if "vpx" in codec else {})
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = pixel_format
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=pixel_format)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_changing(path: Path, scenes: Sequence[Sequence[np.ndarray]]) -> Path:
    """Write a WebM whose size changes in mid-stream, as browsers record calls: each scene has its own."""
    import av

    pace, moment = Fraction(1, 8), count()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=8)
        stream.height, stream.width = scenes[0][0].shape[:2]
        for frames in scenes:
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.height, encoder.width = frames[0].shape[:2]
            encoder.pix_fmt, encoder.time_base = "yuv420p", pace
            packets = []
            for pixels in frames:
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = next(moment), pace
                packets += encoder.encode(frame)
            for packet in [*packets, *encoder.encode(None)]:
                packet.stream, packet.time_base = stream, pace
                container.mux(packet)
    return path


def write_sound(path: Path, seconds: float = 0.5) -> Path:
    """Write a video file that has no picture."""
    import av

    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=AUDIO_RATE, layout="stereo")
        container.mux([*_tone(track, seconds), *track.encode(None)])
    return path


def _tone(track, seconds: float) -> list:
    import av

    packets, count = [], round(AUDIO_RATE * seconds)
    wave = (0.3 * np.sin(2 * np.pi * 440 * np.arange(count) / AUDIO_RATE)).astype(np.float32)
    for first in range(0, count, 960):
        part = np.stack([wave[first : first + 960]] * 2)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, first, Fraction(1, AUDIO_RATE)
        packets += track.encode(frame)
    return packets
