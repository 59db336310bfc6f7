"""A database with many recordings, kept between runs because making it takes a minute."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.schema import CreateIndex, CreateTable

from benchmarks.options import say
from lightnvr.db.engine import database_url
from lightnvr.db.migrating import migrate
from lightnvr.db.tables import metadata, recordings
from lightnvr.recording.facets import DETECTION, Facet, FacetKind, facets_of_row, rows_for, rows_of_order
from lightnvr.recording.model import DAY_US, CaptureMethod, RecordingSort
from lightnvr.recording.ranks import COUNT_ALL_SQL

CAMERAS = 16
FIRST_START_US = 1_704_067_200_000_000
"""2024-01-01 00:00:00 UTC."""
SEGMENT_US = 900_000_000

_RECORDINGS = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
starts AS (
  SELECT n, n % :cameras AS camera, :first + n / :cameras * :length + n % :cameras * 53000000 AS us FROM numbers
)
INSERT INTO recordings (stream_name, storage_id, path, start_us, end_us, size_bytes, complete, codec, width, height,
  fps, capture_method, schedule_restricted, protected, damaged)
SELECT 'cam' || camera, 1,
  'mp4/cam' || camera || strftime('/%Y/%m/%d/recording_%Y%m%d_%H%M%S.mp4', us / 1000000, 'unixepoch'),
  us, us + :length, 200000000 + n * 7919 % 50000000, 1, 'h264', 1280, 720, 15.0, 'continuous', 0, 0, ''
FROM starts
"""
_DAYS = """
INSERT INTO recording_days (day, stream_name, recordings, size_bytes, recorded_us)
SELECT start_us / :day AS day, stream_name, count(*), sum(size_bytes), sum(end_us - start_us)
FROM recordings GROUP BY day, stream_name
"""

# Each by a number that follows from the id without any order that a list could profit from.
_NUMBER = "id * 7919 % 10007"
_TAGS = f"""
INSERT INTO recording_tags (recording_id, tag)
SELECT id, 'delivery' FROM recordings WHERE {_NUMBER} < 500
UNION ALL SELECT id, 'evidence' FROM recordings WHERE {_NUMBER} BETWEEN 300 AND 309
"""
_LABELS = f"""
INSERT INTO recording_labels (recording_id, label, detections)
SELECT id, 'person', 1 + id % 40 FROM recordings WHERE {_NUMBER} < 3000
UNION ALL SELECT id, 'car', 1 + id % 7 FROM recordings WHERE {_NUMBER} BETWEEN 2000 AND 3999
UNION ALL SELECT id, 'dog', 1 FROM recordings WHERE {_NUMBER} BETWEEN 5000 AND 5099
"""
_FACETS = """
SELECT id, stream_name, start_us, capture_method, protected,
  (SELECT group_concat(tag) FROM recording_tags WHERE recording_id = id),
  (SELECT group_concat(label) FROM recording_labels WHERE recording_id = id)
FROM recordings
"""
_ORDERS = {
    RecordingSort.END_TIME: "SELECT id, end_us FROM recordings ORDER BY id",
    RecordingSort.SIZE_BYTES: "SELECT id, size_bytes FROM recordings ORDER BY id",
}


def database_with(cache: Path, rows: int) -> URL:
    """Return the address of a SQLite database with so many finished recordings of 15 minutes of 16 cameras.

    A third of them shows something that was detected, a twentieth is tagged. Their files do not exist, nor do their
    fragment indexes and the detections themselves, which no list reads. Made again when the tables change.
    """
    path = cache / f"recordings-{rows}-{_schema()}.db"
    url = database_url("", path)
    if path.exists():
        return url
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob(f"recordings-{rows}-*"):
        old.unlink()
    say(f"making a database of {rows} recordings, once, in {cache}")
    unfinished = path.with_suffix(".unfinished")
    asyncio.run(migrate(database_url("", unfinished)))
    _fill(unfinished, rows)
    unfinished.rename(path)
    return url


def _fill(path: Path, rows: int) -> None:
    values = {"last": rows - 1, "cameras": CAMERAS, "first": FIRST_START_US, "length": SEGMENT_US, "day": DAY_US}
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        with connection:
            connection.execute("INSERT INTO storages (id, name, root) VALUES (1, 'main', '/srv/recordings')")
            connection.execute(_RECORDINGS, values)
            connection.execute(_DAYS, values)
            connection.execute(_TAGS)
            connection.execute(_LABELS)
            connection.executemany(
                "INSERT INTO recording_facets (kind, value, block, bits) VALUES (?, ?, ?, ?)",
                rows_for((row[0], _facets(row)) for row in connection.execute(_FACETS)),
            )
            for sort, ordered in _ORDERS.items():
                connection.executemany(
                    "INSERT INTO recording_facets (kind, value, block, bits) VALUES (?, ?, ?, ?)",
                    list(rows_of_order(sort, connection.execute(ordered))),
                )
        connection.executescript(";".join(COUNT_ALL_SQL))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _facets(row: tuple[int, str, int, str, int, str | None, str | None]) -> Iterator[Facet]:
    _, stream_name, start_us, method, protected, tags, labels = row
    yield from facets_of_row(stream_name, start_us, CaptureMethod(method), protected=bool(protected))
    if tags:
        yield from (Facet(FacetKind.TAG, tag) for tag in tags.split(","))
    if labels:
        yield DETECTION
        yield from (Facet(FacetKind.LABEL, label) for label in labels.split(","))


def _schema() -> str:
    statements = [str(CreateTable(table)) for table in metadata.sorted_tables]
    statements += sorted(str(CreateIndex(index)) for index in recordings.indexes)
    return hashlib.sha256(
        "".join((*statements, _RECORDINGS, _DAYS, _TAGS, _LABELS, *_ORDERS.values(), *COUNT_ALL_SQL)).encode()
    ).hexdigest()[:12]
