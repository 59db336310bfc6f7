"""A camera that sends much, or as fast as it can, is recorded, and its packets do not pile up in memory."""

import asyncio
from pathlib import Path

import pytest

from tests.cameras import camera, film, rtmp_camera
from tests.rig.nvr import Nvr, eventually
from tests.rig.recorded import media_seconds, recorded_numbers

pytestmark = pytest.mark.anyio
_FRAMES = 6000
_MOST_BYTES = 96 * 1024 * 1024


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp"])
async def test_a_flood_is_recorded_with_bounded_memory(nvr: Nvr, scheme: str) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac", bit_rate=2_000_000)
    async with camera(clip, flood=True) if scheme == "rtsp" else rtmp_camera(clip, flood=True) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        before, most = _resident_bytes(), 0

        def enough() -> bool:
            nonlocal most
            most = max(most, _resident_bytes())
            return len(cam.frames_sent) >= _FRAMES

        await eventually(enough, lambda: f"{_FRAMES} pictures, but {len(cam.frames_sent)}")
        rows = await stream.stopped()
    assert most - before < _MOST_BYTES
    assert rows
    for row in rows:
        assert await asyncio.to_thread(media_seconds, Path(row["file_path"])) > 1
        assert row["damaged"] == ""


async def test_a_camera_of_30_mbit_per_second_is_recorded_without_a_gap(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, width=1280, height=720, bit_rate=30_000_000)
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        # It drops a viewer for whom 2 MB wait, half a second of its pictures.
        await eventually(lambda: len(cam.frames_sent) >= 120, lambda: f"120 pictures, but {len(cam.frames_sent)}")
        rows = await stream.stopped()
    assert cam.viewers_dropped == 0
    assert len(rows) == 1
    numbers = await asyncio.to_thread(recorded_numbers, Path(rows[0]["file_path"]))
    assert len(numbers) > 90
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))
