"""Lists without what is being written: the same as lists of all, with these taken out, on every page."""

import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from lightnvr.db.engine import Database
from lightnvr.recording import store
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.limited import LimitedRecordings
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.model import DAY_US, RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings, Progress
from lightnvr.recording.removal import Removal
from tests.rig.film import Recipe
from tests.rig.segments import facts, write

_BASE = 20_000 * DAY_US
_COUNT = 40


@pytest.fixture
async def library(database: Database) -> RecordingLibrary:
    """Recordings of three streams, about a quarter of them being written, most of them tagged."""
    rng, segment = random.Random(3), write(Recipe(seconds=1)).segment.recording.segment
    ids = []
    async with database.writing.begin() as connection:
        await store.ensure_storage(connection, "main", "/storage")
        for number in range(_COUNT):
            start_us = _BASE + rng.randrange(3 * DAY_US)
            about = replace(facts(Path("/storage"), f"mp4/{number}.mp4", start_us), stream_name=rng.choice("abc"))
            opened = OpenRecording(about, segment)
            opened.progress = Progress(start_us + rng.randrange(DAY_US), rng.randrange(2**40))
            key = await store.insert_open(connection, opened)
            ids.append(key)
            if rng.random() < 0.75:
                await store.complete(
                    connection, key, end_us=opened.progress.end_us, size_bytes=opened.progress.size_bytes
                )
    await StoredMarks(database).change_tags(rng.sample(ids, 30), ["seen"], [])
    nothing = OpenRecordings()
    return RecordingLibrary(database, nothing, Removal(database, OsDisk(), nothing, lambda: 0))


@pytest.mark.parametrize("sort", RecordingSort)
@pytest.mark.parametrize("descending", [True, False])
async def test_every_page_is_that_of_the_list_without_open_ones(
    library: RecordingLibrary, sort: RecordingSort, descending: bool
) -> None:
    for streams, tags, start_us in product(((), ("b",), ("a", "c")), ((), ("seen",)), (None, _BASE + DAY_US)):
        wanted = RecordingFilter(streams, start_us, None, sort, descending, tags=tags)
        everything = (await library.page(wanted, offset=0, limit=_COUNT)).recordings
        finished = [recording for recording in everything if recording.complete]
        assert len(finished) < len(everything)
        for offset in range(0, len(everything) + 3, 3):
            page = await library.finished_page(wanted, offset=offset, limit=4)
            assert list(page.recordings) == finished[offset : offset + 4], (wanted, offset)
            assert page.total == len(finished)


async def test_who_sees_some_streams_only_gets_their_finished_recordings(library: RecordingLibrary) -> None:
    limited = LimitedRecordings(library, frozenset({"b", "z"}))
    wanted = RecordingFilter()
    of_b = await library.finished_page(replace(wanted, streams=("b",)), offset=0, limit=_COUNT)
    assert await limited.finished_page(wanted, offset=0, limit=_COUNT) == of_b
    assert (await limited.finished_page(replace(wanted, streams=("a",)), offset=0, limit=_COUNT)).total == 0
