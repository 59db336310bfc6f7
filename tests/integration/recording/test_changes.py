"""Changing a stream while it is recorded interrupts no more than it must."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from lightnvr.streams.status import StreamState
from tests.cameras import camera, film
from tests.rig.footage import assert_sent
from tests.rig.nvr import Nvr, Row, WatchedStream, eventually

pytestmark = pytest.mark.anyio

_NO_RECONNECT: list[dict[str, object]] = [
    {"retention_days": 7, "detection_retention_days": 90},
    {"priority": 9},
    {"detection_model": "yolov8n.onnx", "detection_threshold": 0.4},
    {"max_storage_mb": 500, "storage_priority": 3},
    {"tags": "garden,front"},
    {"pre_detection_buffer": 5, "post_detection_buffer": 8},
    {"ptz_enabled": True, "ptz_max_x": 90},
    {"streaming_enabled": False},
    {"segment_duration": 600},
]


def _on_disk(file: Path) -> tuple[int, int]:
    """Which file it is, and its size in bytes."""
    status = file.stat()
    return status.st_ino, status.st_size


def _has_grown(file: Path, size: int) -> bool:
    return _on_disk(file)[1] > size


async def _only_file(stream: WatchedStream) -> Row:
    """The recording of a stream that has a single one, which is being written."""
    (row,) = await stream.has_recordings(bool, "a recording")
    assert not row["complete"]
    assert stream.files == {Path(row["file_path"])}
    return row


async def _grows(stream: WatchedStream, size: int) -> None:
    await stream.has_recordings(lambda rows: rows[0]["size_bytes"] > size, "the file grows")


async def test_changes_that_need_no_reconnect_leave_the_file_alone(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        first = await _only_file(stream)
        file = Path(first["file_path"])
        inode, _ = _on_disk(file)
        for members in _NO_RECONNECT:
            _, size = _on_disk(file)
            await stream.change(**members)
            view = await stream.view()
            assert {name: view[name] for name in members} == members
            await eventually(partial(_has_grown, file, size), "the file grows")
            assert stream.status.state is StreamState.CONNECTED
        now = await _only_file(stream)
        assert (now["id"], now["start_time_unix"]) == (first["id"], first["start_time_unix"])
        assert _on_disk(file)[0] == inode
        (part,) = await stream.footage()
        assert (cam.connections_total, stream.status.reconnects) == (1, 0)
    assert_sent(part.numbers, cam.frames_sent)


async def test_another_url_reconnects_this_stream_only(nvr: Nvr) -> None:
    other_film = await asyncio.to_thread(film, first_number=1000)
    async with camera() as old, camera(other_film) as new, camera() as neighbour:
        moved, kept = await nvr.add(old.url), await nvr.add(neighbour.url)
        for stream in (moved, kept):
            await stream.connected()
        untouched = await _only_file(kept)
        await eventually(lambda: len(old.frames_sent) >= 20, "pictures of the old camera")
        await moved.change(url=new.url)
        size = (await _only_file(kept))["size_bytes"]
        await moved.connected()
        await eventually(lambda: old.connections_open == 0, "the old camera is let go")
        await eventually(lambda: len(new.frames_sent) >= 20, "pictures of the new camera")
        await _grows(kept, size)
        assert (await _only_file(kept))["id"] == untouched["id"]
        before, after = await moved.footage()
        (whole,) = await kept.footage()
        assert [cam.connections_total for cam in (old, new, neighbour)] == [1, 1, 1]
    assert_sent(before.numbers, old.frames_sent)
    assert_sent(after.numbers, new.frames_sent)
    assert_sent(whole.numbers, neighbour.frames_sent)
