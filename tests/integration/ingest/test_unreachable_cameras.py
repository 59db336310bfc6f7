"""Cameras that refuse, hang or want another password: the stream says so in words, and goes on trying."""

import asyncio
import threading
from typing import Literal

import pytest

from lightnvr.streams.status import RecordingState, StreamState
from tests.cameras import camera, http_camera, rtmp_camera
from tests.rig.footage import assert_sent
from tests.rig.nvr import Nvr, eventually

pytestmark = pytest.mark.anyio


async def test_a_camera_that_refuses_is_recorded_by_itself_as_soon_as_it_comes_up(nvr: Nvr) -> None:
    async with camera(started=False) as cam:
        stream = await nvr.add(cam.url)
        status = await stream.in_state(StreamState.RECONNECTING)
        place = f"127.0.0.1:{cam.port}"
        assert status.last_error == f"Nothing listens at {place}: check the port, or the camera is starting."
        assert (status.recording, status.connected_since) == (RecordingState.WAITING, None)
        await cam.start()
        status = await stream.connected()
        assert (status.last_error, status.reconnects) == ("", 0)
        await eventually(lambda: len(cam.frames_sent) >= 20, "pictures")
        assert_sent(await stream.numbers(), cam.frames_sent)


@pytest.mark.parametrize("request_", ["DESCRIBE", "SETUP", "PLAY"])
async def test_a_camera_that_hangs_is_given_up_and_tried_again(
    nvr: Nvr, request_: Literal["DESCRIBE", "SETUP", "PLAY"]
) -> None:
    async with camera(hang_on=request_) as cam:
        stream = await nvr.add(cam.url)
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error == f"The camera at 127.0.0.1:{cam.port} did not answer in time."
        await eventually(lambda: cam.connections_total >= 2, "another attempt")
        assert await stream.recordings() == []


async def test_an_rtmp_camera_that_hangs_is_given_up_and_tried_again(nvr: Nvr) -> None:
    async with rtmp_camera(hangs=True) as cam:
        stream = await nvr.add(cam.url)
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error == f"The camera at 127.0.0.1:{cam.port} did not answer in time."
        await eventually(lambda: cam.connections_total >= 2, "another attempt")


async def test_a_camera_that_hangs_can_be_removed(nvr: Nvr) -> None:
    async with camera(hang_on="DESCRIBE") as cam:
        stream = await nvr.add(cam.url)
        await eventually(lambda: cam.connections_open == 1, "the server has connected")
        assert (await nvr.client.delete(stream.path)).status_code == 200
        assert (await nvr.client.get(stream.path)).status_code == 404
        reader = f"source {stream.name}"
        await eventually(lambda: all(t.name != reader for t in threading.enumerate()), "nothing reads the camera")


@pytest.mark.parametrize("authentication", ["digest", "basic"])
async def test_a_wrong_password_is_an_error_until_it_is_corrected(
    nvr: Nvr, authentication: Literal["digest", "basic"]
) -> None:
    async with camera(credentials=("viewer", "right"), authentication=authentication) as cam:
        stream = await nvr.add(cam.url_as("viewer", "wrong"))
        status = await stream.in_state(StreamState.ERROR)
        assert status.last_error == f"The camera at 127.0.0.1:{cam.port} refused the user name or password."
        assert (await stream.view())["status"] == "error"
        await stream.change(url=cam.url)
        status = await stream.connected()
        assert status.last_error == ""


async def test_a_wrong_password_of_an_http_camera_is_an_error_too(nvr: Nvr) -> None:
    async with http_camera("ts", credentials=("viewer", "right")) as cam:
        stream = await nvr.add(cam.url_as("viewer", "wrong"))
        status = await stream.in_state(StreamState.ERROR)
        assert status.last_error == f"The camera at 127.0.0.1:{cam.port} refused the user name or password."


async def test_a_wrong_password_of_an_rtmp_camera_is_an_error_that_does_not_tell_it(nvr: Nvr) -> None:
    async with rtmp_camera(credentials=("viewer", "right")) as cam:
        stream = await nvr.add(cam.url_as("viewer", "almost-right"))
        status = await stream.in_state(StreamState.ERROR)
        assert status.last_error == (
            f"The camera at 127.0.0.1:{cam.port} does not give the stream at "
            "/live/stream?user=viewer&password=********: check the path, and the user name and password in it."
        )
        await stream.change(url=cam.url)
        assert (await stream.connected()).last_error == ""


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
async def test_a_path_that_the_camera_does_not_have_is_an_error(nvr: Nvr, scheme: str) -> None:
    async with camera() as rtsp, http_camera() as http:
        port = rtsp.port if scheme == "rtsp" else http.port
        stream = await nvr.add(f"{scheme}://127.0.0.1:{port}/nowhere")
        status = await stream.in_state(StreamState.ERROR)
    assert status.last_error == f"The camera at 127.0.0.1:{port} has no stream at /nowhere: check the path."


async def test_what_is_no_camera_is_told_in_words(nvr: Nvr) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stream = await nvr.add(f"rtsp://127.0.0.1:{port}/stream")
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error.startswith(f"The camera at 127.0.0.1:{port} ")
        assert status.last_error.endswith(".")


async def test_a_camera_that_refuses_the_password_is_not_hammered(nvr: Nvr) -> None:
    async with camera(credentials=("viewer", "right")) as cam:
        loop = asyncio.get_running_loop()
        await nvr.add(cam.url_as("viewer", "wrong"))
        await eventually(lambda: cam.connections_total == 1, "a first attempt")
        began = loop.time()
        await eventually(lambda: cam.connections_total == 4, "three more")
        # The pauses are at least 1, 1 and 2 s long.
        assert loop.time() - began > 3.5
