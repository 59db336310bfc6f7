"""Who is counted as watching, and when that ends."""

import asyncio
from collections.abc import Iterable

import pytest

from lightnvr.accounts.admission import Admission, Proof, ProofKind
from lightnvr.accounts.authentication import EVERYBODY
from lightnvr.live.audience import Audience, Way
from tests.rig.fake_time import FakeTime
from tests.rig.live_input import Input

pytestmark = pytest.mark.anyio

ONE, OTHER = (Admission(EVERYBODY, Proof(ProofKind.SESSION, 1, token)) for token in ("one", "other"))

CAMERA = Input()


class Rights:
    """Tells which proofs do not hold any more; the first question may fail."""

    def __init__(self, *, fails_first: bool = False) -> None:
        self.gone: set[Proof] = set()
        self._fails = fails_first

    async def lapsed(self, proofs: Iterable[Proof]) -> set[Proof]:
        if self._fails:
            self._fails = False
            raise OSError("the database is away")
        return self.gone & set(proofs)


@pytest.mark.parametrize("fails_first", [False, True])
async def test_who_may_not_watch_any_more_is_ended_and_nobody_else(*, fails_first: bool) -> None:
    rights = Rights(fails_first=fails_first)
    audience = Audience(rights.lapsed)
    checking = asyncio.create_task(audience.run())
    with audience.watching(Way.MSE, CAMERA, ONE) as viewer, audience.watching(Way.MSE, CAMERA, OTHER) as neighbour:
        rights.gone.add(ONE.proof)
        async with asyncio.timeout(30):
            await viewer.ended.wait()
        assert viewer.reason
        assert not neighbour.ended.is_set()
    checking.cancel()


async def test_viewers_are_counted_while_they_watch() -> None:
    time = FakeTime()
    audience = Audience(Rights().lapsed, time.monotonic_s)
    with audience.watching(Way.RTSP, CAMERA, ONE) as viewer:
        assert audience.watchers() == {(Way.RTSP, 1): 1}
        time.pass_s(2)
        viewer.sent(10, time.monotonic_s())
        viewer.sent(5)
        viewer.lost(3)
    assert not +audience.watchers()
    counts = audience.counts[Way.RTSP]
    assert (counts.viewers, counts.bytes_sent, counts.dropped_packets) == (1, 15, 3)
    assert counts.started == 1
    assert counts.start_s == pytest.approx(2)


async def test_a_visit_is_one_viewer_until_requests_stay_away() -> None:
    time = FakeTime()
    audience = Audience(Rights().lapsed, time.monotonic_s)
    viewer = audience.visit(Way.HLS, CAMERA, ONE, "10.0.0.1")
    time.pass_s(20)
    assert audience.visit(Way.HLS, CAMERA, ONE, "10.0.0.1") is viewer
    assert audience.visit(Way.HLS, CAMERA, ONE, "10.0.0.2") is not viewer
    time.pass_s(20)
    assert audience.watchers() == {(Way.HLS, 1): 2}
    time.pass_s(11)
    assert not +audience.watchers()
    assert audience.visit(Way.HLS, CAMERA, ONE, "10.0.0.1") is not viewer
    assert audience.counts[Way.HLS].viewers == 3


async def test_a_visit_that_was_ended_stays_ended_for_its_own_request_only() -> None:
    audience = Audience(Rights().lapsed)
    viewer = audience.visit(Way.HLS, CAMERA, ONE, "10.0.0.1")
    audience.end_stream(CAMERA, "private")
    assert viewer.ended.is_set()
    assert not audience.visit(Way.HLS, CAMERA, ONE, "10.0.0.1").ended.is_set()
