"""What one viewer gets of a stream, and what happens when the way there is bad."""

import itertools
import random
import struct
from collections.abc import Sequence

import pytest
from pylibsrtp import Policy, Session

from lightnvr.accounts.admission import Admission, Proof, ProofKind
from lightnvr.accounts.model import Role, User
from lightnvr.live.audience import Viewer, Way, WayCounts
from lightnvr.live.rtp.frames import frame_of
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp_output import TimedFrame
from lightnvr.live.webrtc.answer import AgreedMedia, Agreement
from lightnvr.live.webrtc.media import ViewerMedia
from lightnvr.live.webrtc.offer import OfferedCodec
from lightnvr.live.webrtc.rtcp import Goodbye, MissingPackets, PictureLost, Reception
from tests.rig.nvr import eventually

pytestmark = pytest.mark.anyio

_KEY = bytes(range(28))
_H264 = Track("h264", 90_000)
_STEP = 6000
_VIDEO, _AUDIO = 77, 88


def _session(kind: int) -> Session:
    policy = Policy(key=_KEY, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


def _codec(payload_type: int) -> OfferedCodec:
    return OfferedCodec(payload_type, "H264", 90_000, 1, {}, frozenset())


def _picture(number: int, *, keyframe: bool = False, packets: int = 1) -> TimedFrame:
    payload = struct.pack(">BBHIII", 0x80, 96, 0, 0, 0, number)
    return TimedFrame(frame_of(0, [payload] * packets, keyframe=keyframe), number * _STEP, number / 15)


class Watching:
    """A viewer's media, the GOP of the stream, and the browser that decrypts what was sent."""

    def __init__(self) -> None:
        admission = Admission(User(1, "a", Role.VIEWER, "", True, "", 0, 0, 0), Proof(ProofKind.NONE, 1))
        self.viewer = Viewer(Way.WEBRTC, 1, False, admission, WayCounts(), 0.0)
        self.gop: list[TimedFrame] = []
        self.sent: list[bytes] = []
        self.has_room = True
        self.media = ViewerMedia(
            Agreement(AgreedMedia("0", _codec(102), _VIDEO), AgreedMedia("1", _codec(111), _AUDIO)),
            _session(Policy.SSRC_ANY_OUTBOUND),
            self._send,
            self.viewer,
            lambda: self.gop,
            codec="h264",
            rng=random.Random(1),
        )
        self.media.tracks_changed((_H264,))

    def _send(self, packet: bytes) -> bool:
        if self.has_room:
            self.sent.append(packet)
        return self.has_room

    def film(self, numbers: Sequence[int], *, keyframes: Sequence[int] = (), packets: int = 1) -> None:
        """Let these pictures come from the camera."""
        for number in numbers:
            timed = _picture(number, keyframe=number in keyframes, packets=packets)
            if timed.frame.keyframe:
                self.gop = []
            self.gop.append(timed)
            self.media.frame(timed)

    def received(self) -> list[tuple[int, int, int]]:
        """Payload type, timestamp and number of each RTP packet so far, decrypted, and forget them."""
        packets, self.sent = self.sent, []
        browser = _session(Policy.SSRC_ANY_INBOUND)
        found = []
        for packet in packets:
            if not 192 <= packet[1] < 224:
                plain = browser.unprotect(packet)
                found.append((plain[1] & 0x7F, *struct.unpack_from(">I", plain, 4), int.from_bytes(plain[12:], "big")))
        return found

    def numbers(self) -> list[int]:
        """The numbers of the pictures received so far."""
        return [number for payload_type, _, number in self.received() if payload_type == 102]


async def test_who_comes_in_the_middle_of_a_gop_begins_with_its_keyframe() -> None:
    watching = Watching()
    watching.gop = [_picture(number, keyframe=number == 0) for number in range(30)]
    watching.media.begin()
    watching.film([30, 31])

    received = watching.received()
    assert [number for _, _, number in received] == list(range(32))
    steps = [(second[1] - first[1]) & 0xFFFFFFFF for first, second in itertools.pairwise(received)]
    assert all(step < 300 for step in steps[:29])
    assert steps[29:] == [_STEP, _STEP]


async def test_without_a_gop_the_viewer_waits_for_a_keyframe() -> None:
    watching = Watching()
    watching.media.begin()
    watching.film([1, 2])
    assert watching.numbers() == []

    watching.film([3, 4], keyframes=[3])

    assert watching.numbers() == [3, 4]
    assert watching.viewer.counts.dropped_packets == 2


async def test_a_lost_picture_is_answered_from_the_gop_and_not_by_the_camera() -> None:
    watching = Watching()
    watching.film(range(5), keyframes=[0])
    before = watching.received()

    watching.media.feedback(PictureLost(_VIDEO))
    watching.media.feedback(PictureLost(_VIDEO))
    watching.film([5])
    watching.film([6])

    again = watching.received()
    assert [number for _, _, number in again] == [0, 1, 2, 3, 4, 5, 6]
    assert all((timestamp - before[-1][1]) & 0xFFFFFFFF < 1 << 31 for _, timestamp, _ in again)
    assert again[-1][1] == (again[-2][1] + _STEP) & 0xFFFFFFFF


async def test_keyframes_are_not_sent_again_at_every_request() -> None:
    watching = Watching()
    watching.film(range(3), keyframes=[0])
    watching.media.feedback(PictureLost(_VIDEO))
    watching.film([3])
    watching.received()

    watching.media.feedback(PictureLost(_VIDEO))
    watching.film([4])

    assert watching.numbers() == [4]


async def test_missing_packets_are_sent_once_more() -> None:
    watching = Watching()
    watching.film(range(3), keyframes=[0])
    first, second, third = (packet for packet in watching.sent if not 192 <= packet[1] < 224)
    sequence = int.from_bytes(second[2:4], "big")
    watching.sent.clear()

    watching.media.feedback(MissingPackets(_VIDEO, (sequence, sequence + 100)))
    watching.media.feedback(MissingPackets(_AUDIO, (sequence,)))
    watching.media.feedback(MissingPackets(1234, (sequence,)))

    assert watching.sent == [second]
    assert first != third


async def test_where_much_gets_lost_the_rest_of_the_gop_is_left_out() -> None:
    watching = Watching()
    watching.film(range(3), keyframes=[0])
    for fraction in (0.5, 0.0, 0.5, 0.5):
        watching.media.feedback(Reception(_VIDEO, fraction))
    watching.received()

    watching.film([3, 4, 5, 6], keyframes=[5])

    assert watching.numbers() == [5, 6]
    assert watching.viewer.counts.dropped_packets == 2


async def test_a_camera_that_comes_back_goes_on_with_its_keyframe() -> None:
    watching = Watching()
    watching.film([0, 1], keyframes=[0])
    watching.media.tracks_changed(())
    watching.media.tracks_changed((_H264, Track("aac", 16_000)))
    watching.film([20, 21], keyframes=[20])

    assert watching.numbers() == [0, 1, 20, 21]
    assert not watching.media.over.is_set()


@pytest.mark.parametrize("tracks", [(Track("hevc", 90_000),), (Track("aac", 16_000),)])
async def test_another_codec_ends_it(tracks: tuple[Track, ...]) -> None:
    watching = Watching()
    watching.media.tracks_changed(tracks)

    assert watching.media.over.is_set()
    assert watching.media.reason == "The camera sends another codec now."


async def test_a_browser_that_leaves_ends_it() -> None:
    watching = Watching()
    watching.media.feedback(Goodbye())

    assert watching.media.over.is_set()


async def test_sound_goes_at_once_with_its_own_numbers() -> None:
    watching = Watching()
    sound = TimedFrame(frame_of(1, [struct.pack(">BBHIIB", 0x80, 0, 0, 0, 0, 9)], keyframe=False), 960, 0.02)
    watching.media.sound(sound)

    ((payload_type, _, content),) = watching.received()
    assert (payload_type, content) == (111, 9)


async def test_reports_relate_both_streams_to_the_wall_clock() -> None:
    watching = Watching()
    watching.film([0, 1], keyframes=[0])
    watching.media.sound(TimedFrame(frame_of(1, [bytes(12)], keyframe=False), 960, 0.02))

    reports = [packet for packet in watching.sent if packet[1] == 200]
    assert [int.from_bytes(report[4:8], "big") for report in reports] == [_VIDEO, _AUDIO]


async def test_a_whole_gop_leaves_in_steps_and_in_order() -> None:
    watching = Watching()
    watching.gop = [_picture(number, keyframe=number == 0, packets=4000) for number in range(3)]
    watching.media.begin()
    assert len(watching.sent) < 12_000

    watching.media.frame(_picture(3, packets=1))
    await eventually(lambda: len(watching.sent) >= 12_002, "everything is sent")

    browser = _session(Policy.SSRC_ANY_INBOUND)
    plain = [browser.unprotect(packet) for packet in watching.sent if not 192 <= packet[1] < 224]
    sequences = [int.from_bytes(packet[2:4], "big") for packet in plain]
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(sequences))
    assert [packet[-1] for packet in plain] == [0] * 4000 + [1] * 4000 + [2] * 4000 + [3]


async def test_what_the_system_has_no_room_for_waits() -> None:
    watching = Watching()
    watching.has_room = False
    watching.film([0, 1], keyframes=[0])
    assert watching.numbers() == []

    watching.has_room = True
    await eventually(lambda: len(watching.sent) >= 2, "both are sent")

    assert watching.numbers() == [0, 1]
