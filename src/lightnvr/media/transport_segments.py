"""Coded packets in, pieces of one MPEG transport stream out (ISO/IEC 13818-1)."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import av
from av.stream import Stream

from lightnvr.media.late import LateModule
from lightnvr.media.packets import MediaPacket, Track, coded_packet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LateModule("numpy")

TRANSPORT_STREAM_CODECS = frozenset(("h264", "hevc", "aac", "mp3"))
"""What players understand in a transport stream."""

_PACKET_BYTES = 188
_OPTIONS = {
    # Our times go in as they are, without the delay that FFmpeg adds for constant bit rates.
    "mpegts_copyts": "1",
    "avoid_negative_ts": "disabled",
    # Each sound packet by itself: gathered ones would be written after the cut that they belong before.
    "pes_payload_size": "0",
    # PAT, PMT and SDT once at the head of each piece.
    "pat_period": "3600",
    "sdt_period": "3600",
    # One microsecond: a track that falls silent must not hold back the others.
    "max_interleave_delta": "1",
}


class TransportStreamFailed(Exception):
    """FFmpeg refused the tracks or a packet."""


class TransportStreamWriter:
    """Writes the pieces of one transport stream, each with its tables at its head. Not thread-safe."""

    def __init__(self) -> None:
        self._counters: dict[int, int] = {}

    def write(self, tracks: Sequence[Track], packets: Sequence[MediaPacket], shifts: Mapping[int, int]) -> bytes:
        """Return one piece. `shifts` are added to all times, by track index, in the track's time base.

        Raises TransportStreamFailed.
        """
        written = io.BytesIO()
        try:
            with av.open(written, "w", format="mpegts", options=_OPTIONS) as container:
                streams: dict[int, Stream] = {}
                for track in tracks:
                    streams[track.index] = container.add_stream_from_template(track.template, opaque=True)
                    if track.extradata:
                        streams[track.index].codec_context.extradata = track.extradata
                container.start_encoding()
                for packet in packets:
                    stream = streams.get(packet.track.index)
                    if stream is None:
                        continue
                    shift = shifts[packet.track.index]
                    copy = coded_packet(packet.payload)
                    copy.stream = stream
                    copy.time_base = packet.track.time_base
                    copy.dts, copy.pts = packet.dts + shift, packet.pts + shift
                    copy.duration = packet.duration
                    copy.is_keyframe = packet.is_keyframe
                    container.mux_one(copy)
        except (av.FFmpegError, ValueError) as error:
            raise TransportStreamFailed(str(error)) from error
        return self._continued(written.getvalue())

    def _continued(self, piece: bytes) -> bytes:
        """Let the continuity counters go on where the last piece left them (section 2.4.3.3).

        Each piece comes from a muxer of its own, which is what makes its end exact; so its counters begin at zero.
        """
        packets: npt.NDArray[np.uint8] = np.frombuffer(bytearray(piece), np.uint8).reshape(-1, _PACKET_BYTES)
        pids = (packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2]
        has_payload = (packets[:, 3] & 0x10) != 0
        for pid in np.unique(pids):
            of_pid = pids == pid
            steps = np.cumsum(has_payload[of_pid])
            before = self._counters.get(int(pid), 15)
            packets[of_pid, 3] = (packets[of_pid, 3] & 0xF0) | ((before + steps) & 0x0F).astype(np.uint8)
            self._counters[int(pid)] = int((before + steps[-1]) & 0x0F)
        return packets.tobytes()
