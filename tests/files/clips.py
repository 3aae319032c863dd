"""Videos for the tests, as phones and screen recorders make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
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
    seconds: Callable[[int], float] | None = None,
    curve: int = 0,
    pixel_shape: Fraction | None = None,
    sound_seconds: float | None = None,
) -> Path:
    """Write a video.

    Args:
        sound: the codec of a tone of 440 Hz that is as long, or ``sound_seconds``.
        rotation: by how many degrees a player turns it counterclockwise.
        seconds: when each frame is shown; by default, they have an even pace.
        curve: FFmpeg's number of the transfer curve.
    """
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p" if frames[0].shape[0] % 2 or frames[0].shape[1] % 2 else "yuv420p"
        if curve:
            stream.codec_context.color_trc = curve
        if pixel_shape:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        if rotation:
            stream.set_display_rotation(rotation)
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
