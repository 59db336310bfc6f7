"""Recordings of any time, made of films without a camera: a data folder that a server then finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lightnvr.db.engine import database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.recording import store
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.layout import DirectoryFormat, recording_path
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import OpenRecording, RecordingFacts
from lightnvr.recording.segment import Segment
from lightnvr.recording.storage import Storage
from tests.rig.film import Recipe, film


@dataclass(frozen=True, slots=True)
class Part:
    """One recording: when it begins, in seconds since 1970 UTC, and what it shows."""

    start_s: int
    recipe: Recipe

    @property
    def end_s(self) -> int:
        """When it ends."""
        return self.start_s + self.recipe.seconds

    @property
    def numbers(self) -> range:
        """The numbers on its pictures."""
        return range(self.recipe.first, self.recipe.first + self.recipe.seconds * self.recipe.fps)


async def make_recordings(data_dir: Path, stream: str, parts: Sequence[Part]) -> None:
    """Write finished recordings of a stream into a data folder that is empty otherwise."""
    root = data_dir / "recordings"
    storage = Storage(1, "main", root)
    storage.adopt()
    made = [_write(storage, stream, part) for part in parts]
    await migrate(database_url("", data_dir / "lightnvr.db"))
    database = open_database(database_url("", data_dir / "lightnvr.db"))
    try:
        async with database.writing.begin() as connection:
            assert await store.ensure_storage(connection, "main", str(root)) == (1, True)
            for recording, size in made:
                key = await store.insert_open(connection, recording)
                packed = recording.segment.index.pack()
                await store.store_media(connection, key, fragments=packed, synced_bytes=size)
                await store.complete(connection, key, end_us=recording.progress.end_us, size_bytes=size)
    finally:
        await database.close()


def _write(storage: Storage, stream: str, part: Part) -> tuple[OpenRecording, int]:
    shown, start_us = film(part.recipe), part.start_s * 1_000_000
    path = recording_path(stream, start_us, CaptureMethod.CONTINUOUS, DirectoryFormat.YEAR_MONTH_DAY)
    facts = RecordingFacts(
        stream_name=stream,
        storage=storage,
        path=path,
        start_us=start_us,
        codec=shown.video.codec,
        width=part.recipe.width,
        height=part.recipe.height,
        fps=part.recipe.fps,
        capture_method=CaptureMethod.CONTINUOUS,
        schedule_restricted=False,
    )
    facts.absolute_path.parent.mkdir(parents=True, exist_ok=True)
    segment = Segment(OsDisk(), facts, shown.tracks, shown.video_packets[0], 500_000)
    for packet in shown.packets:
        segment.add(packet)
    segment.finish(part.end_s * 1_000_000)
    size = segment.recording.segment.finalise()
    segment.recording.segment.close()
    return segment.recording, size
