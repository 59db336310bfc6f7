"""Many finished recordings are stored at once, on either database, as if each had been recorded here."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path, PurePosixPath

import pytest
from sqlalchemy import text

from lightnvr.db.engine import Database
from lightnvr.recording import facets, store, taking_over
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.facets import Facet, FacetKind
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.model import DAY_US, CaptureMethod, RecordingFilter, RecordingSort, Tier
from lightnvr.recording.plain_file import PlainFile, read_plain_file
from lightnvr.recording.ranks import COUNT_ALL_SQL
from lightnvr.recording.taking_over import TakenOver
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe
from tests.rig.original import write_plain_mp4

pytestmark = pytest.mark.anyio


@pytest.fixture
def file(tmp_path: Path) -> PlainFile:
    write_plain_mp4(tmp_path / "plain.mp4", Recipe(seconds=2))
    return read_plain_file(tmp_path / "plain.mp4")


def taken(file: PlainFile, number: int, **changes: object) -> TakenOver:
    one = TakenOver(
        stream_name="door" if number % 2 else "yard",
        path=PurePosixPath(f"mp4/door/recording_{number}.mp4"),
        start_us=NOON_US + number * DAY_US // 10,
        capture_method=CaptureMethod.CONTINUOUS,
        schedule_restricted=False,
        protected=False,
        tier=Tier.STANDARD,
        override_days=None,
        tags=(),
        file=file,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


async def test_lists_find_them_in_every_way(database: Database, file: PlainFile) -> None:
    seen = Detection("door", NOON_US + DAY_US // 10, NOON_US + DAY_US // 10 + 1, "cat", 0.5, Box(0, 0, 1, 1))
    some = [taken(file, number) for number in range(30)]
    some[3] = replace(some[3], tags=("parcel", "gate"), protected=True, capture_method=CaptureMethod.DETECTION)
    async with database.writing.begin() as connection:
        storage_id, _ = await store.ensure_storage(connection, "original", "/nowhere")
        assert await taking_over.add_detections(connection, [seen]) == 1
        assert await taking_over.add_detections(connection, [seen]) == 0
        await taking_over.add_finished(connection, storage_id, some[:20])
        await taking_over.add_finished(connection, storage_id, some[20:])

    async with database.reading.connect() as connection:

        async def starts(wanted: RecordingFilter, offset: int = 0) -> list[int]:
            page = await store.page(connection, wanted, offset, 100)
            return [(each.start_us - NOON_US) * 10 // DAY_US for each in page.recordings]

        for sort in RecordingSort:
            assert sorted(await starts(RecordingFilter(sort=sort))) == list(range(30))
        for sort in (RecordingSort.START_TIME, RecordingSort.END_TIME):
            wanted = RecordingFilter(methods=(CaptureMethod.CONTINUOUS,), sort=sort, descending=False)
            assert await starts(wanted) == [number for number in range(30) if number != 3]
        by_size = RecordingFilter(methods=(CaptureMethod.CONTINUOUS,), sort=RecordingSort.SIZE_BYTES)
        assert sorted(await starts(by_size)) == [number for number in range(30) if number != 3]
        assert await starts(RecordingFilter(streams=("door",)), offset=10) == [9, 7, 5, 3, 1]
        assert await starts(RecordingFilter(tags=("parcel",))) == [3]
        assert await starts(RecordingFilter(labels=("cat",))) == [1]
        assert await starts(RecordingFilter(detected=True)) == [3, 1]
        assert await starts(RecordingFilter(protected=True)) == [3]
        assert (await StoredMarks(database).of([2]))[2].labels == (("cat", 1),)


async def test_what_is_counted_is_what_counting_anew_gives(database: Database, file: PlainFile) -> None:
    async with database.writing.begin() as connection:
        storage_id, _ = await store.ensure_storage(connection, "original", "/nowhere")
        await taking_over.add_finished(connection, storage_id, [taken(file, number) for number in range(25)])
    ranks = "SELECT sorted_by, stream_name, period, bucket, recordings FROM recording_ranks ORDER BY 1, 2, 3, 4"
    days = f"SELECT start_us / {DAY_US}, stream_name, count(*), sum(size_bytes), sum(end_us - start_us) FROM recordings"
    async with database.writing.begin() as connection:
        counted = (await connection.execute(text(ranks))).all()
        await connection.execute(text("DELETE FROM recording_ranks"))
        for statement in COUNT_ALL_SQL:
            await connection.execute(text(statement))
        assert (await connection.execute(text(ranks))).all() == counted
        kept = "SELECT day, stream_name, recordings, size_bytes, recorded_us FROM recording_days ORDER BY 1, 2"
        anew = await connection.execute(text(f"{days} GROUP BY 1, 2 ORDER BY 1, 2"))
        assert [tuple(map(_plain, row)) for row in anew.all()] == [
            tuple(map(_plain, row)) for row in (await connection.execute(text(kept))).all()
        ]
        of_door = await facets.having(connection, Facet(FacetKind.STREAM, "door"), range(2))
        assert sum(bits.bit_count() for bits in of_door.values()) == 12


def _plain(value: object) -> object:
    return value if isinstance(value, str) else int(Decimal(str(value)))
