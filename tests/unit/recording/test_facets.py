"""Lists filtered by what recordings have: every page is what a plain list would give, after any changes."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recording_facets, recording_labels, recording_tags, recordings
from lightnvr.recording import facets, labelling, selection, store
from lightnvr.recording.care import StoredCare
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.facets import Facet, FacetKind
from lightnvr.recording.known_facets import KnownFacets
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.model import BY_DETECTION, DAY_US, CaptureMethod, Recording, RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecording, Progress
from lightnvr.recording.orders import ORDERS
from tests.rig.film import Recipe
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import facts, write

pytestmark = pytest.mark.anyio
_BASE = 20_000 * DAY_US
_SEGMENT = write(Recipe(seconds=1)).segment.recording.segment
_STREAMS = ("door", "yard", "Ä b")
_LABELS = ("person", "Car", "car park")
_TAGS = ("a", "b")


@dataclass(frozen=True, slots=True)
class _Made:
    """A recording: stream, start, length, whether it is finished, and what it has."""

    stream: str
    start_us: int
    length_us: int
    finished: bool
    method: CaptureMethod
    protected: bool
    tags: frozenset[str]
    size: int


_TIMES = st.integers(_BASE - 2 * DAY_US, _BASE + 2 * DAY_US)
_ROWS = st.lists(
    st.builds(
        _Made,
        stream=st.sampled_from(_STREAMS),
        start_us=_TIMES,
        length_us=st.integers(0, DAY_US // 4),
        finished=st.sampled_from((True, True, True, False)),
        method=st.sampled_from((CaptureMethod.CONTINUOUS, CaptureMethod.MANUAL, CaptureMethod.MOTION)),
        protected=st.booleans(),
        tags=st.frozensets(st.sampled_from(_TAGS)),
        size=st.integers(0, 3) | st.integers(0, 2**40),
    ),
    max_size=25,
)
_SEEN = st.lists(
    st.tuples(st.sampled_from(_STREAMS), _TIMES, st.integers(0, DAY_US // 8), st.sampled_from(_LABELS)), max_size=15
)
_FILTERS = st.builds(
    RecordingFilter,
    streams=st.lists(st.sampled_from((*_STREAMS, "none")), max_size=2, unique=True).map(tuple),
    start_us=st.none() | _TIMES,
    end_us=st.none() | _TIMES,
    sort=st.sampled_from(RecordingSort),
    descending=st.booleans(),
    methods=st.lists(st.sampled_from(CaptureMethod), max_size=2, unique=True).map(tuple),
    protected=st.none() | st.booleans(),
    detected=st.none() | st.booleans(),
    labels=st.lists(st.sampled_from(("PERS", "car", "park", "x")), max_size=2, unique=True).map(tuple),
    tags=st.lists(st.sampled_from((*_TAGS, "c")), max_size=2, unique=True).map(tuple),
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        yield opened


async def _insert(connection: AsyncConnection, number: int, made: _Made) -> int:
    about = facts(Path("/storage"), f"mp4/{number}.mp4", made.start_us)
    opened = OpenRecording(replace(about, stream_name=made.stream, capture_method=made.method), _SEGMENT)
    opened.progress = Progress(made.start_us + made.length_us // 2, made.size // 2)
    return await store.insert_open(connection, opened)


async def _finish(connection: AsyncConnection, key: int, made: _Made) -> None:
    if made.finished:
        await store.complete(connection, key, end_us=made.start_us + made.length_us, size_bytes=made.size)


def _detection(seen: tuple[str, int, int, str]) -> Detection:
    stream, start_us, length_us, label = seen
    return Detection(stream, start_us, start_us + length_us, label, 1.0, Box(0, 0, 1, 1))


def _labels(row: Recording, seen: list[Detection]) -> Counter[str]:
    """What a recording shows: an open one also what came later than it has come."""
    return Counter(
        each.label
        for each in seen
        if each.stream_name == row.stream_name
        and row.start_us <= each.end_us
        and row.start_us - DAY_US <= each.start_us
        and each.start_us - DAY_US <= row.start_us
        and (each.start_us <= row.end_us or not row.complete)
    )


def _wanted(row: Recording, tags: frozenset[str], labels: Counter[str], wanted: RecordingFilter) -> bool:
    detected = bool(labels) or row.capture_method in BY_DETECTION
    return (
        (not wanted.streams or row.stream_name in wanted.streams)
        and (wanted.start_us is None or row.start_us >= wanted.start_us)
        and (wanted.end_us is None or row.start_us <= wanted.end_us)
        and (not wanted.methods or row.capture_method in wanted.methods)
        and wanted.protected in {None, row.protected}
        and wanted.detected in {None, detected}
        and (not wanted.tags or bool(tags & set(wanted.tags)))
        and (not wanted.labels or any(part.lower() in label.lower() for part in wanted.labels for label in labels))
    )


_KEYS = {
    RecordingSort.ID: lambda row: (row.id,),
    RecordingSort.STREAM_NAME: lambda row: (row.stream_name.encode(), row.id),
    RecordingSort.START_TIME: lambda row: (row.start_us, row.id),
    RecordingSort.END_TIME: lambda row: (row.end_us, row.id),
    RecordingSort.SIZE_BYTES: lambda row: (row.size_bytes, row.id),
}


_FINISHED = select(recordings.c.id, recordings.c.end_us, recordings.c.size_bytes).where(recordings.c.complete == true())


async def _as_they_should_be(connection: AsyncConnection) -> dict[tuple[str, str, int], int]:
    """The facets, made anew from the rows, the tags and the labels."""
    expected: dict[tuple[str, str, int], int] = {}

    def has(key: int, facet: Facet) -> None:
        place = (facet.kind.value, facet.value, key >> 12)
        expected[place] = expected.get(place, 0) | 1 << (key & 4095)

    for key in (await connection.execute(select(recordings.c.id))).scalars().all():
        row = await store.get(connection, key)
        assert row is not None
        for facet in facets.facets_of(row):
            has(key, facet)
    for key, tag in (await connection.execute(select(recording_tags))).all():
        has(key, Facet(FacetKind.TAG, tag))
    for key, label, _ in (await connection.execute(select(recording_labels))).all():
        has(key, Facet(FacetKind.LABEL, label))
        has(key, facets.DETECTION)
    for key, end_us, size in (await connection.execute(_FINISHED)).all():
        for sort, value in ((RecordingSort.END_TIME, end_us), (RecordingSort.SIZE_BYTES, size)):
            ((block, digits),) = ORDERS[sort].bits_of([(key, value)]).items()
            if digits:
                place = (facets.ORDERED[sort].kind.value, "", block)
                expected[place] = expected.get(place, 0) | digits
    return expected


async def _as_they_are(connection: AsyncConnection) -> dict[tuple[str, str, int], int]:
    query = select(recording_facets).where(recording_facets.c.kind != FacetKind.CHANGE.value)
    rows = (await connection.execute(query)).all()
    return {(kind, value, block): int.from_bytes(bits, "little") for kind, value, block, bits in rows}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    made=_ROWS,
    early=_SEEN,
    late=_SEEN,
    wanted=_FILTERS,
    gone=st.sets(st.integers(0, 24)),
    offset=st.integers(0, 20),
    limit=st.sampled_from((0, 1, 3, 50)),
    gathered=st.sampled_from((0, 1000)),
)
async def test_any_page_of_any_filtered_list_is_right(
    database: Database,
    made: list[_Made],
    early: list[tuple[str, int, int, str]],
    late: list[tuple[str, int, int, str]],
    wanted: RecordingFilter,
    gone: set[int],
    offset: int,
    limit: int,
    gathered: int,
) -> None:
    marks, care = StoredMarks(database), StoredCare(database)
    async with database.writing.begin() as connection:
        for table in ("recording_facets", "recordings", "detections", "recording_days", "recording_ranks"):
            await connection.exec_driver_sql(f"DELETE FROM {table}")
        # The ids cross the border between two blocks.
        await connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'recordings'")
        await connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('recordings', 4085)")
        ids = [await _insert(connection, number, each) for number, each in enumerate(made)]
        await labelling.add_detections(connection, [_detection(each) for each in early])
        for key, each in zip(ids, made, strict=True):
            await _finish(connection, key, each)
        await labelling.add_detections(connection, [_detection(each) for each in late])
    # What is remembered of this moment must not be taken for what is true later.
    known = KnownFacets()
    async with database.reading.connect() as connection:
        early_page = await selection.page(connection, wanted, offset, limit, known=known)
        assert early_page == await selection.page(connection, wanted, offset, limit)
    for key, each in zip(ids, made, strict=True):
        await marks.set_tags(key, sorted(each.tags))
    await care.protect_all([key for key, each in zip(ids, made, strict=True) if each.protected], True)
    left = [(key, each) for number, (key, each) in enumerate(zip(ids, made, strict=True)) if number not in gone]
    async with database.writing.begin() as connection:
        await store.remove_all(connection, [key for key in ids if key not in {kept for kept, _ in left}])
    async with database.reading.connect() as connection:
        assert await _as_they_are(connection) == await _as_they_should_be(connection)
        seen = [_detection(each) for each in (*early, *late)]
        rows: list[Recording] = []
        for key, each in left:
            row = await store.get(connection, key)
            assert row is not None
            labels = _labels(row, seen)
            told = dict((await marks.of([key]))[key].labels) if labels or each.tags else {}
            assert told == dict(labels)
            if _wanted(row, each.tags, labels, wanted):
                rows.append(row)
        rows.sort(key=_KEYS[wanted.sort], reverse=wanted.descending)
        page = await selection.page(connection, wanted, offset, limit, gathered=gathered)
        assert (list(page.recordings), page.total) == (rows[offset : offset + limit], len(rows))
        assert await selection.page(connection, wanted, offset, limit, known=known, gathered=gathered) == page
        assert await selection.page(connection, wanted, offset, limit, known=known) == page
        finished = await selection.finished_ids(connection, wanted)
        assert sorted(finished) == sorted(row.id for row in rows if row.complete)
        if wanted.by_facets:
            assert await store.page(connection, wanted, offset, limit) == page
