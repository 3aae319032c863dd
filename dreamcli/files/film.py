"""Films on disk, with their record: GIF and WebP by Pillow; MP4, WebM and lossless Matroska by PyAV."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import accumulate, chain, pairwise, repeat
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageSequence

from dreamcli.errors import DreamcliError, first_line, needs

from .atomic import could_not_write, write_whole
from .formats import ANIMATED, TRANSPARENT_FILMS, VIDEOS
from .reading import Pixels, split_alpha
from .record import Record, exif_with, open_result
from .regular import MAX_RESULT, MAX_VIDEO, open_regular

WEBP_QUALITY = 85
TICKS = {"GIF": 10, "WEBP": 1}  # milliseconds; a frame lasts a whole number of them
MAX_GIF_FPS = 50  # browsers slow a quicker GIF down to 10 frames a second
# pixels of a GIF are opaque from this alpha on; the last color of its palette stands for the others
_OPAQUE, _CLEAR = 128, 255
_TO_BACKGROUND = 2  # a GIF's disposal: a frame is cleared before the next one
_WEBP_FLAGS, _WEBP_ALPHA = 20, 0x10  # a place in the header, and a bit there

# x264's macroblock tree makes other bytes of the same small frames from time to time
_X264 = {"crf": "17", "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
# by suffix: the container, the codec, its pixel format and options
_CODECS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    ".mp4": ("mp4", "libx264", "yuv420p", _X264),
    ".webm": ("webm", "libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4"}),
    ".mkv": ("matroska", "ffv1", "bgr0", {"level": "3"}),
}
# FFmpeg's names of the formats that are read: MP4 and QuickTime, Matroska and WebM, and AVI
_READ_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
_WITH_ALPHA = "bgra"  # the pixel format of a transparent film
# by suffix: the sound that a container takes as it is (empty for any), and what other sound is encoded as
_TAKEN = {".mp4": {"aac", "mp3", "ac3", "eac3", "alac"}, ".webm": {"opus", "vorbis"}, ".mkv": frozenset()}
_ENCODED = {".mp4": "aac", ".webm": "libopus", ".mkv": "flac"}
_USUAL_RATE = 48_000  # samples a second, and the only rate of Opus
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)

SLACK = 2.5  # frames: how much before the film's end the last one may begin
# FFmpeg's numbers: matrices between YUV and RGB, where 2 and 3 are unspecified, and reserved, which some cameras write;
# the transfer curve of sRGB; and the ranges
_RGB, _BT709, _UNKNOWN, _SRGB, _LIMITED, _FULL = 0, 1, (2, 3), 13, 1, 2
_HD = 720, 1280  # lines or columns from which players take an unspecified matrix to be BT.709, not BT.601
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own drop the alpha


@dataclass(frozen=True)
class Pace:
    """How quickly a film goes on.

    Attributes:
        fps: frames a second.
        durations: how many milliseconds each frame is shown instead, rounded to whole frames in a video; empty for an
            even pace.
        plays: how often a GIF or WebP is played; 0 for forever.
    """

    fps: float | Fraction
    durations: Sequence[int] = ()
    plays: int = 0


def even_size(height: float, width: float) -> tuple[int, int]:
    """The nearest even (height, width), which MP4 and WebM need; halfway, the smaller one, but at least 2."""
    even = [max(2, 2 * math.ceil(side / 2 - 0.5)) for side in (height, width)]
    return even[0], even[1]


def write_film(
    path: Path,
    frames: Iterable[Pixels],
    pace: float | Fraction | Pace,
    record: Record,
    pause: float = 0,
    sound: Path | None = None,
) -> None:
    """Write frames as a film, as `write_whole` does; ``path``'s suffix chooses the format.

    The record is a GIF's comment, in a WebP's EXIF, and in the other formats' metadata.

    Args:
        frames: ``(height, width, 3)`` uint8, or 4 with alpha, all of one shape; MP4 and WebM need even sides, and show
            transparent parts as white.
        pace: a number is frames a second.
        pause: how many seconds the last frame is shown; 0 for as long as the others.
        sound: a video to take the sound from, unless the film is a GIF or WebP.

    Raises:
        DreamcliError: PyAV is needed and isn't installed, the folder can't be written to, or the disk is full.
    """
    pace = pace if isinstance(pace, Pace) else Pace(pace)
    if path.suffix.lower() in VIDEOS:
        _write_video(path, _held(frames, pace, pause), pace.fps, record, sound)
    else:
        _write_animated(path, frames, pace, record, pause)


def _write_animated(path: Path, frames: Iterable[Pixels], pace: Pace, record: Record, pause: float) -> None:
    kind = ANIMATED[path.suffix.lower()]
    images = [_gif_frame(pixels) if kind == "GIF" else Image.fromarray(pixels) for pixels in frames]
    tick = TICKS[kind]
    ends = [tick * round(1000 * count / (tick * pace.fps)) for count in range(len(images) + 1)]
    if pace.durations:
        ends = [tick * round(end / tick) for end in accumulate(pace.durations[: len(images)], initial=0)]
    durations = [end - start for start, end in pairwise(ends)]
    options: dict[str, Any] = {"save_all": True, **_loop(kind, pace.plays)}
    options["duration"] = [*durations[:-1], round(1000 * pause) or durations[-1]]
    is_transparent = images[0].has_transparency_data
    if is_transparent and kind == "GIF":
        options["disposal"] = _TO_BACKGROUND
    options |= {"comment": record.to_json()} if kind == "GIF" else {"exif": exif_with(record), "quality": WEBP_QUALITY}

    def save(file: IO[bytes]) -> None:
        contents = BytesIO()
        images[0].save(contents, kind, append_images=images[1:], **options)
        if is_transparent and kind == "WEBP":
            _mark_transparent(contents)
        file.write(contents.getbuffer())

    write_whole(path, save)


def _mark_transparent(webp: BytesIO) -> None:
    """Say in the header of an animated WebP that it has alpha: libwebp forgets to where it has cut frames to fit."""
    header = webp.getbuffer()
    if bytes(header[12:16]) == b"VP8X":
        header[_WEBP_FLAGS] |= _WEBP_ALPHA


def _loop(kind: str, plays: int) -> dict[str, int]:
    """Pillow's option for the number of plays. A GIF holds the number of repeats, or nothing for a single play."""
    if kind != "GIF":
        return {"loop": plays}
    return {} if plays == 1 else {"loop": max(0, plays - 1)}


def _gif_frame(pixels: Pixels) -> Image.Image:
    """A frame of a GIF. With alpha, each pixel becomes opaque or clear, and the frame gets a palette here."""
    if pixels.shape[2] == 3:
        return Image.fromarray(pixels)
    hidden = pixels[..., 3] < _OPAQUE
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3])).quantize(_CLEAR)
    image.paste(_CLEAR, mask=Image.fromarray(hidden))
    image.info["transparency"] = _CLEAR
    return image


def _held(frames: Iterable[Pixels], pace: Pace, pause: float) -> Iterator[Pixels]:
    """The frames of a video at an even pace: each as often as its duration asks, and the last one for the pause."""
    last: Pixels | None = None
    for last, times in zip(frames, chain(_times(pace), repeat(1)), strict=False):
        yield from repeat(last, times)
    if last is not None:
        yield from repeat(last, max(0, round(pause * pace.fps) - 1))


def _times(pace: Pace) -> Iterator[int]:
    """How often each frame with a duration is shown at an even pace; at least once."""
    shown = 0
    for end in accumulate(pace.durations):
        times = max(1, round(end * pace.fps / 1000) - shown)
        shown += times
        yield times


def _write_video(
    path: Path, frames: Iterable[Pixels], fps: float | Fraction, record: Record, sound: Path | None
) -> None:
    av, suffix = needs("av"), path.suffix.lower()

    def save(file: IO[bytes]) -> None:
        # without random numbers and times, to make the same bytes of the same film
        flags = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if suffix == ".mp4" else {})
        try:
            # by name: in the end, FFmpeg reads an MP4 again
            with av.open(os.path.abspath(file.name), "w", format=_CODECS[suffix][0], options=flags) as container:
                container.metadata["comment"] = record.to_json()
                _encode(container, frames, Fraction(fps).limit_denominator(1001), suffix, sound)
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise could_not_write(path, error) from error
            raise DreamcliError(f"could not write {path} ({first_line(error)})") from error

    write_whole(path, save)


def _encode(container: Any, frames: Iterable[Pixels], fps: Fraction, suffix: str, source: Path | None) -> None:
    stream = sound = None
    for count, pixels in enumerate(frames, 1):
        if suffix not in TRANSPARENT_FILMS:
            pixels = split_alpha(pixels).on_white
        if stream is None:
            stream = _video_stream(container, pixels, fps, suffix)
            sound = _Sound(source, container, suffix) if source else None
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
    context.colorspace, context.color_range = (_BT709, _LIMITED) if is_yuv else (_RGB, _FULL)
    context.color_primaries, context.color_trc = _BT709, _BT709 if is_yuv else _SRGB
    return stream


class _Sound:
    """The first sound track of a video, copied into a film's container, or re-encoded where that can't hold it.

    Args:
        source: the video.
        container: PyAV's, with nothing but pictures so far.
        suffix: of the film.
    """

    def __init__(self, source: Path, container: Any, suffix: str) -> None:
        self._source, self._container = source, container
        self._waiting: Any = None
        self._packets: Iterator[Any] = iter(())
        with open_video(source) as video:
            if not video.streams.audio:
                return
            track = video.streams.audio[0]
            # by its standard's name: FFmpeg's decoder of MP3 is called "mp3float"
            is_copied = not _TAKEN[suffix] or track.codec_context.codec.canonical_name in _TAKEN[suffix]
            if is_copied:
                try:
                    self._stream = container.add_stream_from_template(track)
                except ValueError:  # Matroska takes nearly anything, but not A-law
                    is_copied = False
            rate, is_mono = track.codec_context.sample_rate, track.codec_context.channels == 1
        if not is_copied:
            # PyAV resamples to another rate
            rate = rate if _ENCODED[suffix] != "libopus" and rate in _AAC_RATES else _USUAL_RATE
            self._stream = container.add_stream(_ENCODED[suffix], rate=rate, layout="mono" if is_mono else "stereo")
        self._packets = self._copied() if is_copied else self._encoded()
        self._waiting = next(self._packets, None)

    def mux_until(self, second: float) -> None:
        """Add the sound up to this second to the film."""
        while self._waiting is not None and float(self._waiting.pts * self._waiting.time_base) < second:
            self._container.mux(self._waiting)
            self._waiting = next(self._packets, None)

    def _copied(self) -> Iterator[Any]:
        with open_video(self._source) as video:
            for packet in _unbroken(video.demux(video.streams.audio[0])):
                if packet.pts is None or packet.dts is None:
                    continue
                shift = round(_start(video) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, self._stream
                if packet.pts >= 0:
                    yield packet

    def _encoded(self) -> Iterator[Any]:
        with open_video(self._source) as video:
            for frame in _unbroken(video.decode(video.streams.audio[0])):
                frame.pts -= round(_start(video) / frame.time_base)
                if frame.pts >= 0:
                    yield from self._stream.encode(frame)
        yield from self._stream.encode(None)


def _unbroken(parts: Iterator[Any]) -> Iterator[Any]:
    """The parts of a track up to the first broken one."""
    with suppress(needs("av").FFmpegError, EOFError):
        yield from parts


def _start(video: Any) -> float:
    """The second at which the pictures begin."""
    stream = video.streams.video[0]
    return float((stream.start_time or 0) * stream.time_base)


def read_film(path: Path) -> Iterator[Pixels]:
    """Read the frames of a film: ``(height, width, 3)`` uint8 each, or 4 with alpha.

    Raises:
        DreamcliError: it can't be read to its end, or PyAV is needed and isn't installed.
    """
    if path.suffix.lower() in VIDEOS:
        yield from _read_video(path)
        return
    try:
        with open_regular(path, MAX_RESULT) as file, open_result(file) as image:
            for frame in ImageSequence.Iterator(image):
                yield np.asarray(frame.convert("RGBA" if frame.has_transparency_data else "RGB"))
    except Exception as error:  # a decoder may raise anything for a broken file
        raise DreamcliError(f"{path}: not a readable film ({first_line(error)})") from error


def _read_video(path: Path) -> Iterator[Pixels]:
    with open_video(path) as container:
        if not container.streams.video:
            raise DreamcliError("it has no video track")
        length, last = video_seconds(container), 0.0
        for frame in video_frames(container):
            last = frame.time or last
            yield to_array(frame)
        rate = float(container.streams.video[0].average_rate or 1)
        if last < length - SLACK / rate:
            raise DreamcliError(f"it was cut short after {last:.1f} of {length:.1f} s")


def read_video_record(path: Path) -> Record | None:
    """Read the record inside an MP4, WebM or Matroska; None if there is none.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read as a film.
    """
    with open_video(path) as container:
        texts = [text for key, text in container.metadata.items() if key.lower() == "comment"]
    try:
        return Record.from_json(texts[0]) if texts else None
    except ValueError:
        return None


def holds_film(path: Path) -> bool:
    """Whether a file that may carry a record is a video, by its suffix, or has several frames.

    Raises:
        DreamcliError: it can't be read as a picture.
    """
    if path.suffix.lower() in VIDEOS:
        return True
    try:
        with open_regular(path, MAX_RESULT) as file, open_result(file) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception as error:  # a decoder may raise anything for a broken file
        raise DreamcliError(f"{path}: not a readable picture ({first_line(error)})") from error


@contextmanager
def open_video(path: Path) -> Iterator[Any]:
    """Open a video as PyAV's container. Errors that are raised while it is open name the file, too.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read as a video.
    """
    av = needs("av")
    # from an open file, and only of these formats: playlists name other files, and FFmpeg would open them
    options = {"format_whitelist": _READ_FORMATS}
    try:
        with open_regular(path, MAX_VIDEO) as file:
            try:
                with av.open(file, options=options, metadata_errors="replace") as container:
                    yield container
            except (av.FFmpegError, OSError) as error:
                raise DreamcliError(f"not a readable video ({first_line(error)})") from error
    except DreamcliError as error:
        raise DreamcliError(f"{path}: {error}", error.hint) from error


def video_frames(container: Any) -> Iterator[Any]:
    """Decode the frames of a container's video track, with their alpha."""
    stream = container.streams.video[0]
    decoder = _ALPHA_DECODERS.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
    if decoder is None:
        yield from container.decode(stream)
        return
    context = needs("av").CodecContext.create(decoder, "r")
    for packet in container.demux(stream):
        yield from context.decode(packet)


def video_seconds(container: Any) -> float:
    """How long the pictures of a container last, which may be shorter than its sound; 0 if it doesn't say."""
    stream = container.streams.video[0]
    if stream.duration:
        return float(stream.duration * stream.time_base)
    with suppress(ValueError):  # Matroska's, of the form 00:00:10.500000000, if nobody edited it
        hours, minutes, seconds = map(float, stream.metadata.get("DURATION", "").split(":"))
        return 3600 * hours + 60 * minutes + seconds - float((stream.start_time or 0) * stream.time_base)
    return float(container.duration or 0) / float(needs("av").time_base)


def has_alpha(frame: Any) -> bool:
    """Whether the format of a PyAV frame has an alpha channel."""
    return any(component.is_alpha for component in frame.format.components)


def to_array(frame: Any) -> Pixels:
    """A PyAV frame in the RGB that players show, upright: ``(height, width, 3)`` uint8, or 4 with alpha.

    Raises:
        DreamcliError: its matrix between YUV and RGB isn't supported.
    """
    is_hd = frame.height >= _HD[0] or frame.width >= _HD[1]
    if frame.colorspace in _UNKNOWN and not frame.format.is_rgb:
        frame.colorspace = _BT709 if is_hd else _UNKNOWN[0]
    try:
        pixels = frame.to_ndarray(format="rgba" if has_alpha(frame) else "rgb24")
    except OSError as error:
        raise DreamcliError(
            f"its color matrix (FFmpeg's number {frame.colorspace}) isn't supported; convert it to BT.709 first"
        ) from error
    across, down = _display_matrix(frame)
    if is_on_its_side(frame):
        pixels, across, down = pixels.swapaxes(0, 1), down, across
    return np.ascontiguousarray(pixels[:: -1 if down[1] < 0 else 1, :: -1 if across[0] < 0 else 1])


def is_on_its_side(frame: Any) -> bool:
    """Whether a frame's rows are shown as columns, since a phone may be held in any way."""
    across, down = _display_matrix(frame)
    return abs(across[1]) + abs(down[0]) > abs(across[0]) + abs(down[1])


def _display_matrix(frame: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a step to the right, and one down, lead on the screen: (right, down) each."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return (1, 0), (0, 1)
    a, b, _, c, d, *_ = np.frombuffer(data, np.int32).tolist()
    return (a, b), (c, d)
