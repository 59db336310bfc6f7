"""Changes of a stream that come at the same time: what is stored last is what runs."""

import asyncio
import time

import pytest

from lightnvr.media.address import SourceAddress
from lightnvr.media.gop import Since
from lightnvr.media.hub import Hub
from lightnvr.media.source import SourceOptions
from lightnvr.recording.model import CaptureMethod
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.plan import ConnectedSource, RecordingPlan, RunningRecorder, StreamPlan
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.schedule import system_zone
from tests.cameras import camera
from tests.rig.nvr import eventually

pytestmark = pytest.mark.anyio


def _nothing_is_recorded(
    plan: RecordingPlan, why: CaptureMethod, hub: Hub, connection: ConnectedSource, *, since: Since
) -> RunningRecorder:
    raise AssertionError(plan)


async def test_a_stream_that_is_deleted_while_a_change_of_it_is_applied_does_not_come_back() -> None:
    async with camera() as cam:
        stored: StreamPlan | None = StreamPlan(
            1, "door", connect=True, address=SourceAddress.parse(cam.url), source=SourceOptions(), recording=None
        )
        read, go_on = asyncio.Event(), asyncio.Event()

        async def load(stream_id: int) -> StreamPlan | None:
            plan = stored
            if not read.is_set():
                # A database that takes its time.
                read.set()
                await go_on.wait()
            return plan

        fleet = Fleet(load, _nothing_is_recorded, LocalClock(time.time, system_zone))
        changing = asyncio.create_task(fleet.apply(1))
        await read.wait()
        stored = None
        deleting = asyncio.create_task(fleet.apply(1))
        for _ in range(10):
            await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(changing, deleting)
        try:
            assert fleet.find(1) is None
            await eventually(lambda: cam.connections_open == 0, "the camera is let go")
        finally:
            await fleet.stop(10)
