"""The database is written once a second for all cameras together, however many packets and fragments there are."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from tests.cameras import camera, film
from tests.rig.nvr import Nvr, eventually

pytestmark = pytest.mark.anyio
_CAMERAS = 6


@contextmanager
def _commits_to(database: Path) -> Iterator[list[float]]:
    """When transactions were committed, in seconds of the event loop."""
    moments: list[float] = []
    loop = asyncio.get_running_loop()

    def note(connection: Connection) -> None:
        if connection.engine.url.database == str(database):
            moments.append(loop.time())

    event.listen(Engine, "commit", note)
    try:
        yield moments
    finally:
        event.remove(Engine, "commit", note)


async def test_all_cameras_share_one_transaction_a_second(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with AsyncExitStack() as stack:
        cameras = [await stack.enter_async_context(camera(clip)) for _ in range(_CAMERAS)]
        streams = [await nvr.add(cam.url) for cam in cameras]
        for stream in streams:
            await stream.connected()
            await stream.has_recordings(lambda rows: len(rows) == 1, "the recording is listed")
        before = [(await stream.recordings())[0]["size_bytes"] for stream in streams]
        began = asyncio.get_running_loop().time()
        with _commits_to(nvr.settings.database.path) as commits:
            await eventually(lambda: len(commits) >= 5, "five transactions")
        seconds = commits[-1] - began
        after = [(await stream.recordings())[0]["size_bytes"] for stream in streams]
        # Between the first and the last of five lie four intervals, whatever the machine: more often would be shorter.
        assert seconds > 3.5
        assert all(later > earlier for earlier, later in zip(before, after, strict=True))
        for stream in streams:
            await stream.stopped()
