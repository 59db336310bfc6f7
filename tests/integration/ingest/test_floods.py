"""A camera that sends as fast as it can is recorded, and its packets do not pile up in memory."""

import asyncio
from pathlib import Path

import pytest

from tests.cameras import camera, film, rtmp_camera
from tests.rig.nvr import Nvr, eventually
from tests.rig.recorded import media_seconds

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
