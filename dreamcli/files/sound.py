"""The sound of a video, on its way into the film that is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dreamcli.errors import needs

from .pyav import opened

# by a film's suffix: what its container takes as it is (empty for anything), and what the rest is encoded as
_TAKEN = {".mp4": {"aac", "mp3", "ac3", "eac3", "alac"}, ".webm": {"opus", "vorbis"}, ".mkv": frozenset()}
_ENCODED = {".mp4": "aac", ".webm": "libopus", ".mkv": "flac"}
USUAL_RATE = 48_000  # samples per second, and all that Opus has
AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


class Sound:
    """The first sound track of a video, copied into a film's container, or re-encoded where that can't hold it.

    Args:
        source: the video.
        container: PyAV's, to which only pictures have been added.
        suffix: of the film.
    """

    def __init__(self, source: Path, container: Any, suffix: str) -> None:
        self._source, self._container = source, container
        self._waiting: Any = None
        self._packets: Iterator[Any] = iter(())
        with opened(source) as video:
            if not video.streams.audio:
                return
            track = video.streams.audio[0]
            taken = _TAKEN[suffix]
            # by its standard's name: FFmpeg's decoder of MP3 is called "mp3float"
            self._is_copied = not taken or track.codec_context.codec.canonical_name in taken
            if self._is_copied:
                try:
                    self._stream = container.add_stream_from_template(track)
                except ValueError:  # Matroska takes nearly anything, but not A-law
                    self._is_copied = False
            rate, is_mono = track.codec_context.sample_rate, track.codec_context.channels == 1
        if not self._is_copied:
            # another rate is resampled by PyAV
            rate = rate if _ENCODED[suffix] != "libopus" and rate in AAC_RATES else USUAL_RATE
            self._stream = container.add_stream(_ENCODED[suffix], rate=rate, layout="mono" if is_mono else "stereo")
        self._packets = self._copied() if self._is_copied else self._encoded()
        self._waiting = next(self._packets, None)

    def mux_until(self, second: float) -> None:
        """Put into the film what is heard before this second."""
        while self._waiting is not None and float(self._waiting.pts * self._waiting.time_base) < second:
            self._container.mux(self._waiting)
            self._waiting = next(self._packets, None)

    def _copied(self) -> Iterator[Any]:
        with opened(self._source) as video:
            track = video.streams.audio[0]
            for packet in self._readable(video.demux(track)):
                if packet.pts is None or packet.dts is None:
                    continue
                shift = round(_start(video) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, self._stream
                if packet.pts >= 0:
                    yield packet

    def _encoded(self) -> Iterator[Any]:
        with opened(self._source) as video:
            for frame in self._readable(video.decode(video.streams.audio[0])):
                frame.pts -= round(_start(video) / frame.time_base)
                if frame.pts >= 0:
                    yield from self._stream.encode(frame)
        yield from self._stream.encode(None)

    def _readable(self, parts: Iterator[Any]) -> Iterator[Any]:
        """What comes before the first part that is broken."""
        try:
            yield from parts
        except (needs("av").FFmpegError, EOFError):
            return


def _start(video: Any) -> float:
    """The second at which the picture begins."""
    stream = video.streams.video[0]
    return float((stream.start_time or 0) * stream.time_base)
