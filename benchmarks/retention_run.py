"""Milliseconds to find what may be deleted out of a million recordings, and how fast recordings are deleted.

The files do not exist: what is measured is the database, which is what others wait for. Then the same by a server that
records cameras, which must lose nothing.
"""

import argparse
import asyncio
import shutil
import time
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.engine import URL

from benchmarks.deleting_live import LiveDeleting, delete_while_recording
from benchmarks.many_recordings import CAMERAS, database_with
from benchmarks.options import parser, positive, report, workplace
from benchmarks.table import Table, percentile, verdict
from lightnvr.db.engine import database_url, open_database
from lightnvr.db.tables import storages
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.model import RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import AT_ONCE, Removal
from lightnvr.recording.storage import Storage

_LIST_TARGET_MS = 50.0


def main() -> None:
    """Run and print."""
    options = parser("retention_run", __doc__)
    options.add_argument("--rows", type=positive, default=1_000_000)
    options.add_argument("--deletions", type=positive, default=10_000)
    options.add_argument("--live-deletions", type=positive, default=100_000, help="while cameras are recorded")
    options.add_argument("--cameras", type=positive, default=16, help="that are recorded meanwhile")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        url = database_with(arguments.cache, arguments.rows)
        table = asyncio.run(_measure(arguments, folder, url))
        live = delete_while_recording(
            arguments.cache, Path(str(url.database)), folder, arguments.live_deletions, arguments.cameras
        )
    report(_with_live(table, live, arguments), arguments)


async def _measure(arguments: argparse.Namespace, folder: Path, url: URL) -> Table:
    path = folder / "lightnvr.db"
    await asyncio.to_thread(shutil.copy, str(url.database), path)
    Storage(1, "main", folder / "recordings").adopt()
    database, opened = open_database(database_url("", path)), OpenRecordings()
    removal = Removal(database, OsDisk(), opened, lambda: time.time_ns() // 1000)
    archive, library = StoredArchive(database, removal), RecordingLibrary(database, opened, removal)
    found: list[float] = []
    used: list[float] = []
    batches: list[float] = []
    lists: list[float] = []
    try:
        async with database.writing.begin() as connection:
            await connection.execute(update(storages).values(root=str(folder / "recordings")))
        deleted, began = 0, time.perf_counter()
        ends = asyncio.Event()
        asking = asyncio.create_task(_ask(library, lists, ends))
        while deleted < arguments.deletions:
            at = time.perf_counter()
            await archive.used_bytes()
            used.append(time.perf_counter() - at)
            for camera in range(CAMERAS):
                at = time.perf_counter()
                some = await archive.candidates(f"cam{camera}", 2 * AT_ONCE, 0)
                found.append(time.perf_counter() - at)
                for first in range(0, len(some), AT_ONCE):
                    at = time.perf_counter()
                    removed = await removal.remove([each.id for each in some[first : first + AT_ONCE]])
                    batches.append(time.perf_counter() - at)
                    deleted += len(removed.recordings)
        took = time.perf_counter() - began
        ends.set()
        await asking
    finally:
        await database.close()
    rows = [
        (name, str(len(times)), f"{percentile(times, 50) * 1000:.1f}", f"{percentile(times, 95) * 1000:.1f}")
        for name, times in (
            ("what each stream takes", used),
            ("what may be deleted of one stream", found),
            (f"deleting {AT_ONCE} recordings", batches),
            ("a page of 100 meanwhile", lists),
        )
    ]
    notes = f"{arguments.rows:,} recordings of {CAMERAS} cameras; {deleted:,} deleted, {deleted / took:.0f} a second."
    return Table("Deleting", ("", "times", "median, ms", "p95, ms"), tuple(rows), notes)


def _with_live(table: Table, live: LiveDeleting, arguments: argparse.Namespace) -> Table:
    """Add what was found on the server that recorded."""
    p95_ms = percentile(live.lists_s, 95) * 1000
    found = live.found
    missing = found.lost + found.doubled + found.unreadable
    rows = (
        *((*row, "", "") for row in table.rows),
        (
            "the same over HTTP, of a server that records",
            str(len(live.lists_s)),
            f"{percentile(live.lists_s, 50) * 1000:.1f}",
            f"{p95_ms:.1f}",
            f"≤ {_LIST_TARGET_MS:g} ms",
            verdict(p95_ms, _LIST_TARGET_MS),
        ),
        ("pictures lost, doubled or unreadable in it", str(missing), "", "", "0", verdict(missing, 0)),
        ("gaps between its recordings", str(len(live.gaps_s)), "", "", "0", verdict(len(live.gaps_s), 0)),
        ("packets dropped", str(live.dropped), "", "", "0", verdict(live.dropped, 0)),
    )
    notes = (
        f"{table.notes} The server deleted {live.deleted:,} in {live.took_s:.0f} s "
        f"({live.deleted / max(live.took_s, 0.001):.0f} a second) while it recorded {arguments.cameras} cameras of "
        f"2 Mbit/s; the longest gap is {max(live.gaps_s, default=0):.2f} s; "
        f"{found.pictures} pictures in {found.rotations + arguments.cameras} files were decoded."
    )
    return Table(table.title, (*table.columns, "target", ""), rows, notes)


async def _ask(library: RecordingLibrary, times: list[float], ends: asyncio.Event) -> None:
    sorts = tuple(RecordingSort)
    while not ends.is_set():
        wanted = RecordingFilter(sort=sorts[len(times) % len(sorts)])
        at = time.perf_counter()
        await library.page(wanted, offset=100 * len(times), limit=100)
        times.append(time.perf_counter() - at)
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    main()
