"""What is read of a browser's reports. The packets are laid out by hand from the RFCs."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.live.webrtc.rtcp import (
    Goodbye,
    MissingPackets,
    PictureLost,
    Reception,
    empty_report,
    goodbye,
    parse_feedback,
)

_REPORT = struct.pack(">BBHI", 0x81, 201, 7, 1) + struct.pack(">IIIIII", 77, 64 << 24 | 5, 0, 0, 0, 0)


def _feedback(kind: int, form: int, media: int, content: bytes = b"") -> bytes:
    return struct.pack(">BBHII", 0x80 | form, kind, 2 + len(content) // 4, 1, media) + content


def test_reports_of_reception() -> None:
    assert list(parse_feedback(_REPORT)) == [Reception(77, 0.25)]


def test_missing_packets_are_counted_from_the_first_over_the_end_of_the_numbers() -> None:
    packet = _feedback(205, 1, 77, struct.pack(">HHHH", 0xFFFE, 0b101, 9, 0))

    assert list(parse_feedback(packet)) == [MissingPackets(77, (0xFFFE, 0xFFFF, 1, 9))]


def test_both_ways_to_ask_for_a_keyframe() -> None:
    fir = _feedback(206, 4, 0, struct.pack(">IBBH", 77, 1, 0, 0))

    assert list(parse_feedback(_feedback(206, 1, 77) + fir)) == [PictureLost(77), PictureLost(77)]


def test_a_compound_packet_with_what_we_do_not_know() -> None:
    unknown = struct.pack(">BBHI", 0x80, 207, 1, 1)
    description = struct.pack(">BBHIBBH", 0x81, 202, 2, 1, 0, 0, 0)
    packet = _REPORT + description + unknown + _feedback(205, 15, 77, bytes(8)) + goodbye(1)

    assert list(parse_feedback(packet)) == [Reception(77, 0.25), Goodbye()]


def test_our_own_farewell() -> None:
    assert list(parse_feedback(empty_report(1) + goodbye(1, 2))) == [Goodbye()]


@given(st.binary(max_size=200))
def test_damaged_packets_are_left_out(noise: bytes) -> None:
    list(parse_feedback(noise))
    list(parse_feedback(_REPORT[: len(noise) % len(_REPORT)] + noise))
