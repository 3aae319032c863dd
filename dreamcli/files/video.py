"""Films on disk: frames as MP4, WebM or lossless Matroska, with their record, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dreamcli.errors import DreamcliError, Hint, first_line

from .atomic import write_whole
from .reading import Pixels
from .record import Record

# by suffix: the container, the codec, its pixel format and options
_CODECS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    ".mp4": ("mp4", "libx264", "yuv420p", {"crf": "17", "preset": "medium"}),
    ".webm": ("webm", "libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4"}),
    ".mkv": ("matroska", "ffv1", "bgr0", {"level": "3"}),
}
SLACK = 2.5  # frames: how much earlier than the film its last frame may begin
_BT709, _LIMITED = 1, 1  # FFmpeg's numbers for the colors and the range of high-definition video


def write_video(path: Path, frames: Iterable[Pixels], fps: float, record: Record) -> None:
    """Write frames as a film that carries a record, as `write_whole` does.

    Args:
        path: its suffix chooses H.264 in MP4, VP9 in WebM, or FFV1 in Matroska, which is lossless.
        frames: ``(height, width, 3)`` uint8, all of one size; even but for Matroska.

    Raises:
        DreamcliError: PyAV isn't installed, the folder can't be written to, or the disk is full.
    """
    av = _av()
    container_format, codec, pixel_format, options = _CODECS[path.suffix.lower()]
    with TemporaryDirectory() as folder:
        draft = Path(folder) / f"film{path.suffix.lower()}"
        try:
            # without random numbers and times, so that the same film has the same bytes
            flags = {"fflags": "+bitexact", "movflags": "+faststart"}
            with av.open(str(draft), "w", format=container_format, options=flags) as container:
                container.metadata["comment"] = record.to_json()
                _encode(av, container, frames, fps, codec, pixel_format, options)
        except (av.FFmpegError, OSError) as error:
            raise DreamcliError(f"could not write {path} ({first_line(error)})") from error
        with open(draft, "rb") as made:
            write_whole(path, lambda file: shutil.copyfileobj(made, file))


def _encode(
    av: Any, container: Any, frames: Iterable[Pixels], fps: float, codec: str, format: str, options: dict[str, str]
) -> None:
    stream = None
    for pixels in frames:
        if stream is None:
            stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000), options=options)
            stream.height, stream.width = pixels.shape[:2]
            stream.pix_fmt = format
            if format == "yuv420p":
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = _BT709
                context.color_range = _LIMITED
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        if format == "yuv420p":
            frame = frame.reformat(format=format, dst_colorspace="ITU709", dst_color_range="MPEG")
        else:
            frame = frame.reformat(format=format)
        container.mux(stream.encode(frame))
    if stream is not None:
        container.mux(stream.encode())


def read_video(path: Path) -> Iterator[Pixels]:
    """Read the frames of a film: ``(height, width, 3)`` uint8 each.

    Raises:
        DreamcliError: PyAV isn't installed, or this is no film that can be read to its end.
    """
    with _opened(path) as container:
        if not container.streams.video:
            raise DreamcliError(f"{path}: there is no picture in it")
        length, last = (container.duration or 0) / _av().time_base, 0.0
        for frame in container.decode(video=0):
            last = frame.time or last
            yield frame.to_ndarray(format="rgb24")
        rate = float(container.streams.video[0].average_rate or 1)
        if last < length - SLACK / rate:
            raise DreamcliError(f"{path}: it was cut short after {last:.1f} of {length:.1f} s")


def read_video_record(path: Path) -> Record | None:
    """Read the record inside a film; None if there is none.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read as a film.
    """
    with _opened(path) as container:
        texts = [text for key, text in container.metadata.items() if key.lower() == "comment"]
    try:
        return Record.from_json(texts[0]) if texts else None
    except ValueError:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A film as PyAV's container."""
    av = _av()
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise DreamcliError(f"{path}: not a film that can be read ({first_line(error)})") from error


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise DreamcliError("films need PyAV, which isn't installed", Hint.INSTALL_VIDEO) from error
    return av
