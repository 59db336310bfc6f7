"""Faults in the timestamps of MPEG-TS and FLV, made in the finished bytes because no muxer would write them."""

from collections.abc import Callable
from dataclasses import dataclass

TS_PACKET = 188


@dataclass(frozen=True, slots=True)
class Stamps:
    """The times of a video frame: 90 kHz ticks in MPEG-TS, milliseconds in FLV. A pts of None is left out (TS only)."""

    pts: int | None
    dts: int
    ticks_per_second: int


Edit = Callable[[int, Stamps], Stamps]
"""Changes the times of the frame with this index, counted from the start of the connection."""


def missing_pts(every: int = 3) -> Edit:
    """Every so many frames have no time at all."""
    return lambda index, at: Stamps(None, at.dts, at.ticks_per_second) if index % every == every - 1 else at


def non_monotonic(every: int = 10, back: float = 0.5) -> Edit:
    """Every so many frames one claims to be `back` seconds older than it is."""

    def edit(index: int, at: Stamps) -> Stamps:
        return at if index % every != every - 1 else _moved(at, -back)

    return edit


def jumps(after: int, seconds: float) -> Edit:
    """From this frame on times are so many seconds later, or earlier with negative seconds."""
    return lambda index, at: at if index < after else _moved(at, seconds)


def wraps(after_seconds: float) -> Edit:
    """Times start so close to the end of their range (33 bits in MPEG-TS, 32 in FLV) that they wrap."""

    def edit(index: int, at: Stamps) -> Stamps:
        end = (1 << 33) / 90_000 if at.ticks_per_second == 90_000 else (1 << 32) / 1000
        return _moved(at, end - after_seconds)

    return edit


def _moved(at: Stamps, seconds: float) -> Stamps:
    ticks = int(seconds * at.ticks_per_second)
    return Stamps(None if at.pts is None else at.pts + ticks, at.dts + ticks, at.ticks_per_second)


class TsEditor:
    """Rewrites the PES headers of video in a transport stream (ISO/IEC 13818-1, section 2.4.3.7)."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._frames = 0
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        data = self._rest + data
        whole = len(data) - len(data) % TS_PACKET
        self._rest = data[whole:]
        return b"".join(self._packet(data[i : i + TS_PACKET]) for i in range(0, whole, TS_PACKET))

    def _packet(self, packet: bytes) -> bytes:
        has_adaptation, has_payload = packet[3] & 0x20, packet[3] & 0x10
        start = 5 + packet[4] if has_adaptation else 4
        header = packet[start : start + 19]
        if not (packet[1] & 0x40 and has_payload and header[:3] == b"\0\0\1" and header[3] & 0xF0 == 0xE0):
            return packet
        flags = header[7] & 0xC0
        if not flags:
            return packet
        pts = _ticks_of(header[9:14])
        dts = _ticks_of(header[14:19]) if flags == 0xC0 else pts
        changed = self._edit(self._frames, Stamps(pts, dts, 90_000))
        self._frames += 1
        body = bytearray(packet)
        if changed.pts is None:
            body[start + 7] &= 0x3F
            body[start + 9 : start + 9 + header[8]] = b"\xff" * header[8]
        else:
            body[start + 9 : start + 14] = _ticks_as(changed.pts, 3 if flags == 0xC0 else 2)
            if flags == 0xC0:
                body[start + 14 : start + 19] = _ticks_as(changed.dts, 1)
        return bytes(body)


class FlvEditor:
    """Rewrites the timestamps of video tags (Adobe Flash Video File Format Specification 10.1, annex E.4)."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._frames = 0
        self._rest = b""
        self._started = False

    def feed(self, data: bytes) -> bytes:
        self._rest += data
        done = bytearray()
        if not self._started and len(self._rest) >= 13:
            self._started = True
            done += self._take(13)
        while self._started and len(self._rest) >= 11:
            size = 11 + int.from_bytes(self._rest[1:4], "big") + 4
            if len(self._rest) < size:
                break
            done += self._tag(self._take(size))
        return bytes(done)

    def _take(self, size: int) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _tag(self, tag: bytes) -> bytes:
        is_frame = tag[0] == 9 and tag[12] == 1  # AVC NALU, not a sequence header
        if not is_frame:
            return tag
        dts = int.from_bytes(tag[7:8] + tag[4:7], "big")
        changed = self._edit(self._frames, Stamps(dts, dts, 1000))
        self._frames += 1
        stamp = (changed.dts & 0xFFFFFFFF).to_bytes(4, "big")
        return tag[:4] + stamp[1:] + stamp[:1] + tag[8:]


def _ticks_of(field: bytes) -> int:
    return (field[0] >> 1 & 7) << 30 | field[1] << 22 | (field[2] >> 1) << 15 | field[3] << 7 | field[4] >> 1


def _ticks_as(ticks: int, prefix: int) -> bytes:
    ticks &= (1 << 33) - 1
    parts = (prefix << 4 | ticks >> 29 & 0xE | 1, ticks >> 22 & 0xFF, ticks >> 14 & 0xFE | 1)
    return bytes((*parts, ticks >> 7 & 0xFF, ticks << 1 & 0xFE | 1))
