"""One viewer's stream of packets, as its browser decrypts it."""

import struct

import pytest
from pylibsrtp import Policy, Session

from lightnvr.live.rtp.frames import RtpFrame, frame_of
from lightnvr.live.rtp_output import TimedFrame
from lightnvr.live.webrtc.catching_up import AS_USUAL, AT_ONCE, PlayoutDelay, squeezed
from lightnvr.live.webrtc.outgoing import OutgoingStream

_KEY = bytes(range(28))


def _session(kind: int) -> Session:
    policy = Policy(key=_KEY, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


def _stream(first_sequence: int = 100) -> OutgoingStream:
    return OutgoingStream(
        _session(Policy.SSRC_ANY_OUTBOUND),
        ssrc=77,
        payload_type=102,
        first_sequence=first_sequence,
        timestamp_offset=0xFFFFFF00,
    )


def _frame(*payloads: bytes, keyframe: bool = False) -> RtpFrame:
    headers = [struct.pack(">BBHII", 0x80, 96, 0, 0, 0) for _ in payloads[1:]]
    headers.append(struct.pack(">BBHII", 0x80, 0x80 | 96, 0, 0, 0))
    return frame_of(0, [header + payload for header, payload in zip(headers, payloads, strict=True)], keyframe=keyframe)


def _timed(timestamp: int) -> TimedFrame:
    return TimedFrame(_frame(b"x"), timestamp, 0.0)


def test_the_browser_decrypts_our_packets_with_our_numbers() -> None:
    browser = _session(Policy.SSRC_ANY_INBOUND)
    packets = [browser.unprotect(packet) for packet in _stream().packets(_frame(b"one", b"two"), 0x200)]

    assert [struct.unpack(">BBHII", packet[:12]) for packet in packets] == [
        (0x80, 102, 100, 0x100, 77),
        (0x80, 0x80 | 102, 101, 0x100, 77),
    ]
    assert [packet[12:] for packet in packets] == [b"one", b"two"]


def test_a_packet_that_got_lost_is_sent_again_byte_by_byte() -> None:
    stream = _stream(0xFFFE)
    sent = [packet for at in range(3) for packet in stream.packets(_frame(b"a", bytes([at])), at * 3000)]

    assert [stream.again(sequence) for sequence in (0xFFFE, 0xFFFF, 0, 1, 2, 3)] == sent
    assert stream.again(4) is None
    assert stream.again(0xFFFD) is None


def test_packets_of_a_frame_that_was_given_up_are_not_mixed_with_those_after_it() -> None:
    stream = _stream()
    begun = stream.packets(_frame(b"a", b"b", b"c"), 0)
    next(begun)
    after = list(stream.packets(_frame(b"d", b"e"), 3000))

    assert [stream.again(101), stream.again(102)] == after


def test_what_is_remembered_is_bounded() -> None:
    stream = _stream(0)
    for at in range(3000):
        list(stream.packets(_frame(b"a"), at))

    assert stream.again(2999) is not None
    assert stream.again(2001) is not None
    assert stream.again(1500) is None


def test_sender_reports_tell_what_was_sent() -> None:
    stream = _stream()
    list(stream.packets(_frame(b"abc", b"de"), 0))
    report = _session(Policy.SSRC_ANY_INBOUND).unprotect_rtcp(stream.report(10.5, 0x100))

    ssrc, seconds, fraction, timestamp, packets, _ = struct.unpack_from(">IIIIII", report, 4)
    assert (ssrc, seconds - 2_208_988_800, fraction, timestamp, packets) == (77, 10, 1 << 31, 0, 2)


@pytest.mark.parametrize(("delay", "last"), [(AT_ONCE, b"\x52\0\0\0"), (AS_USUAL, b"\x52\x00\x0f\xff")])
def test_keyframes_say_how_long_pictures_may_be_held_back(delay: tuple[int, int], last: bytes) -> None:
    stream = _stream()
    extension = PlayoutDelay(5).extension(delay)
    (packet,) = stream.packets(_frame(b"key", keyframe=True), 0, extension)

    plain = _session(Policy.SSRC_ANY_INBOUND).unprotect(packet)
    assert plain[0] == 0x90
    assert plain[12:] == b"\xbe\xde\x00\x01" + last + b"key"
    assert stream.again(100) == packet


def test_a_browser_that_does_not_know_the_extension_gets_none() -> None:
    assert PlayoutDelay(0).extension(AT_ONCE) == b""


def test_the_gop_is_squeezed_right_before_the_present() -> None:
    # As with B-frames: the order of sending is not that of showing.
    pictures = [_timed(timestamp) for timestamp in (0, 9000, 3000, 6000, 360_000)]
    timestamps = squeezed(pictures, None)

    assert timestamps[-1] == 360_000
    assert timestamps[-1] - timestamps[0] <= 90_000 / 8
    assert sorted(timestamps) == [timestamps[i] for i in (0, 2, 3, 1, 4)]
    assert len(set(timestamps)) == 5


def test_a_gop_that_is_sent_again_comes_after_all_that_was_sent() -> None:
    pictures = [_timed(at * 3000) for at in range(301)]
    timestamps = squeezed(pictures, after=299 * 3000)

    assert timestamps[0] > 299 * 3000
    assert timestamps[-1] == 300 * 3000
    assert sorted(set(timestamps)) == timestamps
