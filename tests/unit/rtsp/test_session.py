"""A viewer that reads slowly loses its own packets, then its connection."""

import asyncio
from collections.abc import Iterable

import pytest

from lightnvr.live.rtp.frames import RtpBatch, frame_of
from lightnvr.live.rtsp.mount import Presentation, Viewer
from lightnvr.live.rtsp.session import Channels, Session

pytestmark = pytest.mark.anyio

_LIMIT = 1000


class SlowPipe(asyncio.WriteTransport):
    """A connection whose other end reads when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[bytes] = []
        self.aborted = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.waiting))

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.aborted.set()


class Nothing:
    """A mount."""

    async def describe(self) -> Presentation:
        return Presentation("", ())

    def attach(self, viewer: Viewer) -> None:
        pass

    def detach(self, viewer: Viewer) -> None:
        pass


def _session(pipe: SlowPipe, dropped: list[bool], *, max_lag: float) -> Session:
    session = Session(
        "1",
        Nothing(),
        "/",
        connection=pipe,
        max_backlog=_LIMIT,
        max_lag=max_lag,
        on_dropped=lambda: dropped.append(True),
        clock=lambda: 0.0,
    )
    session.tracks[0] = Channels(0, 1)
    session.play()
    return session


def _frames(kinds: Iterable[bool]) -> list[RtpBatch]:
    found = []
    for keyframe in kinds:
        frame = frame_of(0, [b"\x80\x60" + bytes(300)], keyframe=keyframe)
        found.append(RtpBatch(0, frame.data, frame.offsets, keyframe))
    return found


async def test_it_goes_on_with_a_keyframe_when_half_has_been_read() -> None:
    pipe, dropped = SlowPipe(), list[bool]()
    session = _session(pipe, dropped, max_lag=60)
    for batch in _frames([True, *[False] * 7]):
        session.deliver(batch)
    assert (len(pipe.waiting), session.lost_packets) == (4, 4)
    for batch in _frames([True]):
        session.deliver(batch)
    assert session.lost_packets == 5
    del pipe.waiting[:3]
    for batch in _frames([False, True, False]):
        session.deliver(batch)
    assert (len(pipe.waiting), session.lost_packets) == (3, 6)
    assert session.sent_bytes == 6 * 306
    session.end()
    assert not dropped


async def test_one_that_does_not_read_at_all_is_cut() -> None:
    pipe, dropped = SlowPipe(), list[bool]()
    session = _session(pipe, dropped, max_lag=0.01)
    for batch in _frames([True, *[False] * 7]):
        session.deliver(batch)
    await pipe.aborted.wait()
    assert dropped == [True]
    session.end()


async def test_the_gop_at_the_beginning_may_be_larger_than_what_may_wait() -> None:
    pipe, dropped = SlowPipe(), list[bool]()
    session = _session(pipe, dropped, max_lag=60)
    session.catch_up(_frames([True, *[False] * 9]))
    for batch in _frames([False]):
        session.deliver(batch)
    assert (len(pipe.waiting), session.lost_packets) == (11, 0)
    pipe.waiting.clear()
    for batch in _frames([False] * 5):
        session.deliver(batch)
    assert (len(pipe.waiting), session.lost_packets) == (4, 1)
    session.end()
