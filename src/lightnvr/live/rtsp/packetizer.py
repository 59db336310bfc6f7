"""Splits encoded frames into RTP packets.

Video goes through FFmpeg's `rtp` muxer, which knows the payload formats of H.264, H.265, AV1 and MJPEG in C. Audio
payloads are a header of a few bytes at most and are made here: FFmpeg's muxer holds back AAC frames to bundle them,
and stops the whole process with a division by zero on G.726 of unknown channel count.
"""

import struct
from fractions import Fraction
from typing import Protocol

import av

from lightnvr.live.rtsp.nal import length_size, to_annex_b
from lightnvr.live.rtsp.payload import Track, payload_format
from lightnvr.live.rtsp.rtp import RtpFrame, frame_of

MAX_PACKET_BYTES = 1400
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


class _PacketSink:
    """A file for FFmpeg in which each write is one packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def write(self, data: bytes) -> int:
        if data[1] not in _RTCP_TYPES:
            self.packets.append(bytes(data))
        return len(data)


class _VideoPacketizer:
    def __init__(self, track: Track, index: int) -> None:
        self._index = index
        self._payload_type = payload_format(track, index).payload_type
        self._sink = _PacketSink()
        options = {"packetsize": str(MAX_PACKET_BYTES), "strict": "experimental"}
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
        self._container.mux_one(packet)
        packets, self._sink.packets = self._sink.packets, []
        return frame_of(self._index, [self._with_payload_type(p) for p in packets], keyframe=keyframe)

    def _with_payload_type(self, packet: bytes) -> bytes:
        return packet[:1] + bytes([packet[1] & 0x80 | self._payload_type]) + packet[2:]


class _AudioPacketizer:
    def __init__(self, track: Track, index: int) -> None:
        self._track = track
        self._index = index
        self._payload_type = payload_format(track, index).payload_type

    def packetize(self, data: bytes, *, keyframe: bool = True) -> RtpFrame:
        if self._track.codec == "aac":
            payloads = self._aac(data)
        elif self._track.codec == "mp3":
            payloads = [b"\0\0\0\0" + data]  # RFC 2250, section 3.5: fragment offset 0
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
