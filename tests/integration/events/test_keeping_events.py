"""What becomes of events when the database is busy, the server is killed, or the recordings are gone."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.events.edges import Edge, Origin, Reason
from lightnvr.events.going import Going, Pending, Stored
from lightnvr.events.log import EventLog
from lightnvr.events.model import ChangeKind, EventChange
from lightnvr.events.pictures import EventPictures
from lightnvr.events.pruning import EventPruning
from lightnvr.events.store import EventFilter, EventStore
from lightnvr.events.writing import EventWriting
from lightnvr.media.packets import MediaPacket
from lightnvr.recording import detection_pruning
from lightnvr.recording.marks import StoredMarks
from tests.cameras import camera
from tests.rig.nvr import PATIENCE_S, eventually, running_nvr
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

pytestmark = pytest.mark.anyio

_AT_US = 1_785_578_400_000_000


def _edge(stream_id: int, at_us: int = _AT_US, origin: Origin = Origin.MODEL) -> Edge:
    return Edge(stream_id, f"camera {stream_id}", Reason(origin), is_start=True, at_us=at_us)


async def test_events_wait_for_a_database_that_is_busy(tmp_path: Path) -> None:
    async with running_nvr(tmp_path) as nvr:
        told: list[EventChange] = []
        nvr.server.events.follow(told.append)
        path = nvr.settings.database.path
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            nvr.server.events.began(_edge(1))
            # Whatever does not write goes on meanwhile.
            assert (await nvr.get("/api/events"))["events"] == []
            nvr.server.events.ended(1, _AT_US + 5)
            assert told == []
            other.execute("ROLLBACK")
        await eventually(lambda: len(told) == 2, "both changes are told")
        assert [change.kind for change in told] == [ChangeKind.BEGAN, ChangeKind.ENDED]
        assert [row["stream"] for row in (await nvr.get("/api/events"))["events"]] == ["camera 1"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_event_that_went_on_is_over_after_a_restart(tmp_path: Path, how: signal.Signals) -> None:
    with ServerProcess([COMMAND, "serve"], tmp_path) as first, first.client() as client:
        body = {"name": "door", "url": "rtsp://127.0.0.1:1/x", "record": False, "detection_based_recording": True}
        client.post("/api/streams", json=body).raise_for_status()
        trigger = {"stream": "door", "action": "start", "label": "person"}
        assert client.post("/api/motion/trigger", json=trigger).status_code == 202
        until(lambda: bool(client.get("/api/events").json()["events"]), "the event is stored")
        first.stop(how)
    with ServerProcess([COMMAND, "serve"], tmp_path) as again, again.client() as client:
        until(lambda: not client.get("/api/events?ongoing=true").json()["events"], "nothing goes on")
        (event,) = client.get("/api/events").json()["events"]
    assert event["end"] >= event["start"]
    assert event["interrupted"] is (how is signal.SIGKILL)


class _Away(EventWriting):
    """A database that is away until it is not."""

    is_away = True

    async def store(self, batch: Sequence[Pending]) -> list[Stored]:
        """See EventWriting."""
        if self.is_away:
            raise OperationalError("INSERT", None, sqlite3.OperationalError("disk I/O error"))
        return await super().store(batch)


@asynccontextmanager
async def _database(tmp_path: Path) -> AsyncIterator[Database]:
    async with running_nvr(tmp_path) as nvr:
        database = open_database(database_url("", nvr.settings.database.path))
        try:
            yield database
        finally:
            await database.close()


def _log(database: Database, writing: EventWriting, folder: Path) -> EventLog:
    async def develop(_keyframe: MediaPacket) -> bytes:
        return b"jpeg"

    async def folder_of(_stream_id: int) -> str:
        return "door"

    pictures = EventPictures(folder, develop, folder_of, lambda _: None)
    return EventLog(writing, StoredMarks(database), pictures, lambda: _AT_US)


async def test_what_waits_is_bounded_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with _database(tmp_path) as database:
        writing = _Away(database)
        log = _log(database, writing, tmp_path)
        told: list[EventChange] = []
        log.follow(told.append)
        running = asyncio.create_task(log.run())
        for number in range(1500):
            log.began(_edge(number, _AT_US + number))
            log.ended(number, _AT_US + number + 1)
        assert log.waiting == 2000
        assert log.counts.lost_changes == 1000
        await eventually(lambda: log.counts.failures > 1, "it is tried again")
        assert [record.message for record in caplog.records].count("events cannot be stored; they wait") == 1
        writing.is_away = False
        await eventually(lambda: len(told) >= 2000, "all are stored")
        # The end of an event whose beginning was given up tells all of it.
        assert {change.event.stream_id for change in told if change.kind is ChangeKind.ENDED} == set(range(500, 1500))
        assert not await EventStore(database).page(EventFilter(ongoing=True), None, 10)
        log.stop()
        await running


async def test_who_follows_is_told_of_events_that_the_last_stop_interrupted(tmp_path: Path) -> None:
    async with _database(tmp_path) as database:
        writing = EventWriting(database)
        going = Going.begun_by(_edge(1, _AT_US))
        await writing.store([Pending(ChangeKind.BEGAN, going, going.event(), _AT_US)])
        await writing.heard([going.id], _AT_US + 5_000_000)
        log = _log(database, writing, tmp_path)
        told: list[EventChange] = []
        log.follow(told.append)
        running = asyncio.create_task(log.run())
        await eventually(lambda: bool(told), "it is told of")
        log.stop()
        await running
    (change,) = told
    assert (change.kind, change.at_us, change.event.end_us) == (
        ChangeKind.ENDED,
        _AT_US + 5_000_000,
        _AT_US + 5_000_000,
    )
    assert (change.event.id, change.event.interrupted) == (going.id, True)


async def test_events_go_with_their_pictures_when_the_recordings_are_gone(tmp_path: Path) -> None:
    snapshots = tmp_path / "snapshots"
    (snapshots / "door").mkdir(parents=True)
    async with _database(tmp_path) as database:
        writing = EventWriting(database)
        for number, name in enumerate(("old.jpg", "new.jpg")):
            (snapshots / "door" / name).write_bytes(b"jpeg")
            going = Going.begun_by(_edge(1, _AT_US + number * 1_000_000))
            going.end(going.start_us + 10)
            going.picture, going.picture_folder = name, "door"
            await writing.store([Pending(ChangeKind.ENDED, going, going.event(), going.start_us)])
        pruning = EventPruning(database, snapshots, detection_pruning.oldest_us)
        assert await pruning.prune(lambda _: _AT_US + 500_000) == 1
        left = await EventStore(database).page(EventFilter(), None, 10)
    assert [event.picture for event in left] == ["new.jpg"]
    assert [path.name for path in (snapshots / "door").iterdir()] == ["new.jpg"]


async def test_without_room_for_it_an_event_has_no_picture(tmp_path: Path) -> None:
    async with camera() as cam, running_nvr(tmp_path) as nvr:
        # No folder can be made where a file is.
        nvr.root.mkdir(parents=True, exist_ok=True)
        (nvr.root / "snapshots").write_bytes(b"")
        stream = await nvr.add(cam.url)
        await stream.connected()
        body = {"stream": stream.name, "action": "pulse", "label": "person"}
        assert (await nvr.client.post("/api/motion/trigger", json=body)).status_code == 202
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE_S
        while "\nlightnvr_event_pictures_missing_total 1\n" not in (await nvr.client.get("/api/metrics")).text:
            assert loop.time() < ends, "the picture is missing"
            await asyncio.sleep(0.05)
        (event,) = (await nvr.get("/api/events"))["events"]
    assert event["picture"] is None
