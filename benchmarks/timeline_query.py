"""Milliseconds to ask for recorded time out of a million recordings: days as playlists, months as densities, lists.

Measured around the whole ASGI application (authentication by API key, validation, queries, text), without a network.
"""

import argparse
import asyncio
import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.api_in_process import api_key, api_on, get
from benchmarks.many_recordings import CAMERAS, FIRST_START_US, SEGMENT_US, database_with
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.table import Table, percentile, verdict
from lightnvr.db.engine import database_url, open_database
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.fragment_index import FragmentIndex, IndexedFragment
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.model import DAY_US
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal

_STREAM = "cam7"
_FRAGMENT_US = 500_000
_GOP_FRAGMENTS = 4
_FRAGMENT_BYTES = 125_000
_DAYS = 5
_TARGETS_MS = {
    "segments of a day": 20.0,
    "density of 30 days": 20.0,
    "playlist of a day": 50.0,
    "keyframes of a day": 50.0,
    "list of a month with a tag": 20.0,
    "list of a month with a label": 20.0,
    "statistics of 30 days": 20.0,
    "statistics of 366 days": 20.0,
}


def main() -> None:
    """Run and print."""
    options = parser("timeline_query", __doc__)
    options.add_argument("--rows", type=positive, default=1_000_000)
    options.add_argument("--repeat", type=positive, default=40, help="requests of each kind")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        cached = database_with(arguments.cache, arguments.rows).database
        path = folder / "lightnvr.db"
        shutil.copyfile(str(cached), path)
        first_day_us = _with_fragments(path, arguments.rows)
        taken = asyncio.run(_measure(arguments, folder, path, first_day_us))
    report(_table(arguments, taken), arguments)


def _with_fragments(path: Path, rows: int) -> int:
    """Give some days of one camera the fragment indexes that its files would have; return when the first begins."""
    first_us = (FIRST_START_US + rows // CAMERAS * SEGMENT_US // 2) // DAY_US * DAY_US
    index = FragmentIndex()
    for number in range(SEGMENT_US // _FRAGMENT_US):
        size = _FRAGMENT_BYTES + number * 7919 % 9000
        offset = 0 if index.last is None else index.last.offset + index.last.size
        is_key = not number % _GOP_FRAGMENTS
        index.append(IndexedFragment(offset or 1200, size, number * _FRAGMENT_US, _FRAGMENT_US, is_key))
    values = {"name": _STREAM, "from": first_us - SEGMENT_US, "to": first_us + _DAYS * DAY_US, "index": index.pack()}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO recording_media (recording_id, init_segment, fragments, synced_bytes)"
            " SELECT id, zeroblob(1000), :index, size_bytes FROM recordings"
            " WHERE stream_name = :name AND start_us BETWEEN :from AND :to",
            values,
        )
    return first_us


async def _measure(
    arguments: argparse.Namespace, folder: Path, path: Path, first_day_us: int
) -> dict[str, tuple[list[float], int]]:
    database = open_database(database_url("", path))
    rng = random.Random(1)
    taken: dict[str, tuple[list[float], int]] = {}
    try:
        opened = OpenRecordings()
        library = RecordingLibrary(database, opened, Removal(database, OsDisk(), opened, lambda: 0))
        # The present is when the recordings end.
        now_s = (FIRST_START_US + arguments.rows // CAMERAS * SEGMENT_US) / 1e6
        app = api_on(database, library, folder, now=lambda: now_s)
        key = await api_key(database, folder)
        for name in _TARGETS_MS:
            times: list[float] = []
            size = 0
            for number in range(arguments.repeat + 1):
                place, query = _request(name, first_day_us + rng.randrange(_DAYS - 1) * DAY_US + rng.randrange(DAY_US))
                began = time.perf_counter()
                size = max(size, len(await get(app, f"/api/{place}", query, key)))
                if number:
                    times.append((time.perf_counter() - began) * 1000)
            taken[name] = times, size
            say(f"{name}: p95 {percentile(times, 95):.1f} ms")
    finally:
        await database.close()
    return taken


def _request(name: str, start_us: int) -> tuple[str, dict[str, str | int]]:
    if name.startswith("statistics"):
        return "storage/daily", {"days": int(name.split()[2])}
    days = 1 if name.endswith("of a day") else 30
    query: dict[str, str | int] = {
        "stream": _STREAM,
        "start": f"{start_us / 1e6:.6f}",
        "end": f"{(start_us + days * DAY_US) / 1e6:.6f}",
    }
    if name.startswith("segments"):
        return "timeline/segments", query
    if name.startswith("density"):
        return "timeline/density", query | {"buckets": 720}
    if name.startswith("list"):
        filtered = {"tag": "delivery"} if name.endswith("tag") else {"detection_label": "person"}
        return "recordings", {"start": query["start"], "end": query["end"], "limit": 100} | filtered
    return "timeline/manifest", query | {"frames": "key" if name.startswith("keyframes") else "all"}


def _table(arguments: argparse.Namespace, taken: dict[str, tuple[list[float], int]]) -> Table:
    rows = tuple(
        (
            name,
            f"{percentile(times, 50):.1f}",
            f"{percentile(times, 95):.1f}",
            f"{size / 1024:.0f}",
            f"≤ {_TARGETS_MS[name]:g} ms",
            verdict(percentile(times, 95), _TARGETS_MS[name]),
        )
        for name, (times, size) in taken.items()
    )
    notes = (
        f"{arguments.rows:,} recordings of {CAMERAS} cameras in SQLite, 15 minutes to a file, fragments of half a "
        f"second, a keyframe every 2 s; spans that begin at a random moment; {arguments.repeat} requests each, in "
        "milliseconds. The file is in the system's cache."
    )
    return Table("Asking for recorded time", ("request", "p50", "p95", "answer, KiB", "target", ""), rows, notes)


if __name__ == "__main__":
    main()
