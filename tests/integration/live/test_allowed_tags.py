"""What a user with `allowed_tags` sees: the streams with a common tag, and nothing at all of any other."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from lightnvr.api.permissions import PERMISSIONS, About
from tests.cameras import camera, film
from tests.integration.live.conftest import PASSWORD
from tests.integration.live.test_rtsp_access import basic, describes
from tests.rig import offers
from tests.rig.nvr import Nvr, WatchedStream, eventually, running_nvr
from tests.rig.routes import Asked, Row

ROWS = [Row(name) for name in PERMISSIONS]
SECRET = "a long secret"
UNKNOWN = "Bedroem"
_BODY = {
    "type": "offer",
    "sdp": offers.chromium(),
    "protected": True,
    "retention_days": 3,
    "expires_in": 60,
    "tags": ["checked"],
    "add": ["checked"],
    "action": "start",
}
"""What any request needs that has a body; members that it does not know are ignored."""


@dataclass(frozen=True, slots=True)
class Home:
    """A server with a stream that the guest may see and one that the guest may not."""

    nvr: Nvr
    guest: httpx.AsyncClient
    seen: WatchedStream
    hidden: WatchedStream
    seen_recording: int
    hidden_recording: int
    began_at: int

    async def ask(self, row: Row, asked: Asked) -> tuple[int, str]:
        """Return status and body."""
        body = _BODY | {"ids": [asked.id]} if row.method in {"POST", "PUT", "PATCH"} else None
        answer = await self.guest.request(row.method, row.address(asked) + self.span(row), json=body)
        return answer.status_code, answer.text

    async def ask_anonymously(self, row: Row, asked: Asked) -> tuple[int, str]:
        """Return the same, but for the name and the id of the request in the body."""
        status, text = await self.ask(row, asked)
        text = text.replace(asked.stream, "NAME")
        return status, text.replace(str(asked.id), "ID") if PERMISSIONS[row.name].about is About.RECORDING else text

    def span(self, row: Row) -> str:
        """Return the query for the time around the recordings, the same for each request."""
        span = f"start={self.began_at - 600}&end={self.began_at + 3600}"
        if row.path.endswith("/export"):
            return f"?{span}"
        needed = row.path.startswith("/api/timeline/") and "ids" not in row.path and "{" not in row.path
        return f"&{span}" if needed else ""


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    """Two cameras that are recorded, one indoors."""
    async with (
        running_nvr(tmp_path_factory.mktemp("home"), rtsp=True, password=PASSWORD) as nvr,
        camera(film("h264")) as cam,
    ):
        seen = await nvr.add(cam.url, name="Garden", tags="outdoor, front")
        hidden = await nvr.add(cam.url, name="Bedroom", tags="indoor")
        await asyncio.gather(seen.connected(), hidden.connected())
        rows = [
            await stream.has_recordings(lambda found: bool(found) and found[0]["size_bytes"] > 0, "it is recorded")
            for stream in (seen, hidden)
        ]
        for stream in (seen, hidden):
            await until_it_plays(nvr, stream)
        user = {"username": "guest", "password": SECRET, "role": 1, "allowed_tags": "outdoor,garage"}
        (await nvr.client.post("/api/auth/users", json=user)).raise_for_status()
        async with httpx.AsyncClient(base_url=nvr.client.base_url, timeout=30, auth=("guest", SECRET)) as guest:
            yield Home(nvr, guest, seen, hidden, rows[0][0]["id"], rows[1][0]["id"], int(time.time()))


async def until_it_plays(nvr: Nvr, stream: WatchedStream) -> None:
    for _ in range(400):
        answer = await nvr.client.get("/api/timeline/manifest", params={"stream": stream.name})
        if answer.status_code == 200:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{stream.name} cannot be played")


async def until_done(guest: httpx.AsyncClient, address: str) -> dict[str, Any]:
    for _ in range(400):
        state: dict[str, Any] = (await guest.get(address)).json()
        if state["complete"]:
            return state
        await asyncio.sleep(0.05)
    pytest.fail("the deletion does not end")


def rows(*about: About) -> list[Row]:
    return [row for row in ROWS if PERMISSIONS[row.name].about in about and row.method != "SOCKET"]


@pytest.mark.parametrize("row", rows(About.STREAM, About.RECORDING), ids=lambda row: row.name)
async def test_a_hidden_stream_is_answered_like_one_that_does_not_exist(home: Home, row: Row) -> None:
    hidden = await home.ask_anonymously(row, Asked(home.hidden.name, home.hidden_recording))
    unknown = await home.ask_anonymously(row, Asked(UNKNOWN, 999_999))
    assert hidden == unknown
    assert hidden[0] in {400, 404} or "timeline" in row.path
    if PERMISSIONS[row.name].about is About.STREAM and "{" in row.path:
        by_id = await home.ask_anonymously(row, Asked(str(home.hidden.id)))
        assert by_id == await home.ask_anonymously(row, Asked("999999"))


LISTS = [row for row in rows(About.STREAMS) if row.path != "/api/events/stream"]
"""All but the one without an end, which test_events.py follows."""


@pytest.mark.parametrize("row", LISTS, ids=lambda row: row.name)
async def test_nothing_of_a_hidden_stream_is_in_any_list(home: Home, row: Row) -> None:
    status, text = await home.ask(row, Asked(id=home.hidden_recording))
    assert status in {200, 202, 400, 404, 405}
    assert home.hidden.name not in text
    assert f'"id":{home.hidden_recording}' not in text


async def test_what_is_allowed_is_there(home: Home) -> None:
    guest = home.guest
    assert [row["name"] for row in (await guest.get("/api/streams")).json()["streams"]] == ["Garden"]
    listed = (await guest.get("/api/recordings", params={"limit": "all"})).json()["recordings"]
    assert {row["stream"] for row in listed} == {"Garden"}
    for path in (
        "/api/streams/Garden",
        f"/api/recordings/{home.seen_recording}",
        f"/api/recordings/play/{home.seen_recording}",
        f"/api/recordings/thumbnail/{home.seen_recording}/0",
        f"/api/streams/Garden/export?start={home.began_at - 600}&end={home.began_at + 3600}",
        "/api/streams/Garden/recording",
        "/api/timeline/manifest?stream=Garden",
        f"/api/timeline/init/{home.seen_recording}.mp4",
        "/hls/Garden/ll.m3u8",
        "/api/frame.jpeg?src=Garden",
        "/api/stream.ts?src=Garden",
    ):
        async with guest.stream("GET", path) as answer:
            assert answer.status_code == 200, path
    assert 'stream="Garden"' in (await guest.get("/api/metrics")).text
    detail = (await guest.get("/api/health")).json()
    assert [row["name"] for row in detail["streams_detail"]] == ["Garden"]
    assert list((await guest.get("/go2rtc/api/streams")).json()) == ["Garden"]
    # One who is not restricted sees both.
    assert len((await home.nvr.get("/api/streams"))["streams"]) == 2
    assert {row["stream"] for row in (await home.nvr.get("/api/recordings"))["recordings"]} == {"Garden", "Bedroom"}


async def test_lists_that_ask_for_a_hidden_stream_are_empty(home: Home) -> None:
    answer = (await home.guest.get("/api/recordings", params={"stream": "Bedroom"})).json()
    assert (answer["recordings"], answer["pagination"]["total"]) == ([], 0)
    answer = (await home.guest.get("/api/recordings", params={"stream": "Bedroom,Garden"})).json()
    assert {row["stream"] for row in answer["recordings"]} == {"Garden"}
    body = {"ids": [home.hidden_recording, home.seen_recording], "protected": True}
    answer = (await home.guest.post("/api/recordings/batch-protect", json=body)).json()
    assert answer["failed_ids"] == [home.hidden_recording]
    protected = (await home.nvr.get("/api/recordings/protected"))["recordings"]
    assert [row["stream"] for row in protected] == ["Garden"]
    await home.nvr.client.put(f"/api/recordings/{home.hidden_recording}/protect", json={"protected": True})
    assert (await home.guest.get("/api/recordings/protected")).json()["protected_count"] == 1


async def test_many_recordings_at_once_are_only_those_in_sight(home: Home) -> None:
    guest, both = home.guest, [home.hidden_recording, home.seen_recording]
    tagged = (await guest.post("/api/recordings/batch-tags", json={"ids": both, "add": ["ours"]})).json()
    assert (tagged["recordings_count"], tagged["failed_ids"]) == (1, [home.hidden_recording])
    await home.nvr.client.put(f"/api/recordings/{home.hidden_recording}/tags", json={"tags": ["theirs"]})
    assert "theirs" in (await home.nvr.get("/api/recordings/tags"))["tags"]
    assert "theirs" not in (await guest.get("/api/recordings/tags")).json()["tags"]
    assert "ours" in (await guest.get("/api/recordings/tags")).json()["tags"]

    packed = (await guest.post("/api/recordings/batch-download", json={"ids": both})).json()
    assert (packed["total"], packed["missing_ids"]) == (1, [home.hidden_recording])
    archive = await guest.get(f"/api/recordings/batch-download/result/{packed['token']}")
    assert archive.status_code == 200
    assert home.hidden.name.encode() not in archive.content

    for body, total in (
        ({"ids": [home.hidden_recording]}, 1),
        ({"filter": {"stream_name": home.hidden.name}}, 0),
        ({"filter": {"stream_name": home.hidden.name, "protected": 0}}, 0),
    ):
        job = (await guest.post("/api/recordings/batch-delete", json=body)).json()["job_id"]
        state = await until_done(guest, f"/api/recordings/batch-delete/progress/{job}")
        assert (state["status"], state["total"], state["succeeded"], state["failed"]) == ("complete", total, 0, total)
    assert (await home.nvr.client.get(f"/api/recordings/{home.hidden_recording}")).status_code == 200
    daily = (await guest.get("/api/storage/daily")).json()["streams"]
    assert {row["stream"] for row in daily} <= {"Garden"}


async def test_sockets_and_rtsp_hide_it_too(home: Home) -> None:
    key = (await home.nvr.client.post(f"/api/auth/users/{await guest_id(home)}/api-key")).json()["api_key"]
    said = []
    for name in (home.hidden.name, UNKNOWN):
        address = f"{str(home.guest.base_url).replace('http', 'ws')}/api/ws?src={name}"
        async with connect(address, additional_headers={"X-API-Key": key}, proxy=None) as socket:
            await socket.send(json.dumps({"type": "mse", "value": "avc1.640029"}))
            said.append(json.loads(await socket.recv()))
    assert said[0] == said[1] == {"type": "error", "value": "mse: Stream not found"}
    for name, status in ((home.seen.name, 200), (home.hidden.name, 404), (UNKNOWN, 404)):
        assert await describes(home.nvr, home.nvr.rtsp(name), basic("guest", key)) == status, name


async def test_a_restricted_user_cannot_take_a_stream_out_of_sight(home: Home) -> None:
    new = {"name": "Shed", "url": "rtsp://192.0.2.1/", "enabled": False}
    assert (await home.guest.post("/api/streams", json=new)).status_code == 403
    assert (await home.guest.put("/api/streams/Garden", json={"tags": "indoor"})).status_code == 403
    assert (await home.guest.post("/api/streams", json=new | {"tags": "garage"})).status_code == 201
    assert (await home.guest.delete("/api/streams/Shed")).status_code == 200


async def test_other_tags_end_what_is_being_watched(home: Home) -> None:
    async def watch() -> bytes:
        received = b""
        async with home.guest.stream("GET", "/api/stream.ts", params={"src": "Garden"}) as answer:
            began.set()
            async for piece in answer.aiter_bytes():
                received += piece
        return received

    changes: tuple[tuple[Callable[[str], Awaitable[None]], str, str], ...] = (
        (lambda tags: home.seen.change(tags=tags), "attic", "outdoor, front"),
        (lambda tags: allow(home, tags), "indoor", "outdoor,garage"),
    )
    for change, others, before in changes:
        began = asyncio.Event()
        watching = asyncio.create_task(watch())
        await began.wait()
        await change(others)
        await eventually(watching.done, "the live view ends")
        assert (await home.guest.get("/api/frame.jpeg", params={"src": "Garden"})).status_code == 404
        await change(before)
        assert (await home.guest.get("/api/streams/Garden")).status_code == 200


async def test_the_right_to_watch_live_can_be_taken(home: Home) -> None:
    path = f"/api/auth/users/{await guest_id(home)}"
    (await home.nvr.client.put(path, json={"allowed_actions": "playback"})).raise_for_status()
    for address in ("/hls/Garden/ll.m3u8", "/api/frame.jpeg?src=Garden", "/api/stream.mp4?src=Garden"):
        assert (await home.guest.get(address)).status_code == 403
    assert (await home.guest.get(f"/api/recordings/play/{home.seen_recording}")).status_code == 200
    (await home.nvr.client.put(path, json={"allowed_actions": None})).raise_for_status()
    assert (await home.guest.get("/api/frame.jpeg?src=Garden")).status_code == 200


async def guest_id(home: Home) -> int:
    users = (await home.nvr.get("/api/auth/users"))["users"]
    return next(int(user["id"]) for user in users if user["username"] == "guest")


async def allow(home: Home, tags: str) -> None:
    path = f"/api/auth/users/{await guest_id(home)}"
    (await home.nvr.client.put(path, json={"allowed_tags": tags})).raise_for_status()
