"""Milliseconds to list recordings out of a million: first, middle, last and random pages, by stream, time and order.

Measured around the whole ASGI application (authentication by API key, validation, query, JSON), without a network.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import URL

from benchmarks.api_in_process import api_key, api_on, get
from benchmarks.many_recordings import CAMERAS, FIRST_START_US, SEGMENT_US, database_with
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.table import Table, percentile, verdict
from lightnvr.db.engine import open_database
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.model import DAY_US, CaptureMethod, RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal

TARGET_MS = 20.0
_HOUR_US = DAY_US // 24


@dataclass(frozen=True, slots=True)
class Timed:
    """One list: how many recordings it has; milliseconds of each request, by kind of page; of the query alone."""

    name: str
    total: int
    first: list[float]
    middle: list[float]
    last: list[float]
    random: list[float]
    query_alone: list[float]

    @property
    def every(self) -> list[float]:
        """Return the milliseconds of all requests."""
        return [*self.first, *self.middle, *self.last, *self.random]


def main() -> None:
    """Run and print."""
    options = parser("list_recordings", __doc__)
    options.add_argument("--rows", type=positive, default=1_000_000)
    options.add_argument("--limit", type=positive, default=100, help="recordings a page")
    options.add_argument("--repeat", type=positive, default=25, help="requests of each kind of page")
    options.add_argument("--only", default="", help="lists whose name has this in it")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        timed = asyncio.run(_measure(arguments, folder, database_with(arguments.cache, arguments.rows)))
    report(_table(arguments, timed), arguments)


def lists(rows: int) -> dict[str, RecordingFilter]:
    """Return the lists to ask for."""
    length_us = rows // CAMERAS * SEGMENT_US
    middle_us = (FIRST_START_US + length_us // 2) // DAY_US * DAY_US
    odd_us = middle_us + 5 * _HOUR_US + 1_234_567
    half = RecordingFilter(start_us=FIRST_START_US + length_us // 4, end_us=FIRST_START_US + length_us * 3 // 4)
    month = RecordingFilter(start_us=odd_us, end_us=odd_us + 30 * DAY_US)
    one, three = ("cam7",), ("cam1", "cam7", "cam15")
    return {
        "all": RecordingFilter(),
        "all, oldest first": RecordingFilter(descending=False),
        **_sorted("all", RecordingFilter()),
        "one stream": RecordingFilter(one),
        **_sorted("one stream", RecordingFilter(one)),
        "three streams": RecordingFilter(three),
        **_sorted("three streams", RecordingFilter(three)),
        "a day": RecordingFilter(start_us=middle_us, end_us=middle_us + DAY_US - 1),
        "30 days from an odd hour": month,
        **_sorted("30 days from an odd hour", month),
        "one stream, 30 days from an odd hour": replace(month, streams=one),
        **_sorted("one stream, 30 days from an odd hour", replace(month, streams=one)),
        "half of the time": half,
        **_sorted("half of the time", half),
        **_sorted("one stream, half of the time", replace(half, streams=one)),
        **_sorted("three streams, half of the time", replace(half, streams=three)),
        **_filtered(month, one),
    }


def _filtered(month: RecordingFilter, one: tuple[str, ...]) -> dict[str, RecordingFilter]:
    tagged, person = RecordingFilter(tags=("delivery",)), RecordingFilter(labels=("person",))
    return {
        "with a tag that 5 % have": tagged,
        "with a tag that 0.1 % have": RecordingFilter(tags=("evidence",)),
        "with any of two tags": RecordingFilter(tags=("delivery", "evidence")),
        "with a tag, by id": replace(tagged, sort=RecordingSort.ID),
        "with a tag, by stream_name": replace(tagged, sort=RecordingSort.STREAM_NAME),
        "with a label that 30 % have": person,
        "with a label that 1 % have": RecordingFilter(labels=("dog",)),
        "with any of two labels": RecordingFilter(labels=("person", "car")),
        "with a label, one stream": replace(person, streams=one),
        "with a label, 30 days from an odd hour": replace(month, labels=("person",)),
        "with a label and a tag, one stream, 30 days": replace(
            month, labels=("person",), tags=("delivery",), streams=one
        ),
        "with detections": RecordingFilter(detected=True),
        "without detections": RecordingFilter(detected=False),
        "not protected": RecordingFilter(protected=False),
        "continuous, not protected, with detections": RecordingFilter(
            methods=(CaptureMethod.CONTINUOUS,), protected=False, detected=True
        ),
        "with a label, by size_bytes": replace(person, sort=RecordingSort.SIZE_BYTES),
    }


def _sorted(name: str, wanted: RecordingFilter) -> dict[str, RecordingFilter]:
    return {
        f"{name}, by {sort}": replace(wanted, sort=sort)
        for sort in RecordingSort
        if sort is not RecordingSort.START_TIME
    }


async def _measure(arguments: argparse.Namespace, folder: Path, url: URL) -> list[Timed]:
    database = open_database(url)
    try:
        opened = OpenRecordings()
        removal = Removal(database, OsDisk(), opened, lambda: 0)
        library = RecordingLibrary(database, opened, removal)
        app, key = api_on(database, library, folder), await api_key(database, folder)
        rng = random.Random(1)
        timed: list[Timed] = []
        for name, wanted in lists(arguments.rows).items():
            if arguments.only not in name:
                continue
            limit, repeat = arguments.limit, arguments.repeat
            total = (await library.page(wanted, offset=0, limit=1)).total
            pages = -(-total // limit)

            async def handler(page: int, wanted: RecordingFilter = wanted) -> None:
                await get(app, "/api/recordings", {**_query(wanted), "page": page, "limit": arguments.limit}, key)

            async def query(page: int, wanted: RecordingFilter = wanted) -> None:
                offset = (page - 1) * arguments.limit
                await library.page(wanted, offset=offset, limit=arguments.limit)

            some = [rng.randint(1, pages) for _ in range(repeat)]
            await _times(handler, [1])
            one = Timed(
                name,
                total,
                await _times(handler, [1] * repeat),
                await _times(handler, [(pages + 1) // 2] * repeat),
                await _times(handler, [pages] * repeat),
                await _times(handler, some),
                await _times(query, some),
            )
            timed.append(one)
            say(f"{name}: p95 {percentile(one.every, 95):.1f} ms, query alone {percentile(one.query_alone, 95):.1f} ms")
        return timed
    finally:
        await database.close()


async def _times(ask: Callable[[int], Awaitable[None]], pages: list[int]) -> list[float]:
    taken: list[float] = []
    for page in pages:
        began = time.perf_counter()
        await ask(page)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _query(wanted: RecordingFilter) -> dict[str, str | int]:
    query: dict[str, str | int] = {"sort": wanted.sort.value, "order": "desc" if wanted.descending else "asc"}
    if wanted.streams:
        query["stream"] = ",".join(wanted.streams)
    if wanted.start_us is not None:
        query["start"] = f"{wanted.start_us / 1e6:.6f}"
    if wanted.end_us is not None:
        query["end"] = f"{wanted.end_us / 1e6:.6f}"
    lists = {"tag": wanted.tags, "detection_label": wanted.labels, "capture_method": wanted.methods}
    query |= {name: ",".join(values) for name, values in lists.items() if values}
    if wanted.protected is not None:
        query["protected"] = int(wanted.protected)
    if wanted.detected is not None:
        query["has_detection"] = 1 if wanted.detected else -1
    return query


def _table(arguments: argparse.Namespace, timed: list[Timed]) -> Table:
    rows = []
    for one in timed:
        worst = percentile(one.every, 95)
        p95 = [f"{percentile(some, 95):.1f}" for some in (one.first, one.middle, one.last, one.random, one.query_alone)]
        rows.append(
            (
                one.name,
                f"{one.total:,}",
                *p95,
                f"{percentile(one.every, 50):.1f}",
                f"{worst:.1f}",
                f"≤ {TARGET_MS:g} ms",
                verdict(worst, TARGET_MS),
            )
        )
    notes = (
        f"{arguments.rows:,} recordings of {CAMERAS} cameras in SQLite; pages of {arguments.limit}, newest first "
        f"unless said otherwise; {arguments.repeat} requests for each kind of page, in milliseconds. The file is in "
        "the system's cache, as it is on a server that is used."
    )
    kinds = ("first p95", "middle p95", "last p95", "random p95", "query alone p95", "all p50", "all p95")
    return Table("Listing recordings", ("list", "recordings", *kinds, "target", ""), tuple(rows), notes)


if __name__ == "__main__":
    main()
