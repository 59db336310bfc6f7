"""One RTP stream to one viewer: the stream's shared packets with numbers of its own, encrypted."""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from pylibsrtp import Session

from lightnvr.live.rtp.frames import RTP_HEADER_BYTES, RtpFrame, sender_report

_KEPT_PACKETS = 1000
"""How far back a packet can be sent again. SRTP refuses what is older than its replay window (see `dtls`)."""

_FRAMING_BYTES = 4
_EXTENSION_BIT = 0x10


@dataclass(frozen=True, slots=True)
class _Sent:
    """A frame, and the number of its first packet, not cut to 16 bits."""

    first: int
    timestamp: int
    frame: RtpFrame
    extension: bytes


class OutgoingStream:
    """Numbers and encrypts packets and remembers which frames they came from, so that lost ones are made once more.

    The frames are shared with all who watch; nothing is copied to remember them.
    """

    def __init__(
        self,
        srtp: Session,
        *,
        ssrc: int,
        payload_type: int,
        first_sequence: int,
        timestamp_offset: int,
    ) -> None:
        self._srtp = srtp
        self.ssrc = ssrc
        self._payload_type = payload_type
        self._next = first_sequence
        self._offset = timestamp_offset
        self._kept: deque[_Sent] = deque()
        self._kept_packets = 0
        self._packets = 0
        self._octets = 0

    def packets(self, frame: RtpFrame, timestamp: int, extension: bytes = b"") -> Iterator[bytes]:
        """Give the packets of a frame, ready to be sent. `timestamp` is not cut to 32 bits.

        `extension` is the header extension that each of them carries (RFC 8285), with its frame.

        Every packet has to be taken before those of another frame are asked for, unless the rest is given up.
        """
        count = len(frame.offsets)
        sent = _Sent(self._next, timestamp, frame, extension)
        self._keep(sent)
        for number in range(count):
            self._next += 1
            packet = self._packet(sent, number)
            self._packets += 1
            self._octets += len(packet) - RTP_HEADER_BYTES
            yield packet

    def again(self, sequence: int) -> bytes | None:
        """Return a packet once more by its 16 bits of sequence number; None when it is too old or was never sent."""
        wanted = self._next - 1 - ((self._next - 1 - sequence) & 0xFFFF)
        for sent in reversed(self._kept):
            number = wanted - sent.first
            if number >= 0:
                return self._packet(sent, number) if number < len(sent.frame.offsets) else None
        return None

    def report(self, captured: float, timestamp: int) -> bytes:
        """Return an encrypted sender report: what has this timestamp was captured then (UTC, seconds since 1970)."""
        plain = sender_report(self.ssrc, captured, timestamp + self._offset, packets=self._packets, octets=self._octets)
        return self._srtp.protect_rtcp(plain)

    def _keep(self, sent: _Sent) -> None:
        self._kept.append(sent)
        self._kept_packets += len(sent.frame.offsets)
        while self._kept_packets > _KEPT_PACKETS and len(self._kept) > 1:
            self._kept_packets -= len(self._kept.popleft().frame.offsets)

    def _packet(self, sent: _Sent, number: int) -> bytes:
        frame = sent.frame
        framed, offsets = frame.data, frame.offsets
        at = offsets[number]
        end = offsets[number + 1] - _FRAMING_BYTES if number + 1 < len(offsets) else len(framed)
        header = struct.pack(
            ">BBHII",
            0x80 | _EXTENSION_BIT if sent.extension else 0x80,
            framed[at + 1] & 0x80 | self._payload_type,
            (sent.first + number) & 0xFFFF,
            (sent.timestamp + self._offset) & 0xFFFFFFFF,
            self.ssrc,
        )
        return self._srtp.protect(header + sent.extension + framed[at + RTP_HEADER_BYTES : end])
