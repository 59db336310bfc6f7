"""Recording into a disk that is too small goes on without a loss: the oldest makes room, what is protected stays."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import pytest

from tests.cameras import camera, film
from tests.rig.nvr import Nvr, WatchedStream, running_nvr
from tests.rig.recorded import recorded_numbers

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

_SIZE = 20 * 1024 * 1024
_CAMERAS = 3
_TURNOVERS = 1.5
_LOOP = 24 * 15
"""The film has so many pictures before its numbers begin again."""


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Path]:
    """A file system of its own with 20 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(disk)]
    await anyio.to_thread.run_sync(lambda: subprocess.run(mount, check=True))
    try:
        yield disk
    finally:
        await anyio.to_thread.run_sync(lambda: subprocess.run(["umount", str(disk)], check=True))


async def test_a_disk_that_is_too_small_never_fills_up(tmp_path: Path, small_disk: Path) -> None:
    async with (
        running_nvr(tmp_path, path=small_disk / "recordings", auto_delete_oldest=True) as nvr,
        camera(film("mjpeg", width=640, height=480)) as one,
    ):
        streams = [await nvr.add(one.url) for _ in range(_CAMERAS)]
        for stream in streams:
            await stream.connected()
            await nvr.cut_every(2.0, stream)
        protected = await _protect_the_first(nvr, streams)
        seen: dict[str, dict[int, int]] = {stream.name: {} for stream in streams}
        while (await nvr.get("/api/storage/health"))["freed_bytes"] < _SIZE * _TURNOVERS:
            for stream in streams:
                assert stream.status.recording_error == ""
                seen[stream.name] |= {row["id"]: row["start_time_unix"] for row in await stream.recordings()}
            await anyio.sleep(0.5)
        for stream in streams:
            assert stream.status.dropped_packets == 0
            rows = await stream.stopped()
            left = [row for row in rows if row["id"] not in protected]
            ids = {row["id"] for row in rows}
            gone = [start for key, start in seen[stream.name].items() if key not in ids]
            assert len(gone) > 1
            assert max(gone) <= min(row["start_time_unix"] for row in left)
            numbers = await anyio.to_thread.run_sync(_numbers, [Path(row["file_path"]) for row in left])
            first = numbers[0]
            assert first is not None
            assert numbers == [(first + step) % _LOOP for step in range(len(numbers))]
        for recording_id in protected:
            row = await nvr.get(f"/api/recordings/{recording_id}")
            assert await anyio.Path(row["file_path"]).exists()
        state = await nvr.get("/api/storage/health")
        assert state["deleted"]["age"] == state["deleted"]["quota"] == 0
        assert state["free_space_bytes"] > 0


def _numbers(files: list[Path]) -> list[int | None]:
    return [number for file in files for number in recorded_numbers(file)]


async def _protect_the_first(nvr: Nvr, streams: list[WatchedStream]) -> set[int]:
    chosen: set[int] = set()
    for stream in streams:
        rows = await stream.has_recordings(lambda rows: any(row["complete"] for row in rows), "one is finished")
        first = next(row["id"] for row in rows if row["complete"])
        answer = await nvr.client.put(f"/api/recordings/{first}/protect", json={"protected": True})
        assert answer.status_code == 200
        chosen.add(first)
    return chosen
