"""Films on disk: frames as MP4, WebM or lossless Matroska, with their record, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dreamcli.errors import DreamcliError, first_line, needs

from .atomic import write_whole
from .formats import TRANSPARENT_FILMS
from .pyav import BT709, decoded, opened, picture_seconds, to_array
from .reading import Pixels
from .record import Record
from .sound import Sound
from .writing import flattened

# x264's macroblock tree makes other bytes of the same small frames from time to time
_X264 = {"crf": "17", "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
# by suffix: the container, the codec, its pixel format and options
_CODECS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    ".mp4": ("mp4", "libx264", "yuv420p", _X264),
    ".webm": ("webm", "libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4"}),
    ".mkv": ("matroska", "ffv1", "bgr0", {"level": "3"}),
}
SLACK = 2.5  # frames: how much earlier than the film its last frame may begin
_WITH_ALPHA = "bgra"  # the pixel format of a film that one can see through
# FFmpeg's numbers, for YUV: high-definition video; for RGB: no matrix, and the curve of sRGB
_RGB, _SRGB, _LIMITED, _FULL = 0, 13, 1, 2


def write_video(
    path: Path, frames: Iterable[Pixels], fps: float | Fraction, record: Record, sound: Path | None = None
) -> None:
    """Write frames as a film that carries a record, as `write_whole` does.

    Args:
        path: its suffix chooses H.264 in MP4, VP9 in WebM, or FFV1 in Matroska, which is lossless.
        frames: ``(height, width, 3)`` uint8, or 4 with alpha, all of one shape; with even sides but for Matroska.
            Transparency becomes white but for Matroska.
        sound: a video whose sound it gets, if there is any.

    Raises:
        DreamcliError: PyAV isn't installed, the folder can't be written to, or the disk is full.
    """
    av, suffix = needs("av"), path.suffix.lower()
    with TemporaryDirectory() as folder:
        draft = Path(folder) / f"film{suffix}"
        try:
            # without random numbers and times, so that the same film has the same bytes
            flags = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if suffix == ".mp4" else {})
            with av.open(str(draft), "w", format=_CODECS[suffix][0], options=flags) as container:
                container.metadata["comment"] = record.to_json()
                _encode(container, frames, Fraction(fps).limit_denominator(1001), suffix, sound)
        except (av.FFmpegError, OSError) as error:
            raise DreamcliError(f"could not write {path} ({first_line(error)})") from error
        with open(draft, "rb") as made:
            write_whole(path, lambda file: shutil.copyfileobj(made, file))


def _encode(container: Any, frames: Iterable[Pixels], fps: Fraction, suffix: str, source: Path | None) -> None:
    stream = sound = None
    for count, pixels in enumerate(frames, 1):
        if suffix not in TRANSPARENT_FILMS:
            pixels = flattened(pixels)
        if stream is None:
            stream = _video_stream(container, pixels, fps, suffix)
            sound = Sound(source, container, suffix) if source else None
        frame = needs("av").VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
        if stream.pix_fmt == "yuv420p":
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG")
        else:
            frame = frame.reformat(format=stream.pix_fmt)
        container.mux(stream.encode(frame))
        if sound:
            sound.mux_until(float(count / fps))
    if stream is not None:
        container.mux(stream.encode())


def _video_stream(container: Any, pixels: Pixels, fps: Fraction, suffix: str) -> Any:
    _, codec, pixel_format, options = _CODECS[suffix]
    stream = container.add_stream(codec, rate=fps, options=options)
    stream.height, stream.width = pixels.shape[:2]
    stream.pix_fmt = _WITH_ALPHA if pixels.shape[2] == 4 else pixel_format
    context, is_yuv = stream.codec_context, pixel_format == "yuv420p"
    context.colorspace, context.color_range = (BT709, _LIMITED) if is_yuv else (_RGB, _FULL)
    context.color_primaries, context.color_trc = BT709, BT709 if is_yuv else _SRGB
    return stream


def read_video(path: Path) -> Iterator[Pixels]:
    """Read the frames of a film: ``(height, width, 3)`` uint8 each, or 4 with alpha.

    Raises:
        DreamcliError: PyAV isn't installed, or this is no film that can be read to its end.
    """
    with opened(path) as container:
        if not container.streams.video:
            raise DreamcliError(f"{path}: it has no video track")
        length, last = picture_seconds(container), 0.0
        for frame in decoded(container):
            last = frame.time or last
            yield to_array(frame)
        rate = float(container.streams.video[0].average_rate or 1)
        if last < length - SLACK / rate:
            raise DreamcliError(f"{path}: it was cut short after {last:.1f} of {length:.1f} s")


def read_video_record(path: Path) -> Record | None:
    """Read the record inside a film; None if there is none.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read as a film.
    """
    with opened(path) as container:
        texts = [text for key, text in container.metadata.items() if key.lower() == "comment"]
    try:
        return Record.from_json(texts[0]) if texts else None
    except ValueError:
        return None
