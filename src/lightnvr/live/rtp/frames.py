"""RTP packets of whole frames, stamped once for all viewers, and RTCP sender reports.

RFC 3550; framed for interleaving as RFC 2326, section 10.12, says.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

RTP_HEADER_BYTES = 12
_FRAMING_BYTES = 4
_NTP_EPOCH_OFFSET = 2_208_988_800  # seconds from 1900 to 1970
_CNAME = b"lightnvr"


@dataclass(frozen=True, slots=True)
class RtpFrame:
    """The RTP packets of one frame of one track, framed for interleaving, with blank numbers still to be stamped.

    `data` holds for each packet `$`, channel 2 x track, length and the packet; `offsets` says where each packet
    begins. A clip that is looped keeps these and stamps copies of them.
    """

    track: int
    data: bytes
    offsets: tuple[int, ...]
    keyframe: bool

    @property
    def payload_octets(self) -> int:
        return len(self.data) - len(self.offsets) * (_FRAMING_BYTES + RTP_HEADER_BYTES)


@dataclass(frozen=True, slots=True)
class RtpBatch:
    """The RTP packets of one frame, ready to be sent to any number of viewers."""

    track: int
    data: bytes | bytearray
    offsets: tuple[int, ...]
    keyframe: bool

    def interleaved(self, channel: int) -> bytes | bytearray:
        """The bytes for a viewer that takes this track on the given interleaved channel."""
        if channel == 2 * self.track:
            return self.data
        data = bytearray(self.data)
        for offset in self.offsets:
            data[offset - 3] = channel
        return data

    def packets(self) -> list[memoryview]:
        """Each RTP packet by itself, for datagrams."""
        view = memoryview(self.data)
        ends = [offset - _FRAMING_BYTES for offset in self.offsets[1:]] + [len(self.data)]
        return [view[start:end] for start, end in zip(self.offsets, ends, strict=True)]


def frame_of(track: int, packets: Sequence[bytes], *, keyframe: bool) -> RtpFrame:
    """Frames the RTP packets of one frame for interleaving."""
    data = bytearray()
    offsets: list[int] = []
    for packet in packets:
        data += struct.pack(">BBH", 0x24, 2 * track, len(packet))
        offsets.append(len(data))
        data += packet
    return RtpFrame(track, bytes(data), tuple(offsets), keyframe)


class RtpSender:
    """One RTP stream: hands out sequence numbers and counts what its sender reports must tell."""

    def __init__(self, ssrc: int, first_sequence: int) -> None:
        self.ssrc = ssrc
        self.sequence = first_sequence & 0xFFFF
        self._packets = 0
        self._octets = 0

    def stamp(self, frame: RtpFrame, timestamp: int) -> RtpBatch:
        """A copy of the frame with sequence numbers, timestamp (clock ticks, taken modulo 2^32) and source."""
        data = bytearray(frame.data)
        sequence, ssrc, timestamp = self.sequence, self.ssrc, timestamp & 0xFFFFFFFF
        for offset in frame.offsets:
            struct.pack_into(">HII", data, offset + 2, sequence, timestamp, ssrc)
            sequence = (sequence + 1) & 0xFFFF
        self.sequence = sequence
        self._packets += len(frame.offsets)
        self._octets += frame.payload_octets
        return RtpBatch(frame.track, data, frame.offsets, frame.keyframe)

    def report(self, captured: float, timestamp: int) -> bytes:
        """A sender report with SDES: the frame of this timestamp was captured then (UTC, seconds since 1970)."""
        return sender_report(self.ssrc, captured, timestamp, packets=self._packets, octets=self._octets)

    def bye(self) -> bytes:
        """The packet that says that nothing more comes from this source; to be put behind a report."""
        return struct.pack(">BBHI", 0x81, 203, 1, self.ssrc)


def sender_report(ssrc: int, captured: float, timestamp: int, *, packets: int, octets: int) -> bytes:
    """A sender report with SDES (RFC 3550, sections 6.4.1 and 6.5).

    The frame of this timestamp was captured then (UTC, seconds since 1970). `packets` and `octets` of payload were sent
    so far.
    """
    seconds = int(captured)
    fraction = int((captured - seconds) * (1 << 32)) & 0xFFFFFFFF
    ntp = (seconds + _NTP_EPOCH_OFFSET) & 0xFFFFFFFF
    head = struct.pack(">BBHIIIIII", 0x80, 200, 6, ssrc, ntp, fraction, timestamp & 0xFFFFFFFF,
                       packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)  # fmt: skip
    item = struct.pack(">IBB", ssrc, 1, len(_CNAME)) + _CNAME + b"\0"
    item += bytes(-len(item) % 4)
    return head + struct.pack(">BBH", 0x81, 202, len(item) // 4) + item
