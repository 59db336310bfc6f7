"""Finished recordings, each a row and a file of few bytes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recordings
from lightnvr.recording import store
from lightnvr.recording.disk import Disk
from lightnvr.recording.layout import DirectoryFormat, recording_path
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.segment_file import SegmentFile
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe
from tests.rig.segments import facts, write

SIZE = 1000
APART_US = 900_000_000


async def keep(
    database: Database,
    root: Path,
    count: int,
    *,
    stream: str = "door",
    start_us: int = NOON_US,
    disk: Disk | None = None,
    **columns: object,
) -> list[int]:
    """Store so many finished recordings of a quarter of an hour and of `SIZE` bytes; return the ids, oldest first.

    `columns` are set in each row. With a `disk` the files are made there, else in the real `root`.
    """
    async with database.writing.begin() as connection:
        return [
            await _keep_one(connection, root, stream, start_us + number * APART_US, disk, columns)
            for number in range(count)
        ]


@cache
def _segment() -> SegmentFile:
    return write(Recipe(seconds=1)).segment.recording.segment


async def _keep_one(
    connection: AsyncConnection, root: Path, stream: str, start_us: int, disk: Disk | None, columns: dict[str, object]
) -> int:
    method = CaptureMethod(str(columns.get("capture_method", "continuous")))
    path = str(recording_path(stream, start_us, method, DirectoryFormat.YEAR_MONTH_DAY))
    about = replace(facts(root, path, start_us), stream_name=stream, capture_method=method)
    if disk is None:
        about.absolute_path.parent.mkdir(parents=True, exist_ok=True)
        about.absolute_path.write_bytes(bytes(SIZE))
    else:
        file = disk.create(about.absolute_path)
        file.write_at(0, bytes(SIZE))
        file.sync()
        folder = about.absolute_path.parent
        while folder != root.parent:
            disk.sync_folder(folder)
            folder = folder.parent
    recording_id = await store.insert_open(connection, OpenRecording(about, _segment()))
    await store.complete(connection, recording_id, end_us=start_us + APART_US, size_bytes=SIZE)
    if columns:
        await connection.execute(update(recordings).where(recordings.c.id == recording_id).values(columns))
    return recording_id


def media_files(root: Path) -> list[Path]:
    """Return the files of recordings below a root, from which folders may be disappearing."""
    found = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    return sorted(path for path in found if path.suffix == ".mp4")


async def rows_and_files_agree(database: Database, root: Path, files: Sequence[Path] | None = None) -> bool:
    """Whether each row has its file and each file its row; `files` are those there are, unless they are in `root`."""
    there = set(media_files(root) if files is None else files)
    async with database.reading.connect() as connection:
        paths = (await connection.execute(recordings.select().with_only_columns(recordings.c.path))).scalars()
        return {root / path for path in paths} == there
