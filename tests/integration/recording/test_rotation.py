"""One file after the other: no picture is lost where one ends and the next begins, and none is in both."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cameras import camera, film
from tests.rig.footage import all_footage, assert_sent
from tests.rig.nvr import Nvr

pytestmark = pytest.mark.anyio

_ROTATIONS = 20


async def test_twenty_rotations_lose_and_double_nothing_with_segments_shorter_than_the_api_allows(nvr: Nvr) -> None:
    plain, sounding = await asyncio.to_thread(lambda: (film(gop=5), film("h264", "aac", gop=5)))
    async with camera(plain) as silent, camera(sounding) as loud:
        streams = [await nvr.add(cam.url) for cam in (silent, loud)]
        for stream in streams:
            await stream.connected()
            await nvr.cut_every(0.3, stream)
        for stream in streams:
            await stream.has_recordings(lambda rows: len(rows) > _ROTATIONS, f"{_ROTATIONS} rotations")
        for stream, cam in zip(streams, (silent, loud), strict=True):
            rows = await stream.stopped()
            parts = await all_footage(Path(row["file_path"]) for row in rows)
            sent = cam.frames_sent
            assert cam.connections_total == 1
            assert len(parts) > _ROTATIONS
            assert_sent([number for part in parts for number in part.numbers], sent)
            assert {(part.numbers[0] or 0) % 5 for part in parts} == {0}, "each begins with a keyframe"
            assert all(earlier["end_time_unix"] <= later["end_time_unix"] for earlier, later in pairwise(rows))
            assert all(earlier["id"] < later["id"] for earlier, later in pairwise(rows))
            assert {path.name for path in stream.files} == {Path(row["file_path"]).name for row in rows}
            assert stream.status.dropped_packets == 0
