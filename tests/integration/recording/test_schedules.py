"""Recording follows the hours of a schedule, and a change of it at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightnvr.recording.model import CaptureMethod
from lightnvr.streams.status import RecordingState
from tests.cameras import RtspCamera, camera, film
from tests.rig.footage import assert_sent
from tests.rig.local_time import all_but, hour_begins_at, hour_of_week, local_time, only
from tests.rig.nvr import Nvr, WatchedStream, eventually, running_nvr

pytestmark = pytest.mark.anyio

_AHEAD_S = 6


@pytest.fixture
async def nvr(tmp_path: Path) -> AsyncIterator[Nvr]:
    """A server for one test."""
    async with running_nvr(tmp_path) as server:
        yield server


async def _sent_at(edge: int, cam: RtspCamera) -> int:
    """Wait for a moment and return the number of the picture that was sent last before it."""
    await eventually(lambda: time.time() >= edge, "the hour begins")
    return cam.frames_sent[-1]


async def _recorded_because(stream: WatchedStream, why: CaptureMethod | None) -> None:
    state = RecordingState.OFF if why is None else RecordingState.RECORDING
    await eventually(
        lambda: (stream.status.recording, stream.status.recording_why) == (state, why),
        lambda: f"recorded because {why}, but {stream.status}",
    )


async def test_recording_begins_with_the_hour_and_loses_no_picture_of_it(nvr: Nvr) -> None:
    # A keyframe every 4 s: waiting for the next one would lose what the hour begins with.
    shown = await asyncio.to_thread(film, gop=60, seconds=60)
    edge = int(time.time()) + _AHEAD_S
    with local_time(hour_begins_at(edge)):
        async with camera(shown) as cam:
            hours = only(hour_of_week(edge))
            stream = await nvr.add(cam.url, record_on_schedule=True, recording_schedule=hours)
            await eventually(lambda: len(cam.frames_sent) > 30, "pictures before the hour")
            await _recorded_because(stream, None)
            assert not await stream.recordings()
            last_before = await _sent_at(edge, cam)
            await _recorded_because(stream, CaptureMethod.SCHEDULED)
            await eventually(lambda: cam.frames_sent[-1] > last_before + 30, "pictures of the hour")
            (row,) = await stream.has_recordings(bool, "a recording")
            assert (row["capture_method"], row["schedule_restricted"]) == ("scheduled", True)
            assert row["start_time_unix"] <= edge
            (part,) = await stream.footage()
            assert cam.connections_total == 1
    assert part.numbers[0] is not None
    assert part.numbers[0] <= last_before + 1
    assert_sent(part.numbers, cam.frames_sent[cam.frames_sent.index(part.numbers[0]) :])


async def test_recording_ends_with_the_hour_and_loses_no_picture_of_it(nvr: Nvr) -> None:
    shown = await asyncio.to_thread(film, seconds=60)
    edge = int(time.time()) + _AHEAD_S
    with local_time(hour_begins_at(edge)):
        async with camera(shown) as cam:
            hours = all_but(hour_of_week(edge))
            stream = await nvr.add(cam.url, record_on_schedule=True, recording_schedule=hours)
            await _recorded_because(stream, CaptureMethod.SCHEDULED)
            last_of_hour = await _sent_at(edge, cam)
            await _recorded_because(stream, None)
            sent_at_end = cam.frames_sent[-1]
            (row,) = await stream.all_finished()
            await eventually(lambda: cam.frames_sent[-1] > sent_at_end + 15, "the camera goes on")
            assert (cam.connections_total, cam.connections_open) == (1, 1)
            (part,) = await stream.footage()
    assert (row["capture_method"], row["schedule_restricted"]) == ("scheduled", True)
    assert part.numbers == cam.frames_sent[: len(part.numbers)]
    assert part.numbers[-1] is not None
    # The picture that was sent as the hour ended may be a packet of the next.
    assert last_of_hour - 1 <= part.numbers[-1] <= sent_at_end


async def test_a_change_of_the_schedule_takes_effect_at_once(nvr: Nvr) -> None:
    async with camera() as cam:
        now = hour_of_week(time.time())
        around = (now, (now + 1) % 168)
        stream = await nvr.add(cam.url, record_on_schedule=True, recording_schedule=all_but(*around))
        await eventually(lambda: len(cam.frames_sent) > 15, "pictures")
        await _recorded_because(stream, None)
        await stream.change(recording_schedule=only(*around))
        await _recorded_because(stream, CaptureMethod.SCHEDULED)
        await stream.change(recording_schedule=all_but(*around))
        assert (stream.status.recording, stream.status.recording_why) == (RecordingState.OFF, None)
        await stream.change(record_on_schedule=False)
        await _recorded_because(stream, CaptureMethod.CONTINUOUS)
        rows = await stream.has_recordings(lambda rows: len(rows) == 2, "two recordings")
        assert [row["capture_method"] for row in rows] == ["scheduled", "continuous"]
        assert cam.connections_total == 1


async def test_another_reason_begins_another_file_without_losing_a_picture(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await stream.change(record_on_schedule=True)
        rows = await stream.has_recordings(lambda rows: len(rows) == 2, "a recording for the other reason")
        assert [row["capture_method"] for row in rows] == ["continuous", "scheduled"]
        assert [row["schedule_restricted"] for row in rows] == [False, True]
        await eventually(lambda: len(cam.frames_sent) > 60, "pictures for the other reason")
        assert_sent(await stream.numbers(), cam.frames_sent)
        assert cam.connections_total == 1
