"""How long a camera is waited for that was lost: as long as it is worth, whatever happened to it before."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lightnvr.media.address import SourceAddress
from lightnvr.media.hub import Hub
from lightnvr.media.source import SourceOptions
from lightnvr.streams.backoff import Backoff
from lightnvr.streams.connection import Connection
from tests.cameras import RtspCamera, camera
from tests.rig.nvr import eventually

pytestmark = pytest.mark.anyio


class _NotedBackoff(Backoff):
    """Notes the waits in seconds, which are the longest that it could choose."""

    def __init__(self) -> None:
        super().__init__(lambda least, most: most)
        self.waits: list[float] = []

    def next_s(self) -> float:
        self.waits.append(super().next_s())
        return self.waits[-1]


@asynccontextmanager
async def _kept_connected(cam: RtspCamera, steady_s: float) -> AsyncIterator[tuple[Connection, list[float]]]:
    backoff = _NotedBackoff()
    address, options = SourceAddress.parse(cam.url), SourceOptions()
    connection = Connection("camera", address, options, Hub(), backoff=backoff, steady_s=steady_s)
    task = asyncio.create_task(connection.run())
    try:
        yield connection, backoff.waits
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert await connection.ended(30)


@pytest.mark.parametrize(("steady_s", "waits"), [(0.5, [1, 1, 1]), (60, [1, 2, 4])])
async def test_only_losses_that_follow_each_other_closely_make_the_waits_longer(
    steady_s: float, waits: list[float]
) -> None:
    async with (
        camera(events={at: lambda cam: cam.drop_connections() for at in (50, 100, 150)}) as cam,
        _kept_connected(cam, steady_s) as (connection, waited),
    ):
        await eventually(lambda: connection.reconnects == 3, lambda: f"three losses, but {connection.reconnects}")
    assert waited == waits


async def test_a_system_that_has_no_thread_left_for_the_moment_does_not_end_the_trying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, refused = threading.Thread.start, 0

    def refusing(thread: threading.Thread) -> None:
        nonlocal refused
        if thread.name.startswith("source ") and not refused:
            refused += 1
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refusing)
    async with camera() as cam, _kept_connected(cam, 10) as (connection, _):
        await eventually(lambda: bool(refused), "a thread that is refused")
        await eventually(lambda: connection.connected_since is not None, lambda: connection.last_error)
