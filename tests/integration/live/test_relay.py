"""What clients of the original ask its media relay for."""

import base64
from pathlib import Path

import anyio
import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.cameras import camera, film, in_thread
from tests.integration.api.running import running_api
from tests.rig.mse_player import mse_player
from tests.rig.nvr import Nvr
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess, free_port

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def nvr(open_nvr: Nvr) -> Nvr:
    """The players here bring no credentials."""
    return open_nvr


async def test_streams_are_listed_by_name_with_those_who_watch(nvr: Nvr) -> None:
    async with camera() as cam, camera() as small:
        stream = await nvr.add(cam.url, sub_stream_url=small.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 1, "pictures")
            listed = await nvr.get("/go2rtc/api/streams")
            one = await nvr.get("/go2rtc/api/streams", src=f"{stream.name}_sub")
        unknown = await nvr.client.get("/go2rtc/api/streams", params={"src": "nobody knows it"})

    assert listed[stream.name] == {"producers": [{"url": cam.url}], "consumers": [{"format_name": "mse"}]}
    assert one == {f"{stream.name}_sub": {"producers": [{"url": small.url}], "consumers": []}}
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Stream not found"})


async def test_the_small_stream_can_be_watched(nvr: Nvr) -> None:
    small_film = await anyio.to_thread.run_sync(lambda: film("h264", width=640, height=480))
    async with camera() as cam, camera(small_film) as small:
        stream = await nvr.add(cam.url, sub_stream_url=small.url)
        async with mse_player(nvr.server.port, f"{stream.name}_sub", path="/go2rtc/api/ws") as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 5, "pictures")
        (shown,) = await player.footage()

    assert set(shown.sizes) == {(640, 480)}


def test_passwords_of_cameras_are_not_shown(tmp_path: Path) -> None:
    settings = {
        "name": "door",
        "url": "rtsp://user:secret@192.0.2.1/x",
        "sub_stream_url": "rtsp://u:secret@192.0.2.1/y",
    }
    with running_api(tmp_path) as api, api.client() as admin, api.client("watcher") as watcher:
        admin.post("/api/streams", json=settings).raise_for_status()
        shown = [client.get("/go2rtc/api/streams").raise_for_status() for client in (admin, watcher)]

    assert shown[0].json()["door"]["producers"] == [{"url": "rtsp://user:********@192.0.2.1/x"}]
    assert shown[1].json()["door"]["producers"] == [{"url": "rtsp://192.0.2.1/x"}]
    assert all("secret" not in answer.text for answer in shown)


def test_a_port_of_its_own_serves_what_is_below_go2rtc_and_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    server = ServerProcess([COMMAND, "serve"], tmp_path, {"LIGHTNVR_GO2RTC_API_PORT": str(port)})
    with in_thread(camera) as cam, server, server.client() as client:
        client.post("/api/streams", json={"name": "door", "url": cam.camera.url}).raise_for_status()
        login = httpx.BasicAuth("admin", ADMIN_PASSWORD)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as nobody:
            listed = nobody.get("/go2rtc/api/streams", auth=login)
            film = nobody.get("/go2rtc/api/stream.mp4", params={"src": "door", "duration": 1}, auth=login)
            others = {
                path: nobody.get(path, auth=login).status_code
                for path in (
                    "/",
                    "/api/streams",
                    "/api/stream.mp4?src=door",
                    "/go2rtc",
                    "/go2rtc/",
                    "/go2rtc/api/config",
                )
            }
            written = nobody.put("/go2rtc/api/streams", params={"src": "x", "name": "x"}, auth=login).status_code
            refused = nobody.get("/go2rtc/api/streams").status_code
        ticket = client.post("/api/streams/door/ticket").raise_for_status().json()["ticket"]
        anyio.run(_sockets_are_only_below_go2rtc, port, ticket)

    assert list(listed.json()) == ["door"]
    assert film.status_code == 200
    assert film.content[4:8] == b"ftyp"
    assert set(others.values()) == {404}
    assert (written, refused) == (405, 401)
    assert "Traceback" not in server.output
    assert ticket not in server.output


async def _sockets_are_only_below_go2rtc(port: int, ticket: str) -> None:
    login = {"Authorization": "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()}
    for query, headers in (("", login), (f"&ticket={ticket}", {})):
        async with mse_player(port, "door", path="/go2rtc/api/ws", query=query, headers=headers) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 5, "pictures")
    with pytest.raises(InvalidStatus) as refused:
        async with mse_player(port, "door", headers=login):
            pass
    assert refused.value.response.status_code == 404
