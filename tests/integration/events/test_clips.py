"""Clips: an event is recorded from before it began until after it ended, and nothing is recorded twice."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightnvr.recording.model import CaptureMethod
from lightnvr.streams.status import RecordingState, StreamState
from tests.cameras import RtspCamera, camera, film
from tests.rig.footage import Footage
from tests.rig.nvr import Nvr, Row, WatchedStream, eventually, running_nvr

pytestmark = pytest.mark.anyio

_FPS = 15
_GOP = 30


@pytest.fixture
async def nvr(tmp_path: Path) -> AsyncIterator[Nvr]:
    """A server for one test."""
    async with running_nvr(tmp_path) as server:
        yield server


@pytest.fixture
async def cam() -> AsyncIterator[RtspCamera]:
    """A camera with numbered pictures and a keyframe every two seconds."""
    shown = await asyncio.to_thread(film, gop=_GOP, fps=_FPS, seconds=60)
    async with camera(shown) as running:
        yield running


async def _trigger(stream: WatchedStream, action: str, **members: object) -> Row:
    body = {"stream": stream.name, "action": action, **members}
    answer = await stream.nvr.client.post("/api/motion/trigger", json=body)
    assert answer.status_code == 202, answer.text
    row: Row = answer.json()
    return row


async def _watching(nvr: Nvr, cam: RtspCamera, pictures: int = 5 * _FPS, **members: object) -> WatchedStream:
    """Add a stream that is recorded only when something happens, and wait until so many pictures have come."""
    settings = {"record": False, "detection_based_recording": True, "pre_detection_buffer": 3}
    stream = await nvr.add(cam.url, **(settings | {"post_detection_buffer": 1} | members))
    await stream.in_state(StreamState.CONNECTED)
    await _pictures(cam, pictures)
    return stream


async def _pictures(cam: RtspCamera, more: int) -> None:
    wanted = len(cam.frames_sent) + more
    await eventually(lambda: len(cam.frames_sent) >= wanted, "more pictures")


async def _recorded_because(stream: WatchedStream, why: CaptureMethod | None) -> None:
    await eventually(lambda: stream.status.recording_why is why, lambda: f"{why}, but {stream.status}")
    if why is not None:
        await eventually(lambda: stream.status.recording is RecordingState.RECORDING, "recording")


def _assert_without_gap(numbers: list[int | None]) -> None:
    for before, after in itertools.pairwise(numbers):
        assert before is not None
        assert after == before + 1, f"{after} follows {before}"


def _assert_begins(part: Footage, began: int, pre_s: int) -> None:
    """Fail unless a clip begins early enough before a picture, but by no more than a GOP too early."""
    first = part.numbers[0]
    assert first is not None
    asked = began - pre_s * _FPS
    # The picture that was sent last may be on its way.
    assert asked - _GOP <= first <= asked + 2


async def test_a_pulse_is_recorded_from_before_it_began_until_after_it_ended(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam)
    assert not await stream.recordings()
    began = cam.frames_sent[-1]
    answer = await _trigger(stream, "pulse", duration_ms=1000)
    assert answer == {
        "success": True,
        "stream": stream.name,
        "action": "pulse",
        "duration_ms": 1000,
        "recording_triggered": True,
        "detections_stored": 1,
        "tags_applied": 0,
    }
    await _recorded_because(stream, CaptureMethod.DETECTION)
    await _recorded_because(stream, None)
    ended = cam.frames_sent[-1]
    (row,) = await stream.all_finished()
    assert (row["capture_method"], row["has_detection"]) == ("detection", True)
    (part,) = await stream.footage()
    _assert_without_gap(part.numbers)
    _assert_begins(part, began, 3)
    last = part.numbers[-1]
    assert last is not None
    assert began + 2 * _FPS - 2 <= last <= ended
    # The row says when the first picture came, not when the clip was begun.
    assert row["end_time_unix"] - row["start_time_unix"] >= 4


async def test_a_start_lasts_until_its_stop(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam, post_detection_buffer=0)
    assert (await _trigger(stream, "start"))["recording_triggered"] is True
    await _recorded_because(stream, CaptureMethod.DETECTION)
    # A pulse of somebody else ends before, and cuts nothing.
    answer = await nvr.client.post(f"/api/motion/test/{stream.name}")
    assert answer.json() == {"stream_name": stream.name, "success": True, "message": "Test motion event triggered"}
    await _pictures(cam, 4 * _FPS)
    assert stream.status.recording_why is CaptureMethod.DETECTION
    stopped = cam.frames_sent[-1]
    assert (await _trigger(stream, "stop"))["detections_stored"] == 0
    await _recorded_because(stream, None)
    (part,) = await stream.footage()
    _assert_without_gap(part.numbers)
    last = part.numbers[-1]
    assert last is not None
    assert last >= stopped - 2


async def test_a_pulse_of_a_millisecond_makes_a_clip(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam, pre_detection_buffer=0, post_detection_buffer=0)
    began = cam.frames_sent[-1]
    await _trigger(stream, "pulse", duration_ms=1)
    await stream.has_recordings(bool, "a clip")
    (part,) = await stream.footage()
    assert began in part.numbers or began + 1 in part.numbers


async def test_what_happens_in_the_hold_goes_into_the_same_clip_and_clips_do_not_overlap(
    nvr: Nvr, cam: RtspCamera
) -> None:
    stream = await _watching(nvr, cam)
    await _trigger(stream, "pulse", duration_ms=100)
    await _pictures(cam, _FPS // 2)
    await _trigger(stream, "pulse", duration_ms=100)
    await _recorded_because(stream, CaptureMethod.DETECTION)
    await _recorded_because(stream, None)
    await _trigger(stream, "pulse", duration_ms=100)
    await _recorded_because(stream, CaptureMethod.DETECTION)
    await _recorded_because(stream, None)
    rows = await stream.all_finished()
    assert len(rows) == 2
    parts = await stream.footage()
    for part in parts:
        _assert_without_gap(part.numbers)
    first, second = (part.numbers for part in parts)
    assert first[-1] is not None
    assert second[0] is not None
    # The second reaches back to the first, which ended with its GOP.
    assert second[0] == first[-1] + 1


async def test_what_happens_before_the_last_gop_of_a_clip_is_over_goes_into_it(nvr: Nvr) -> None:
    gop = 6 * _FPS
    async with camera(await asyncio.to_thread(film, gop=gop, fps=_FPS, seconds=60)) as cam:
        stream = await _watching(nvr, cam, post_detection_buffer=0)
        await eventually(lambda: 0 < cam.frames_sent[-1] % gop < _FPS // 2, "a keyframe")
        began = cam.frames_sent[-1]
        await _trigger(stream, "pulse", duration_ms=1)
        # The event, and what clips go on for, is over after a second; the next keyframe comes after six.
        await _pictures(cam, 2 * _FPS)
        await _trigger(stream, "pulse", duration_ms=5000)
        await _recorded_because(stream, None)
        assert cam.frames_sent[-1] > began + 7 * _FPS
        (part,) = await stream.footage()
        _assert_without_gap(part.numbers)
        assert part.numbers[-1] is not None
        assert part.numbers[-1] >= began + 7 * _FPS
        assert (part.numbers[-1] + 1) % gop == 0


async def test_what_is_recorded_anyway_is_not_recorded_twice(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam, record=True)
    await stream.has_recordings(bool, "a recording")
    answer = await _trigger(stream, "start", label="person", confidence=0.75, tags=["delivery"])
    assert (answer["recording_triggered"], answer["detections_stored"], answer["tags_applied"]) == (True, 1, 1)
    await _pictures(cam, 2 * _FPS)
    await _trigger(stream, "stop")
    (row,) = await stream.stopped()
    assert (row["capture_method"], row["has_detection"], row["tags"]) == ("continuous", True, ["delivery"])
    assert row["detection_labels"] == [{"label": "person", "count": 1}]


async def test_continuous_recording_takes_over_from_a_clip_and_gives_back_without_a_gap(
    nvr: Nvr, cam: RtspCamera
) -> None:
    stream = await _watching(nvr, cam)
    await _trigger(stream, "start")
    await _recorded_because(stream, CaptureMethod.DETECTION)
    await stream.change(record=True)
    await stream.has_recordings(lambda rows: len(rows) == 2, "continuous recording")
    await stream.change(record=False)
    rows = await stream.has_recordings(lambda rows: len(rows) == 3, "a clip again")
    assert [row["capture_method"] for row in rows] == ["detection", "continuous", "detection"]
    await _trigger(stream, "stop")
    await _recorded_because(stream, None)
    _assert_without_gap([number for part in await stream.footage() for number in part.numbers])


async def test_streams_that_are_linked_are_recorded_too_in_both_directions_and_no_further(
    nvr: Nvr, cam: RtspCamera
) -> None:
    first = await _watching(nvr, cam, 0)
    second = await _watching(nvr, cam, 0, motion_trigger_source=first.name)
    third = await _watching(nvr, cam, 5 * _FPS, motion_trigger_source=second.name)
    await _trigger(first, "start")
    await _recorded_because(first, CaptureMethod.DETECTION)
    await _recorded_because(second, CaptureMethod.DETECTION)
    await _trigger(first, "stop")
    await _recorded_because(second, None)
    await _trigger(second, "pulse", duration_ms=100)
    for each in (first, second, third):
        await _recorded_because(each, CaptureMethod.DETECTION)
    for each in (first, second, third):
        await _recorded_because(each, None)
    assert [len(await each.all_finished()) for each in (first, second, third)] == [2, 2, 1]


async def test_in_privacy_mode_nothing_is_recorded_and_a_clip_ends(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam)
    await _trigger(stream, "start")
    await _recorded_because(stream, CaptureMethod.DETECTION)
    answer = await nvr.client.put(stream.path, json={"set_privacy_mode": True})
    assert answer.status_code == 200, answer.text
    await _recorded_because(stream, None)
    private = await _trigger(stream, "pulse")
    assert private["recording_triggered"] is False
    assert "privacy mode" in private["warning"]
    assert len(await stream.all_finished()) == 1


async def test_outside_its_hours_no_clip_begins(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam, 0, detection_record_on_schedule=True, detection_recording_schedule=[False] * 168)
    answer = await _trigger(stream, "pulse", duration_ms=100)
    assert answer["recording_triggered"] is False
    assert "schedule" in answer["warning"]
    await _pictures(cam, 2 * _FPS)
    assert not await stream.recordings()


async def test_a_clip_goes_on_when_the_camera_is_back(nvr: Nvr, cam: RtspCamera) -> None:
    stream = await _watching(nvr, cam)
    await _trigger(stream, "start")
    await stream.has_recordings(bool, "a clip")
    cam.drop_connections()
    rows = await stream.has_recordings(lambda rows: len(rows) == 2, "a second part")
    assert {row["capture_method"] for row in rows} == {"detection"}
    await _trigger(stream, "stop")
    await _recorded_because(stream, None)
    first, second = await stream.footage()
    assert set(first.numbers).isdisjoint(second.numbers)
