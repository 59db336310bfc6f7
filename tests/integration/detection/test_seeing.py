"""What is seen in pictures becomes events with clips: a real server with a real camera, and all kinds of detectors."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightnvr.recording.model import CaptureMethod
from lightnvr.streams.status import StreamState
from tests.cameras import RtspCamera, camera
from tests.rig.blob_models import blob_model
from tests.rig.detector_server import answer, detector_server
from tests.rig.motion_scenes import MotionScene, Pass, Scenery
from tests.rig.nvr import PATIENCE_S, Nvr, Row, WatchedStream, eventually, running_nvr
from tests.rig.scene_clips import FPS, red_clip, scene_clip

pytestmark = pytest.mark.anyio

_COMES, _GOES = 5 * FPS, 8 * FPS
"""In which pictures something is there."""

_WALK = MotionScene("walk", Scenery(), [Pass(5.5, 0.3, 0.9, 0.6, 0.2)], seconds=60.0)
_DETECTIONS = {
    "record": False,
    "detection_based_recording": True,
    "detection_interval": 1,
    "pre_detection_buffer": 2,
    "post_detection_buffer": 1,
}


@pytest.fixture
async def nvr(tmp_path: Path) -> AsyncIterator[Nvr]:
    """A server for one test, with a model that sees bright red, green and blue."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "blobs.onnx").write_bytes(blob_model("yolov8"))
    async with running_nvr(tmp_path, detection={"grace_period": 0, "every_picture": "prompt"}) as server:
        yield server


@pytest.fixture
async def walk() -> AsyncIterator[RtspCamera]:
    """A camera in front of which somebody walks by after 5 seconds, for 4."""
    async with camera(await asyncio.to_thread(scene_clip, _WALK)) as running:
        yield running


@pytest.fixture
async def red() -> AsyncIterator[RtspCamera]:
    """A camera that shows something red from the fifth to the eighth second."""
    async with camera(await asyncio.to_thread(red_clip, _COMES, _GOES, pictures=60 * FPS)) as running:
        yield running


async def _ended_event(stream: WatchedStream, *, pictured: bool = True) -> Row:
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while True:
        rows = (await stream.nvr.get("/api/events", stream=stream.name))["events"]
        if rows and rows[0]["end"] is not None and (rows[0]["picture"] or not pictured):
            event: Row = rows[0]
            return event
        assert loop.time() < ends, f"no event ended: {rows}; {await stream.view()}"
        await asyncio.sleep(0.05)


async def _assert_clip(stream: WatchedStream, cam: RtspCamera) -> Row:
    """Wait for the event and its clip, and fail unless that shows what was there, from 2 s before to 1 s after."""
    await stream.in_state(StreamState.CONNECTED)
    event = await _ended_event(stream)
    await eventually(lambda: stream.status.recording_why is None, "the clip ended")
    (row,) = await stream.all_finished()
    assert (row["capture_method"], row["has_detection"]) == (CaptureMethod.DETECTION.value, True)
    assert await _recording_of(stream, event) == row["id"]
    picture = await stream.nvr.client.get(event["picture"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert cam.frames_sent
    return event


async def _recording_of(stream: WatchedStream, event: Row) -> int:
    """Wait until an event is known to be shown by a recording, and return its id."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while (recording_id := (await stream.nvr.get(f"/api/events/{event['id']}"))["recording_id"]) is None:
        assert loop.time() < ends, "no recording shows the event"
        await asyncio.sleep(0.05)
    found: int = recording_id
    return found


async def _view_until(stream: WatchedStream, member: str, *, wanted: bool = True) -> Row:
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while bool((shown := await stream.view())[member]) is not wanted:
        assert loop.time() < ends, f"{member} never changes: {shown}"
        await asyncio.sleep(0.05)
    return shown


async def _set_zone(stream: WatchedStream, key: str, polygon: list[dict[str, float]]) -> None:
    zone = {"id": key, "name": key, "enabled": True, "polygon": polygon}
    saved = await stream.nvr.client.post(f"{stream.path}/zones", json={"zones": [zone]})
    assert saved.status_code == 200, saved.text


def _assert_shows(numbers: list[int | None]) -> None:
    """Fail unless pictures go from 2 s before something was there, by a GOP more at most, until after it went."""
    shown = [number for number in numbers if number is not None]
    assert shown == list(range(shown[0], shown[-1] + 1))
    # Only keyframes are looked at: the first with something in it begins the event.
    assert _COMES - 4 * FPS <= shown[0] <= _COMES - FPS
    assert shown[-1] >= _GOES


async def test_somebody_who_walks_by_makes_an_event_with_picture_and_clip(nvr: Nvr, walk: RtspCamera) -> None:
    stream = await nvr.add(walk.url, **_DETECTIONS, detection_model="motion")
    event = await _assert_clip(stream, walk)
    assert event["origins"] == ["motion"]
    assert [label["label"] for label in event["labels"]] == ["motion"]
    assert (await stream.view())["detection_active"] is True


async def test_a_model_sees_red_from_when_it_comes(nvr: Nvr, red: RtspCamera) -> None:
    stream = await nvr.add(red.url, **_DETECTIONS, detection_model="blobs.onnx")
    event = await _assert_clip(stream, red)
    assert [label["label"] for label in event["labels"]] == ["red"]
    found = (await nvr.get(f"/api/detection/results/{stream.name}"))["detections"]
    assert found
    for each in found:
        assert each["label"] == "red"
        # The model finds cells of an eighth of the picture.
        assert 0.5 <= each["x"] < each["x"] + each["width"] <= 1
        assert 0.4 <= each["y"] < each["y"] + each["height"] <= 0.95
    (part,) = await stream.footage()
    _assert_shows(part.numbers)


async def test_an_external_detector_sees_red_from_when_it_comes(nvr: Nvr, red: RtspCamera) -> None:
    with detector_server() as detector:
        stream = await nvr.add(red.url, **_DETECTIONS, detection_model=detector.url)
        event = await _assert_clip(stream, red)
        assert [label["label"] for label in event["labels"]] == ["red"]
        (part,) = await stream.footage()
        _assert_shows(part.numbers)


async def test_a_clip_begins_before_its_event_although_the_detector_is_slow(nvr: Nvr, red: RtspCamera) -> None:
    with detector_server() as detector:
        detector.before_answer = lambda: time.sleep(4)
        stream = await nvr.add(red.url, **_DETECTIONS, detection_model=detector.url)
        await _assert_clip(stream, red)
        (part,) = await stream.footage()
        _assert_shows(part.numbers)


async def test_what_cannot_look_is_shown_and_seen_again_when_it_can(nvr: Nvr, red: RtspCamera) -> None:
    with detector_server() as detector:
        detector.misbehave = lambda handler: answer(handler, 500, b"{}")
        stream = await nvr.add(red.url, **_DETECTIONS, detection_model=detector.url)
        failing = await _view_until(stream, "detection_error")
        assert "500" in failing["detection_error"]
        assert failing["status"] == "connected"
        detector.misbehave = None
        event = await _assert_clip(stream, red)
        assert event["origins"] == ["external"]
        assert (await stream.view())["detection_error"] == ""
    metrics = (await nvr.client.get("/api/metrics")).text
    (failures,) = [line for line in metrics.splitlines() if line.startswith("lightnvr_detection_failures_total{")]
    assert float(failures.split()[-1]) >= 1


async def test_a_model_that_is_missing_is_named_and_costs_no_recording(nvr: Nvr, red: RtspCamera) -> None:
    stream = await nvr.add(red.url, **(_DETECTIONS | {"record": True}), detection_model="nothing.onnx")
    await stream.connected()
    shown = await _view_until(stream, "detection_error")
    assert shown["detection_error"].startswith("There is no file nothing.onnx in the models folder")
    assert (shown["detection_active"], shown["recording"]) == (False, "recording")


async def test_zones_count_as_soon_as_they_are_set(nvr: Nvr, red: RtspCamera) -> None:
    stream = await nvr.add(red.url, **(_DETECTIONS | {"record": True}), detection_model="blobs.onnx")
    left = [{"x": 0.0, "y": 0.0}, {"x": 0.5, "y": 0.0}, {"x": 0.5, "y": 1.0}, {"x": 0.0, "y": 1.0}]
    right = [{"x": 1 - point["x"], "y": point["y"]} for point in left]
    await _set_zone(stream, "left", left)
    await eventually(lambda: len(red.frames_sent) > _COMES + 2 * FPS, "something red")
    assert not (await nvr.get("/api/events"))["events"]
    await _set_zone(stream, "right", right)
    event = await _ended_event(stream)
    assert event["zones"] == ["right"]
    # Recorded anyway, it is not recorded twice.
    (row,) = await stream.recordings()
    assert (row["capture_method"], row["has_detection"], event["recording_id"]) == ("continuous", True, row["id"])
    assert [label["label"] for label in row["detection_labels"]] == ["red"]


async def test_nothing_is_looked_at_in_hours_that_are_not_chosen(nvr: Nvr, red: RtspCamera) -> None:
    closed, opened = [False] * 168, [True] * 168
    hours = {"detection_record_on_schedule": True, "detection_recording_schedule": closed}
    stream = await nvr.add(red.url, **_DETECTIONS, **hours, detection_model="motion")
    await stream.in_state(StreamState.CONNECTED)
    assert (await stream.view())["detection_active"] is False
    await stream.change(detection_recording_schedule=opened)
    await _view_until(stream, "detection_active")
    await stream.change(detection_recording_schedule=closed)
    await _view_until(stream, "detection_active", wanted=False)


async def test_privacy_ends_the_looking_and_what_goes_on(nvr: Nvr, red: RtspCamera) -> None:
    stream = await nvr.add(red.url, **_DETECTIONS, detection_model="blobs.onnx")
    await eventually(lambda: stream.status.recording_why is CaptureMethod.DETECTION, "a clip")
    await stream.change(set_privacy_mode=True)
    await _ended_event(stream, pictured=False)
    assert stream.status.recording_why is None
    shown = await stream.view()
    assert (shown["detection_active"], shown["detection_error"]) == (False, "")


async def test_a_stream_of_which_every_picture_is_looked_at_is_quicker_than_its_keyframes(nvr: Nvr) -> None:
    film = await asyncio.to_thread(scene_clip, _WALK, gop=4 * FPS)
    async with camera(film) as walk:
        stream = await nvr.add(walk.url, **_DETECTIONS, detection_model="motion", name="prompt")
        await eventually(lambda: stream.status.recording_why is CaptureMethod.DETECTION, "a clip")
        # Somebody comes into the picture after 5.5 s; the next keyframe is that at 8 s.
        assert 5.5 * FPS <= walk.frames_sent[-1] < 8 * FPS


async def test_the_sub_stream_is_looked_at_where_there_is_one(nvr: Nvr, red: RtspCamera) -> None:
    async with camera(await asyncio.to_thread(red_clip, 0, -1, pictures=60 * FPS)) as empty:
        stream = await nvr.add(empty.url, **_DETECTIONS, detection_model="blobs.onnx", sub_stream_url=red.url)
        await eventually(lambda: stream.status.recording_why is CaptureMethod.DETECTION, "a clip")
        (part,) = await stream.footage()
        assert part.numbers
        assert empty.frames_sent
