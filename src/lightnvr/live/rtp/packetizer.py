"""Splits encoded frames into RTP packets.

Video goes through FFmpeg's `rtp` muxer, which knows the payload formats of H.264, H.265, AV1 and MJPEG in C. Audio
payloads are a header of a few bytes at most and are made here: FFmpeg's muxer holds back AAC frames to bundle them,
and stops the whole process with a division by zero on G.726 of unknown channel count.
"""

import struct
from fractions import Fraction
from typing import Protocol

import av

from lightnvr.live.rtp.frames import RtpFrame, frame_of
from lightnvr.live.rtp.nal import length_size, to_annex_b
from lightnvr.live.rtp.payload import Track, payload_format
from lightnvr.live.rtp.restart_markers import RESTART_HEADER_BYTES, restart_interval, with_restart_header

MAX_PACKET_BYTES = 1200
"""Of an RTP packet with its header: fits any path after WebRTC has encrypted it (RFC 8831, section 5)."""

_RTCP_TYPES = range(200, 205)
_VIDEO_CLOCK = Fraction(1, 90_000)


class Packetizer(Protocol):
    """Makes RTP packets of the frames of one track."""

    def packetize(self, data: bytes, *, keyframe: bool = True) -> RtpFrame:
        """The packets of one encoded frame, in decoding order, with blank sequence, timestamp and source."""
        ...


def packetizer_for(track: Track, index: int) -> Packetizer:
    """The packetizer for the track that stands at `index` in its presentation."""
    return _VideoPacketizer(track, index) if track.is_video else _AudioPacketizer(track, index)


class _FrameSink:
    """A file for FFmpeg in which each write is one packet. It gathers those of a frame."""

    def __init__(self, track: int, payload_type: int) -> None:
        self._track = track
        self._payload_type = payload_type
        self._framed = bytearray()
        self._offsets: list[int] = []
        self.restart_interval = 0
        """That of the JPEG picture that is being written; 0 for all others."""

    def write(self, packet: bytes) -> int:
        """Take a packet from FFmpeg."""
        size = len(packet)
        if packet[1] in _RTCP_TYPES:
            return size
        if self.restart_interval:
            packet = with_restart_header(packet, self.restart_interval)
        self._framed += struct.pack(">BBH", 0x24, 2 * self._track, len(packet))
        at = len(self._framed)
        self._offsets.append(at)
        self._framed += packet
        self._framed[at + 1] = packet[1] & 0x80 | self._payload_type
        return size

    def take(self, *, keyframe: bool) -> RtpFrame:
        """Return the packets since the last call as one frame."""
        frame = RtpFrame(self._track, bytes(self._framed), tuple(self._offsets), keyframe)
        self._framed.clear()
        self._offsets.clear()
        return frame


class _VideoPacketizer:
    def __init__(self, track: Track, index: int) -> None:
        self._sink = _FrameSink(index, payload_format(track, index).payload_type)
        self._is_jpeg = track.codec == "mjpeg"
        room = MAX_PACKET_BYTES - RESTART_HEADER_BYTES if self._is_jpeg else MAX_PACKET_BYTES
        options = {"packetsize": str(room), "strict": "experimental"}
        self._container = av.open(self._sink, "w", format="rtp", options=options)
        self._stream = self._container.add_mux_stream(
            track.codec, width=track.width, height=track.height, time_base=_VIDEO_CLOCK
        )
        self._length_size = length_size(track.codec, track.parameters)
        self._frames = 0

    def packetize(self, data: bytes, *, keyframe: bool = True) -> RtpFrame:
        # The muxer is told no parameters, so it takes units only with start codes.
        packet = av.Packet(to_annex_b(data, self._length_size) if self._length_size else data)
        packet.stream = self._stream
        packet.time_base = _VIDEO_CLOCK
        packet.pts = packet.dts = self._frames
        packet.is_keyframe = keyframe
        self._frames += 1
        if self._is_jpeg:
            self._sink.restart_interval = restart_interval(data)
        self._container.mux_one(packet)
        return self._sink.take(keyframe=keyframe)


class _AudioPacketizer:
    def __init__(self, track: Track, index: int) -> None:
        self._track = track
        self._index = index
        self._payload_type = payload_format(track, index).payload_type

    def packetize(self, data: bytes, *, keyframe: bool = True) -> RtpFrame:
        if self._track.codec == "aac":
            payloads = self._aac(data)
        elif self._track.codec == "mp3":
            payloads = self._mpeg(data)
        else:
            payloads = [data]
        packets = [self._header(last=i == len(payloads) - 1) + payload for i, payload in enumerate(payloads)]
        return frame_of(self._index, packets, keyframe=False)

    def _header(self, *, last: bool) -> bytes:
        # RFC 3551: the marker of sampled audio means the start of speech after silence, which a camera never has.
        marker = 0x80 if last and self._track.codec == "aac" else 0
        return struct.pack(">BBHII", 0x80, marker | self._payload_type, 0, 0, 0)

    @staticmethod
    def _aac(data: bytes) -> list[bytes]:
        # RFC 3640, section 3.3.6, AAC-hbr: one AU header of 16 bits (13 bits size of the whole unit, 3 bits index).
        header = struct.pack(">HH", 16, (len(data) & 0x1FFF) << 3)
        room = MAX_PACKET_BYTES - 16
        return [header + data[i : i + room] for i in range(0, len(data), room)]

    @staticmethod
    def _mpeg(data: bytes) -> list[bytes]:
        # RFC 2250, section 3.5: where in its audio frame the packet begins.
        room = MAX_PACKET_BYTES - 16
        return [struct.pack(">HH", 0, i) + data[i : i + room] for i in range(0, len(data), room)]
