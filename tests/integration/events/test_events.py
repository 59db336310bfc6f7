"""Events: stored, listed, told of as they happen, and pictured; on a real server with a real camera."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import pytest

from lightnvr.accounts.model import Role
from lightnvr.events.edges import Edge, Origin, Reason
from lightnvr.recording.detection import Box, Detection
from lightnvr.streams.status import StreamState
from tests.cameras import camera
from tests.rig.nvr import PATIENCE_S, Nvr, Row, WatchedStream, running_nvr
from tests.rig.people import accounts

pytestmark = pytest.mark.anyio

_DEAD = "rtsp://127.0.0.1:1/x"


@dataclass
class Told:
    """One server-sent event."""

    kind: str
    number: int | None
    content: Row


class Following:
    """Reads the events of a server as they happen."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> Told:
        """Wait for the next one that has a name."""
        kind, number, content = "", None, "{}"
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "id":
                    number = int(value)
                elif name == "data":
                    content = value
                elif not line and kind:
                    return Told(kind, number, json.loads(content))
        raise AssertionError("the stream of events ended")

    async def ends(self) -> None:
        """Wait until the server ends it."""
        async with asyncio.timeout(PATIENCE_S):
            async for _ in self._lines:
                pass


@asynccontextmanager
async def following(client: httpx.AsyncClient, since: int | None = None) -> AsyncIterator[Following]:
    """Follow events while the context is open."""
    headers = {} if since is None else {"Last-Event-ID": str(since)}
    async with client.stream("GET", "/api/events/stream", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        lines = answer.aiter_lines()
        # The first line says that whoever follows will be told from now on.
        assert await anext(lines) == "retry: 2000"
        yield Following(lines)


@pytest.fixture
async def nvr(tmp_path: Path) -> AsyncIterator[Nvr]:
    """A server for one test."""
    async with running_nvr(tmp_path) as server:
        yield server


async def _dead(nvr: Nvr, **members: object) -> WatchedStream:
    return await nvr.add(_DEAD, record=False, detection_based_recording=True, **members)


async def _trigger(client: httpx.AsyncClient, stream: str, action: str, **members: object) -> None:
    answer = await client.post("/api/motion/trigger", json={"stream": stream, "action": action, **members})
    assert answer.status_code == 202, answer.text


async def _events(nvr: Nvr, **query: str) -> list[Row]:
    rows: list[Row] = (await nvr.get("/api/events", **query))["events"]
    return rows


async def _one_event(nvr: Nvr, stream: str, member: str) -> Row:
    """Wait until the only event of a stream has something."""
    answer = await _until(nvr, "/api/events", lambda found: any(row[member] for row in found["events"]), stream=stream)
    row: Row
    (row,) = answer["events"]
    return row


async def _until(nvr: Nvr, path: str, wanted: Callable[[Row], bool], **query: str) -> Row:
    """Ask until the answer is as wanted."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while not wanted(answer := await nvr.get(path, **query)):
        assert loop.time() < ends, f"this never came: {answer}"
        await asyncio.sleep(0.05)
    return answer


async def test_a_trigger_makes_an_event_that_is_told_and_listed(nvr: Nvr) -> None:
    stream = await _dead(nvr)
    async with following(nvr.client) as told:
        await _trigger(nvr.client, stream.name, "start", label="person", confidence=0.8)
        began = await told.next()
        assert (began.kind, began.content["event"]["stream"]) == ("began", stream.name)
        assert await _events(nvr, ongoing="true") == [began.content["event"]]
        await _trigger(nvr.client, stream.name, "stop")
        ended = await told.next()
    assert ended.kind == "ended"
    assert ended.number is not None
    assert began.number is not None
    assert ended.number > began.number
    (listed,) = await _events(nvr, stream=stream.name, label="person", origin="api", min_score="0.5")
    assert listed == ended.content["event"] == await nvr.get(f"/api/events/{listed['id']}")
    assert listed["labels"] == [{"label": "person", "count": 1, "score": 0.8}]
    assert (listed["origins"], listed["interrupted"], listed["picture"]) == (["api"], False, None)
    assert listed["end"] >= listed["start"]
    for query in ({"label": "cat"}, {"zone": "gate"}, {"origin": "model"}, {"ongoing": "true"}, {"min_score": "0.9"}):
        assert await _events(nvr, **query) == []
    assert (await nvr.client.get("/api/events/4711")).status_code == 404
    results = await nvr.get(f"/api/detection/results/{stream.name}")
    assert [row["label"] for row in results["detections"]] == ["person"], "stored once"


async def test_who_was_away_is_told_what_came_since(nvr: Nvr) -> None:
    stream = await _dead(nvr)
    async with following(nvr.client) as told:
        await _trigger(nvr.client, stream.name, "start")
        began = await told.next()
        await _trigger(nvr.client, stream.name, "stop")
        ended = await told.next()
    async with following(nvr.client, began.number) as told:
        again = await told.next()
    assert (again.kind, again.number, again.content) == (ended.kind, ended.number, ended.content)
    async with following(nvr.client, 4711) as told:
        missed = await told.next()
        assert (missed.kind, missed.content) == ("missed", {"since": 4711})
        await _trigger(nvr.client, stream.name, "start")
        assert (await told.next()).kind == "began", "and what comes then is told"
    answer = await nvr.client.get("/api/events/stream", headers={"Last-Event-ID": "soon"})
    assert answer.status_code == 400


async def test_pages_stay_in_place_while_events_come(nvr: Nvr) -> None:
    stream = await _dead(nvr)
    async with following(nvr.client) as told:
        for _ in range(7):
            await _pulse(nvr, stream, told)
        first = await nvr.get("/api/events", limit="3")
        await _pulse(nvr, stream, told)
        second = await nvr.get("/api/events", limit="3", cursor=first["next_cursor"])
        last = await nvr.get("/api/events", limit="3", cursor=second["next_cursor"])
    ids = [row["id"] for page in (first, second, last) for row in page["events"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 7
    assert last["next_cursor"] is None
    assert (await nvr.client.get("/api/events", params={"cursor": "yesterday"})).status_code == 400


async def _pulse(nvr: Nvr, stream: WatchedStream, told: Following) -> None:
    await _trigger(nvr.client, stream.name, "start")
    await _trigger(nvr.client, stream.name, "stop")
    while (await told.next()).kind != "ended":
        pass


async def test_an_event_of_a_detector_is_put_together_and_what_it_saw_is_stored(nvr: Nvr) -> None:
    stream = await _dead(nvr)
    happened = nvr.server.events
    at_us = 1_785_578_400_000_000

    def edge(at_us: int, *seen: Detection) -> Edge:
        return Edge(stream.id, stream.name, Reason(Origin.MODEL), is_start=True, at_us=at_us, seen=seen)

    def detection(at_us: int, label: str, score: float, zone: str = "") -> Detection:
        box = Box(0.25, 0.25, 0.5, 0.5)
        return Detection(stream.name, at_us, at_us, label, score, box, stream.id, track_id=3, zone=zone)

    async with following(nvr.client) as told:
        happened.began(edge(at_us, detection(at_us, "person", 0.5, "gate")))
        assert (await told.next()).kind == "began"
        later = at_us + 1_000_000
        happened.went_on(edge(later, detection(later, "person", 0.75), detection(later, "dog", 0.5, "lawn")))
        updated = await told.next()
        assert updated.kind == "updated"
        happened.ended(stream.id, at_us + 3_000_000)
        ended = (await told.next()).content["event"]
    assert ended["labels"] == [
        {"label": "person", "count": 2, "score": 0.75},
        {"label": "dog", "count": 1, "score": 0.5},
    ]
    assert (ended["zones"], ended["score"]) == (["gate", "lawn"], 0.75)
    assert (ended["start"], ended["end"]) == ("2026-08-01T10:00:00.000Z", "2026-08-01T10:00:03.000Z")
    assert await _events(nvr, zone="lawn", label="dog") == [ended]
    assert await _events(nvr, start="2026-08-01T10:00:00Z", end="2026-08-01T10:00:00Z") == [ended]
    assert await _events(nvr, start="2026-08-01T10:00:01Z", end="2026-08-02") == []
    span = {"start": "1785578400", "end": "1785578401"}
    path = f"/api/detection/results/{stream.name}"
    rows = (await _until(nvr, path, lambda answer: len(answer["detections"]) == 3, **span))["detections"]
    assert rows[-1] == {
        "label": "person", "confidence": 0.5, "x": 0.25, "y": 0.25, "width": 0.5, "height": 0.5,
        "timestamp": 1785578400, "end_timestamp": 1785578400, "track_id": 3, "zone_id": "gate",
    }  # fmt: skip
    assert len((await nvr.get(path, **span, limit="1", offset="1"))["detections"]) == 1
    assert (await nvr.get(path))["detections"] == [], "long ago"


async def test_an_event_has_a_picture_and_the_recording_that_shows_it(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url, detection_based_recording=True)
        await stream.has_recordings(lambda rows: len(rows) == 1, "it is recorded")
        await _trigger(nvr.client, stream.name, "start", label="person")
        event = await _one_event(nvr, stream.name, "picture")
        await _trigger(nvr.client, stream.name, "stop")
        event = await _one_event(nvr, stream.name, "end")
        answer = await nvr.client.get(event["picture"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        with av.open(io.BytesIO(answer.content)) as picture:
            assert picture.streams.video[0].width > 0
        (recording,) = await stream.recordings()
        assert event["recording_id"] == recording["id"]
        assert recording["has_detection"]
        for path in ("..%2Fsecret.jpg", "nothing.jpg", ".hidden.jpg", "a..jpg", "x.png", "%2e%2e%2f%2e%2e%2fkey.jpg"):
            refused = await nvr.client.get(f"/api/snapshots/{stream.folder}/{path}")
            assert refused.status_code in {400, 404}, path
        assert (await nvr.client.get("/api/snapshots/nobody/1.jpg")).status_code == 404


async def test_there_is_no_picture_while_a_stream_is_private(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        keyframe = nvr.server.fleet.find(stream.id).hub.latest_keyframe  # type: ignore[union-attr]
        await stream.change(set_privacy_mode=True)
        await stream.in_state(StreamState.STOPPED)
        happened = nvr.server.events
        edge = Edge(stream.id, stream.name, Reason(Origin.MODEL), is_start=True, at_us=1, keyframe=keyframe)
        async with following(nvr.client) as told:
            happened.began(edge)
            await told.next()
            happened.ended(stream.id, 2)
            ended = await told.next()
    assert ended.content["event"]["picture"] is None
    assert not (nvr.root / "snapshots").exists()


async def test_nobody_is_told_of_streams_that_they_may_not_see(tmp_path: Path) -> None:
    async with running_nvr(tmp_path, password="a long secret") as nvr:
        async with accounts(nvr) as administration:
            await administration.add("guest", "a long secret", Role.VIEWER)
            key = await administration.renew_api_key("guest")
        users = (await nvr.get("/api/auth/users"))["users"]
        (guest_id,) = [user["id"] for user in users if user["username"] == "guest"]
        await nvr.client.put(f"/api/auth/users/{guest_id}", json={"allowed_tags": "garden"})
        garden, hall = await _dead(nvr, tags="garden"), await _dead(nvr, tags="inside")
        base = str(nvr.client.base_url)
        async with (
            httpx.AsyncClient(base_url=base, headers={"X-API-Key": key}, timeout=30) as guest,
            following(guest) as told,
            following(nvr.client) as everything,
        ):
            await _trigger(nvr.client, hall.name, "start")
            hidden = (await everything.next()).content["event"]["id"]
            await _trigger(nvr.client, garden.name, "start")
            assert (await told.next()).content["event"]["stream"] == garden.name
            listed = (await guest.get("/api/events")).json()["events"]
            assert [row["stream"] for row in listed] == [garden.name]
            assert (await guest.get("/api/events", params={"stream": hall.name})).json()["events"] == []
            assert (await guest.get(f"/api/events/{hidden}")).status_code == 404
            assert (await guest.get(f"/api/detection/results/{hall.name}")).status_code == 404
            assert (await guest.get(f"/api/streams/{hall.name}/zones")).status_code == 404
            await nvr.client.put(f"/api/auth/users/{guest_id}", json={"is_active": False})
            await told.ends()


async def test_a_user_follows_on_eight_connections_at_most(nvr: Nvr) -> None:
    async with asyncio.TaskGroup() as group:
        leave = asyncio.Event()
        there = asyncio.Barrier(9)

        async def follow() -> None:
            async with following(nvr.client):
                await there.wait()
                await leave.wait()

        for _ in range(8):
            group.create_task(follow())
        await there.wait()
        assert (await nvr.client.get("/api/events/stream")).status_code == 503
        leave.set()
