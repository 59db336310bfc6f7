"""The sequence header of AV1 (AV1 Bitstream & Decoding Process Specification 1.0.0, sections 5.3 to 5.5)."""

from collections.abc import Iterator
from dataclasses import dataclass

_SEQUENCE_HEADER = 1
_TEMPORAL_DELIMITER = 2
_AV1C_MARKER = 0x81
_AV1C_BYTES = 4
_MOST_HEADER_BYTES = 1024


def sequence_header(content: bytes) -> bytes:
    """Return the sequence header at the head of a temporal unit, as a unit (OBU) of its own; empty without one.

    The configuration record of MP4 and FLV (`av1C`) is understood too.
    """
    if len(content) > _AV1C_BYTES and content[0] == _AV1C_MARKER:
        content = content[_AV1C_BYTES:]
    for unit in _units(content[:_MOST_HEADER_BYTES]):
        if unit.kind == _SEQUENCE_HEADER:
            return unit.whole
        if unit.kind != _TEMPORAL_DELIMITER:
            break
    return b""


def frame_size(header: bytes) -> tuple[int, int]:
    """Return the largest width and height, in pixels, that a sequence header allows; (0, 0) when it is cut off."""
    payload = next((unit.payload for unit in _units(header)), b"")
    try:
        return _frame_size(_Bits(payload))
    except EOFError:
        return 0, 0


@dataclass(frozen=True, slots=True)
class _Unit:
    kind: int
    whole: bytes
    payload: bytes


def _units(content: bytes) -> Iterator[_Unit]:
    """Yield the units that say their size, up to the first that does not."""
    at = 0
    while at < len(content):
        head = content[at]
        start = at + (2 if head & 0x04 else 1)
        if head & 0x80 or not head & 0x02:
            return
        size = shift = 0
        while True:
            if start >= len(content) or shift > 28:
                return
            byte = content[start]
            size |= (byte & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if not byte & 0x80:
                break
        end = start + size
        yield _Unit(head >> 3 & 0x0F, content[at:end], content[start:end])
        at = end


class _Bits:
    def __init__(self, content: bytes) -> None:
        self._value = int.from_bytes(content, "big")
        self._left = 8 * len(content)

    def take(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & (1 << count) - 1


def _frame_size(bits: _Bits) -> tuple[int, int]:
    bits.take(4)  # seq_profile, still_picture
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        delay_bits = _timing(bits)
        _operating_points(bits, delay_bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _timing(bits: _Bits) -> int:
    """Return how many bits the delays of the decoder model have, 0 without one."""
    if not bits.take(1):  # timing_info_present_flag
        return 0
    bits.take(64)
    if bits.take(1):  # equal_picture_interval
        zeros = 0
        while not bits.take(1):
            zeros += 1
        bits.take(min(zeros, 32))
    if not bits.take(1):  # decoder_model_info_present_flag
        return 0
    delay_bits = bits.take(5) + 1
    bits.take(32 + 5 + 5)
    return delay_bits


def _operating_points(bits: _Bits, delay_bits: int) -> None:
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:  # seq_level_idx
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)
