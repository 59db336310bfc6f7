"""What is kept for RTSP viewers to come."""

import random

import pytest

from lightnvr.accounts.admission import Admission, Proof, ProofKind
from lightnvr.accounts.authentication import EVERYBODY
from lightnvr.live.audience import Viewer, Way, WayCounts
from lightnvr.live.rtp.frames import frame_of
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp_output import GOP_BYTES, RtpOutput, TimedFrame
from lightnvr.live.rtsp.relay import Relay, Watcher
from tests.unit.rtsp.test_rtp import Recorder

pytestmark = pytest.mark.anyio

_TRACKS = (Track("h264", 90_000),)
_ADMITTED = Admission(EVERYBODY, Proof(ProofKind.NONE, 0))
_PACKET = b"\x80\x60" + bytes(60_000)


def _watcher() -> tuple[Watcher, Recorder]:
    recorder = Recorder()
    return Watcher(recorder, Viewer(Way.RTSP, 1, False, _ADMITTED, WayCounts(), 0.0), _TRACKS), recorder


def _frame(number: int, *, keyframe: bool = False) -> TimedFrame:
    return TimedFrame(frame_of(0, [_PACKET] * 10, keyframe=keyframe), number * 6000, number / 15)


async def test_a_gop_without_end_is_not_kept() -> None:
    output = RtpOutput()
    output.tracks = _TRACKS
    relay = Relay(output, random.Random(1), lambda: None)
    relay.add(_watcher()[0])
    frames = GOP_BYTES // len(_frame(0).frame.data) + 2

    relay.frame(_frame(0, keyframe=True))
    relay.frame(_frame(1))
    early, seen_early = _watcher()
    relay.add(early)
    for number in range(2, frames):
        relay.frame(_frame(number))
    late, seen_late = _watcher()
    relay.add(late)
    relay.frame(_frame(frames, keyframe=True))
    after, seen_after = _watcher()
    relay.add(after)

    assert [batch.keyframe for batch in seen_early.batches[:2]] == [True, False]
    assert len(seen_late.batches) == 1
    assert [batch.keyframe for batch in seen_after.batches] == [True]
