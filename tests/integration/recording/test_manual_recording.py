"""Recording by hand: started and stopped by somebody, and kept on in between, whatever happens to the server."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lightnvr.streams.status import StreamState
from tests.cameras import RtspCamera, camera, in_thread
from tests.rig.nvr import PATIENCE_S, Nvr, Row, WatchedStream, eventually, running_nvr
from tests.rig.product import all_recordings
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

pytestmark = pytest.mark.anyio

_DUE = "Continuous recording is configured for this stream"
_ACTIVE = "A continuous, detection, or manual recording is already active"
_NOT_MANUAL = "Only an active manual recording can be stopped here"


@pytest.fixture
async def nvr(tmp_path: Path) -> AsyncIterator[Nvr]:
    """A server for one test."""
    async with running_nvr(tmp_path) as server:
        yield server


async def _switch(stream: WatchedStream, action: str) -> tuple[int, Row]:
    answer = await stream.nvr.client.post(f"{stream.path}/recording", json={"action": action})
    return answer.status_code, answer.json()


async def _state(stream: WatchedStream) -> Row:
    return await stream.nvr.get(f"{stream.path}/recording")


async def _in_state(stream: WatchedStream, state: str) -> Row:
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while True:
        found = await _state(stream)
        if found["state"] == state and (state != "recording" or found["recording_id"] is not None):
            return found
        assert loop.time() < ends, f"never {state}: {found}"
        await asyncio.sleep(0.05)


async def _is_playing(stream: WatchedStream, cam: RtspCamera) -> None:
    await stream.in_state(StreamState.CONNECTED)
    await eventually(lambda: len(cam.frames_sent) > 20, "pictures")


async def test_a_recording_is_started_and_stopped_by_hand(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url, record=False)
        await _is_playing(stream, cam)
        idle = await _state(stream)
        assert (idle["state"], idle["capture_method"], idle["recording_id"]) == ("idle", None, None)
        assert idle["manual_control_allowed"] is True

        name = stream.name
        assert await _switch(stream, "stop") == (409, {"error": _NOT_MANUAL})
        started = {"success": True, "stream": name, "action": "start", "state": "starting"}
        assert await _switch(stream, "start") == (202, started)
        assert await _switch(stream, "start") == (409, {"error": _ACTIVE})
        active = await _in_state(stream, "recording")
        assert (active["capture_method"], active["manual_control_allowed"]) == ("manual", True)
        (row,) = await stream.has_recordings(bool, "a recording")
        assert (row["id"], row["capture_method"]) == (active["recording_id"], "manual")
        assert row["schedule_restricted"] is False

        stopped = {"success": True, "stream": name, "action": "stop", "state": "idle"}
        assert await _switch(stream, "stop") == (200, stopped)
        assert (await _state(stream))["state"] == "idle"
        assert await _switch(stream, "stop") == (409, {"error": _NOT_MANUAL})
        (row,) = await stream.all_finished()
        assert row["capture_method"] == "manual"
        assert cam.connections_total == 1


async def test_recordings_by_hand_right_after_each_other_do_not_overlap(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url, record=False)
        await _is_playing(stream, cam)
        for _ in range(3):
            assert (await _switch(stream, "start"))[0] == 202
            await _in_state(stream, "recording")
            assert (await _switch(stream, "stop"))[0] == 200
        footage = await stream.footage()
    numbers = [number for part in footage for number in part.numbers]
    assert len(numbers) == len(set(numbers))


async def test_what_records_by_itself_is_not_started_or_stopped_by_hand(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        assert await _switch(stream, "start") == (409, {"error": _DUE})
        assert await _switch(stream, "stop") == (409, {"error": _NOT_MANUAL})
        state = await _state(stream)
        assert (state["state"], state["capture_method"]) == ("recording", "continuous")
        assert state["manual_control_allowed"] is False
        assert state["manual_control_reason"] == "continuous_recording"

        closed = await nvr.add(cam.url, record_on_schedule=True, recording_schedule=[False] * 168)
        assert (await _switch(closed, "start"))[0] == 202
        assert (await _state(closed))["capture_method"] == "manual"


async def test_privacy_mode_ends_a_recording_by_hand_for_good(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url, record=False)
        await _is_playing(stream, cam)
        assert (await _switch(stream, "start"))[0] == 202
        await _in_state(stream, "recording")
        await stream.change(set_privacy_mode=True)
        status, body = await _switch(stream, "start")
        assert (status, "privacy" in body["error"]) == (409, True)
        assert (await _state(stream))["manual_control_reason"] == "switched_off"
        await stream.change(set_privacy_mode=False)
        await stream.in_state(StreamState.CONNECTED)
        assert (await _state(stream))["state"] == "idle"


@pytest.mark.parametrize("body", [{}, {"action": "pause"}, {"action": 1}, []])
async def test_what_is_not_an_action_is_refused(nvr: Nvr, body: object) -> None:
    stream = await nvr.add("rtsp://127.0.0.1:9/none", record=False)
    answer = await nvr.client.post(f"{stream.path}/recording", json=body)
    assert answer.status_code == 400
    assert (await nvr.client.get("/api/streams/nobody/recording")).status_code == 404


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_goes_on_after_a_restart_until_it_is_stopped_by_hand(tmp_path: Path, how: signal.Signals) -> None:
    with in_thread(camera) as cam:
        first = ServerProcess([COMMAND, "serve"], tmp_path)
        with first, first.client() as client:
            body = {"name": "door", "url": cam.do(lambda one: one.url), "record": False}
            client.post("/api/streams", json=body).raise_for_status()
            assert client.post("/api/streams/door/recording", json={"action": "start"}).status_code == 202
            until(lambda: _says(client, "recording"), "recording by hand")
            until(lambda: len(all_recordings(client, "door")) == 1, "the recording is listed")
            first.stop(how)
        with ServerProcess([COMMAND, "serve"], tmp_path) as again, again.client() as client:
            until(lambda: _says(client, "recording"), "recording by hand again")
            until(lambda: len(all_recordings(client, "door")) == 2, "both recordings are listed")
            assert client.post("/api/streams/door/recording", json={"action": "stop"}).status_code == 200
            until(lambda: all(row["complete"] for row in all_recordings(client, "door")), "both are finished")
            assert {row["capture_method"] for row in all_recordings(client, "door")} == {"manual"}
        with ServerProcess([COMMAND, "serve"], tmp_path) as last, last.client() as client:
            assert _says(client, "idle")


def _says(client: httpx.Client, state: str) -> bool:
    answer = client.get("/api/streams/door/recording").raise_for_status().json()
    return bool(answer["state"] == state)
