"""Films on disk, in any format: GIF, WebP, and what `video` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import accumulate, chain, pairwise, repeat
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageSequence

from dreamcli.errors import DreamcliError, first_line

from .atomic import write_whole
from .formats import ANIMATED, VIDEOS
from .reading import Pixels
from .record import Record, exif_with, open_result
from .video import read_video, write_video

WEBP_QUALITY = 85
TICKS = {"GIF": 10, "WEBP": 1}  # milliseconds, of which a frame lasts a whole number
# a GIF's pixels are seen from this alpha on; the color of the others, the last of its palette; and how a frame is
# followed by one that one can see through: it is cleared away
_SEEN, _CLEAR, _TO_BACKGROUND = 128, 255, 2
_WEBP_FLAGS, _WEBP_ALPHA = 20, 0x10  # a place in its header, and a bit there
MAX_GIF_FPS = 50  # browsers show a GIF that is quicker at 10 frames a second


@dataclass(frozen=True)
class Pace:
    """How quickly a film goes on.

    Attributes:
        fps: frames a second.
        durations: how many milliseconds each frame is shown instead, in whole numbers of frames of a video; empty for
            an even pace.
        plays: how often a GIF or WebP is shown; 0 for forever.
    """

    fps: float | Fraction
    durations: Sequence[int] = ()
    plays: int = 0


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
        frames: ``(height, width, 3)`` uint8, or 4 with alpha, all of one shape; with even sides for MP4 and WebM,
            where transparency becomes white.
        pace: how quickly it goes on; a number is frames a second.
        pause: how many seconds the last frame is shown; 0 for as long as the others.
        sound: a video whose sound it gets, if there is any, and if this is no GIF or WebP.

    Raises:
        DreamcliError: PyAV is needed and isn't installed, the folder can't be written to, or the disk is full.
    """
    pace = pace if isinstance(pace, Pace) else Pace(pace)
    if path.suffix.lower() in VIDEOS:
        write_video(path, _held(frames, pace, pause), pace.fps, record, sound)
        return
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
    """How Pillow says how often a GIF or WebP is shown: a GIF without a word, once; with one, how often again."""
    if kind != "GIF":
        return {"loop": plays}
    return {} if plays == 1 else {"loop": max(0, plays - 1)}


def _gif_frame(pixels: Pixels) -> Image.Image:
    """A frame of a GIF; with alpha, in which each pixel is seen or isn't, it gets its own palette here."""
    if pixels.shape[2] == 3:
        return Image.fromarray(pixels)
    hidden = pixels[..., 3] < _SEEN
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3])).quantize(_CLEAR)
    image.paste(_CLEAR, mask=Image.fromarray(hidden))
    image.info["transparency"] = _CLEAR
    return image


def _held(frames: Iterable[Pixels], pace: Pace, pause: float) -> Iterator[Pixels]:
    """The frames, each as often as it is shown at an even pace; the last one for the pause, if there is one."""
    times = chain(_times(pace), repeat(1)) if pace.durations else repeat(1)
    last: Pixels | None = None
    for last, often in zip(frames, times, strict=False):
        yield from repeat(last, often)
    if last is not None:
        yield from repeat(last, max(0, round(pause * pace.fps) - 1))


def _times(pace: Pace) -> Iterator[int]:
    """How often each frame is shown at an even pace; at least once."""
    shown = 0
    for end in accumulate(pace.durations):
        times = max(1, round(end * pace.fps / 1000) - shown)
        shown += times
        yield times


def read_film(path: Path) -> Iterator[Pixels]:
    """Read the frames of a film: ``(height, width, 3)`` uint8 each, or 4 with alpha.

    Raises:
        DreamcliError: it can't be read to its end, or PyAV is needed and isn't installed.
    """
    if path.suffix.lower() in VIDEOS:
        yield from read_video(path)
        return
    try:
        with open(path, "rb") as file, open_result(file) as image:
            for frame in ImageSequence.Iterator(image):
                yield np.asarray(frame.convert("RGBA" if frame.has_transparency_data else "RGB"))
    except Exception as error:  # a decoder may raise anything for a broken file
        raise DreamcliError(f"{path}: not a readable film ({first_line(error)})") from error


def is_animation(path: Path) -> bool:
    """Whether a picture that may carry a record has several frames."""
    if path.suffix.lower() in VIDEOS:
        return True
    with open(path, "rb") as file, open_result(file) as image:
        return bool(getattr(image, "is_animated", False))


def reduced(pixels: Pixels, longest: int) -> Pixels:
    """Reduce a picture, ``(height, width, 3)`` uint8, to at most ``longest`` pixels on the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def resized(pixels: Pixels, size: tuple[int, int], resampling: Image.Resampling = Image.Resampling.LANCZOS) -> Pixels:
    """Resize a picture to (width, height)."""
    return np.asarray(Image.fromarray(pixels).resize(size, resampling))
