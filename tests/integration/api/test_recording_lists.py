"""Lists of recordings are the same on SQLite and on PostgreSQL, also those of a database of an earlier version."""

import random
from dataclasses import replace
from itertools import product
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

import lightnvr.db
from lightnvr.db.engine import Database, open_database
from lightnvr.db.migrating import migrate
from lightnvr.db.tables import recording_ranks
from lightnvr.recording import listing, ranks, selection, store
from lightnvr.recording.care import StoredCare
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.model import DAY_US, Recording, RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecording, Progress
from tests.rig.film import Recipe
from tests.rig.segments import facts, write

_BASE = 20_000 * DAY_US
_STREAMS = ("yard", "Door", "door", "Ä b")


async def _fill(connection: AsyncConnection, count: int) -> list[Recording]:
    rng, segment = random.Random(1), write(Recipe(seconds=1)).segment.recording.segment
    _, _ = await store.ensure_storage(connection, "main", "/storage")
    stored: list[Recording] = []
    for number in range(count):
        start_us = _BASE + rng.randrange(30 * DAY_US)
        about = facts(Path("/storage"), f"mp4/{number}.mp4", start_us)
        opened = OpenRecording(replace(about, stream_name=rng.choice(_STREAMS)), segment)
        end_us, size = start_us + rng.randrange(DAY_US), rng.randrange(2 ** rng.randrange(1, 40))
        opened.progress = Progress(end_us, size)
        recording_id = await store.insert_open(connection, opened)
        if rng.random() < 0.8:
            await store.complete(connection, recording_id, end_us=end_us + 1, size_bytes=size + 1)
        row = await store.get(connection, recording_id)
        assert row is not None
        stored.append(row)
    for row in rng.sample(stored, 20):
        assert await store.remove(connection, row)
        stored.remove(row)
    return stored


def _place(row: Recording, sort: RecordingSort) -> tuple[bytes, int, int]:
    value = {
        RecordingSort.START_TIME: row.start_us,
        RecordingSort.END_TIME: row.end_us,
        RecordingSort.SIZE_BYTES: row.size_bytes,
    }.get(sort, 0)
    return row.stream_name.encode() if sort is RecordingSort.STREAM_NAME else b"", value, row.id


async def test_every_list_is_in_order(database: Database) -> None:
    async with database.writing.begin() as connection:
        stored = await _fill(connection, 160)
    bounds = [
        (None, None),
        (_BASE + 3 * DAY_US, None),
        (None, _BASE + 20 * DAY_US),
        (_BASE + DAY_US, _BASE + 25 * DAY_US),
    ]
    async with database.reading.connect() as connection:
        for sort, descending, streams, (start_us, end_us) in product(
            RecordingSort, (True, False), ((), ("door",), ("Ä b", "yard")), bounds
        ):
            wanted = RecordingFilter(streams, start_us, end_us, sort, descending)
            rows = [
                row
                for row in stored
                if (not streams or row.stream_name in streams)
                and (start_us or 0) <= row.start_us <= (end_us or row.start_us)
            ]
            rows.sort(key=lambda row: _place(row, sort), reverse=descending)
            page = await store.page(connection, wanted, 0, 1000)
            assert (list(page.recordings), page.total) == (rows, len(rows)), wanted
            if sort is not RecordingSort.START_TIME:
                for offset in range(0, len(rows), 35):
                    page = await listing.page(connection, wanted, offset, 20, gathered=0)
                    assert (list(page.recordings), page.total) == (rows[offset : offset + 20], len(rows)), wanted


async def test_filtered_lists_are_right(database: Database) -> None:
    async with database.writing.begin() as connection:
        stored = await _fill(connection, 60)
    marks, care = StoredMarks(database), StoredCare(database)
    tagged, protected = stored[::3], stored[::4]
    await marks.change_tags([row.id for row in stored], ["a", "b"], ["b"])
    await marks.change_tags([row.id for row in stored if row not in tagged], [], ["a"])
    await care.protect_all([row.id for row in protected], True)
    seen = [
        Detection(row.stream_name, row.start_us, row.start_us, "Person", 1.0, Box(0, 0, 1, 1)) for row in stored[::5]
    ]
    await marks.add_detections(seen)
    assert (await marks.tags(), await marks.labels()) == (("a",), ("Person",))
    told = await marks.of([row.id for row in stored])
    shown = [row for row in stored if row.id in told and told[row.id].labels]
    assert {row.id for row in stored[::5]} <= {row.id for row in shown}
    assert await marks.detected([row.id for row in stored]) == {row.id for row in shown}
    async with database.reading.connect() as connection:
        for sort, wanted, rows in product(
            RecordingSort,
            (RecordingFilter(tags=("a", "c")),),
            (tagged,),
        ):
            page = await store.page(connection, replace(wanted, sort=sort), 0, 100)
            expected = sorted(rows, key=lambda row: _place(row, sort), reverse=True)
            assert [row.id for row in page.recordings] == [row.id for row in expected], sort
            page = await selection.page(connection, replace(wanted, sort=sort), 3, 5, gathered=0)
            assert [row.id for row in page.recordings] == [row.id for row in expected[3:8]], sort
        for wanted, rows in (
            (RecordingFilter(protected=False, tags=("a",)), [row for row in tagged if row not in protected]),
            (RecordingFilter(labels=("pers",)), shown),
            (RecordingFilter(detected=False), [row for row in stored if row not in shown]),
        ):
            page = await store.page(connection, wanted, 0, 100)
            assert {row.id for row in page.recordings} == {row.id for row in rows}, wanted
    async with database.writing.begin() as connection:
        await store.remove_all(connection, [row.id for row in tagged])
    assert await marks.tags() == ()


async def test_the_recordings_of_an_earlier_version_are_counted(empty_database: URL) -> None:
    opened = open_database(empty_database)
    async with opened.writing.begin() as connection:
        await connection.run_sync(_first_version)
        await connection.execute(text("INSERT INTO storages (id, name, root) VALUES (1, 'main', '/storage')"))
        for number in range(60):
            values = {
                "stream": _STREAMS[number % 4],
                "path": f"{number}.mp4",
                "start_us": _BASE + number * DAY_US,
                "end_us": _BASE + number * DAY_US + 9,
                "size_bytes": 3**number % 2**44,
                "complete": number % 9 > 0,
            }
            await connection.execute(_RECORDING, values)
    await migrate(empty_database)
    async with opened.writing.begin() as connection:
        counted = await _ranks(connection)
        await connection.execute(delete(recording_ranks))
        for statement in ranks.COUNT_ALL_SQL:
            await connection.exec_driver_sql(statement)
        assert counted == await _ranks(connection)
        assert (await store.page(connection, RecordingFilter(protected=False), 0, 1)).total == 60
        assert (await store.page(connection, RecordingFilter(("Ä b",), protected=False), 0, 1)).total == 15
        for sort in RecordingSort:
            wanted = RecordingFilter(protected=False, sort=sort)
            page = await selection.page(connection, wanted, 7, 40, gathered=0)
            everything = (await selection.page(connection, wanted, 0, 60, gathered=100)).recordings
            assert page.recordings == everything[7:47], sort
            assert list(everything) == sorted(everything, key=lambda row, by=sort: _place(row, by), reverse=True)  # type: ignore[misc]
        whole = await ranks.count_streams(connection, RecordingFilter())
        assert whole == [("Door", 13), ("door", 13), ("yard", 13), ("Ä b", 14)]
    await opened.close()


async def _ranks(connection: AsyncConnection) -> list[tuple[object, ...]]:
    return sorted(map(tuple, await connection.execute(select(recording_ranks))))


def _first_version(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(lightnvr.db.__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


_RECORDING = text(
    "INSERT INTO recordings (stream_name, storage_id, path, start_us, end_us, size_bytes, complete, codec, width,"
    " height, fps, capture_method, schedule_restricted, protected, damaged)"
    " VALUES (:stream, 1, :path, :start_us, :end_us, :size_bytes, :complete, 'h264', 1, 1, 1, 'continuous', false,"
    " false, '')"
)
