"""Coded packets in, an MPEG transport stream out (ISO/IEC 13818-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import OutputContainer
from av.stream import Stream

from lightnvr.media.mp4.muxer import MuxFailed, add_track
from lightnvr.media.packets import MediaPacket, Track, coded_packet

_IO_BUFFER_BYTES = 1024 * 1024
_TABLE_PIDS = (0x0000, 0x0011)
"""PAT and SDT; FFmpeg repeats them, when it is not told to do so by the clock, before each keyframe."""

_TABLE_VERSIONS = 32
_CODECS = frozenset(("h264", "hevc", "aac", "opus", "mp3", "mp3float"))


@dataclass(frozen=True, slots=True)
class TsPart:
    """Whole packets of 188 bytes; `begins` when they are tables and a keyframe, which a player can begin with."""

    content: bytes
    begins: bool


class TransportStreamMuxer:
    """Muxes one presentation of a live transport stream. Not thread-safe.

    With sound FFmpeg holds each packet back until the next one has come, to order them.
    """

    def __init__(self, tracks: Sequence[Track], shift: Fraction, *, number: int = 0) -> None:
        """Times of the packets are moved by `shift` seconds. Of several in one stream each has another `number`.

        Raises MuxFailed when a track does not fit into a transport stream; sound that does not is left out.
        """
        for track in tracks:
            if track.kind == "video" and track.codec not in _CODECS:
                raise MuxFailed(f"MPEG-TS cannot carry {track.codec}")
        self._shift = shift
        self._writer = _Writer()
        self._container: OutputContainer = av.open(
            self._writer,
            "w",
            format="mpegts",
            buffer_size=_IO_BUFFER_BYTES,
            options={
                "mpegts_flags": "initial_discontinuity" if number else "0",
                "tables_version": str(number % _TABLE_VERSIONS),
                "pat_period": "1000000",
                "sdt_period": "1000000",
                "pes_payload_size": "0",
                "avoid_negative_ts": "disabled",
                "flush_packets": "1",
                # One microsecond: a track that falls silent must not hold back the others.
                "max_interleave_delta": "1",
            },
        )
        try:
            self._outputs = {
                track.index: _Output(add_track(self._container, track), int(shift / track.time_base))
                for track in tracks
                if track.codec in _CODECS
            }
            self._container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            raise MuxFailed(str(error)) from error

    def mux(self, packet: MediaPacket) -> None:
        """Add a packet; one of before the beginning of time is left out. Raises MuxFailed."""
        output = self._outputs.get(packet.track.index)
        if output is None or packet.dts + output.shift < 0:
            return
        copy = coded_packet(packet.payload)
        copy.stream = output.stream
        copy.dts = packet.dts + output.shift
        copy.pts = packet.pts + output.shift
        copy.duration = packet.duration
        copy.is_keyframe = packet.is_keyframe
        copy.time_base = packet.track.time_base
        try:
            self._container.mux_one(copy)
        except av.FFmpegError as error:
            raise MuxFailed(str(error)) from error

    def take_parts(self) -> list[TsPart]:
        """Return what was made since the last call."""
        return self._writer.take()

    def finish(self) -> list[TsPart]:
        """End it and return the rest. Raises MuxFailed."""
        try:
            self._container.close()
        except av.FFmpegError as error:
            raise MuxFailed(str(error)) from error
        return self._writer.take()


@dataclass(slots=True)
class _Output:
    stream: Stream
    shift: int


class _Writer:
    """The file object FFmpeg writes to, once for each packet."""

    def __init__(self) -> None:
        self._parts: list[TsPart] = []

    def write(self, written: bytes) -> int:
        """Take bytes from FFmpeg."""
        begins = (written[1] & 0x1F) << 8 | written[2] in _TABLE_PIDS
        if begins or not self._parts:
            self._parts.append(TsPart(bytes(written), begins))
        else:
            latest = self._parts[-1]
            self._parts[-1] = TsPart(latest.content + written, latest.begins)
        return len(written)

    def take(self) -> list[TsPart]:
        """Return and forget the parts."""
        parts, self._parts = self._parts, []
        return parts
