"""PyAV, which reads and writes films, if it is installed; and its frames as pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from dreamcli.errors import DreamcliError, first_line, needs

from .reading import Pixels

# FFmpeg's numbers for matrices between YUV and RGB
BT709 = 1
_UNKNOWN = (2, 3)  # unspecified, and reserved, which some cameras write
_HD = 720, 1280  # lines or columns from which players take an unspecified matrix to be BT.709, not BT.601
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own drop the alpha


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A film as PyAV's container.

    Raises:
        DreamcliError: PyAV isn't installed, or the file can't be read as a film.
    """
    av = needs("av")
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise DreamcliError(f"{path}: not a readable video ({first_line(error)})") from error


def decoded(container: Any) -> Iterator[Any]:
    """The frames of a container's video track, with their alpha."""
    stream = container.streams.video[0]
    decoder = _ALPHA_DECODERS.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
    if decoder is None:
        yield from container.decode(stream)
        return
    context = needs("av").CodecContext.create(decoder, "r")
    for packet in container.demux(stream):
        yield from context.decode(packet)


def has_alpha(frame: Any) -> bool:
    """Whether a frame's format has an alpha channel."""
    return any(component.is_alpha for component in frame.format.components)


def to_array(frame: Any) -> Pixels:
    """A frame in the RGB that players show, upright: ``(height, width, 3)`` uint8, or 4 with alpha.

    Raises:
        DreamcliError: its matrix between YUV and RGB isn't supported.
    """
    is_hd = frame.height >= _HD[0] or frame.width >= _HD[1]
    if frame.colorspace in _UNKNOWN and not frame.format.is_rgb:
        frame.colorspace = BT709 if is_hd else _UNKNOWN[0]
    try:
        pixels = frame.to_ndarray(format="rgba" if has_alpha(frame) else "rgb24")
    except OSError as error:
        raise DreamcliError(
            f"its color matrix (FFmpeg's number {frame.colorspace}) isn't supported; convert it to BT.709 first"
        ) from error
    return np.ascontiguousarray(_upright(frame, pixels))


def is_on_its_side(frame: Any) -> bool:
    """Whether a frame's rows are shown as columns."""
    across, down = _display_matrix(frame)
    return abs(across[1]) + abs(down[0]) > abs(across[0]) + abs(down[1])


def _upright(frame: Any, pixels: Pixels) -> Pixels:
    """Turn and mirror pixels as the display matrix says: a phone may have been held in any way."""
    across, down = _display_matrix(frame)
    if is_on_its_side(frame):
        pixels, across, down = pixels.swapaxes(0, 1), down, across
    return pixels[:: -1 if down[1] < 0 else 1, :: -1 if across[0] < 0 else 1]


def _display_matrix(frame: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a step to the right, and one down, lead on the screen: (right, down) each."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return (1, 0), (0, 1)
    a, b, _, c, d, *_ = np.frombuffer(data, np.int32).tolist()
    return (a, b), (c, d)


def picture_seconds(container: Any) -> float:
    """How long the pictures of a container last, which may be shorter than its sound; 0 if it doesn't say."""
    stream = container.streams.video[0]
    if stream.duration:
        return float(stream.duration * stream.time_base)
    with suppress(ValueError):  # Matroska's, of the form 00:00:10.500000000, if nobody edited it
        hours, minutes, seconds = map(float, stream.metadata.get("DURATION", "").split(":"))
        return 3600 * hours + 60 * minutes + seconds - float((stream.start_time or 0) * stream.time_base)
    return float(container.duration or 0) / float(needs("av").time_base)
