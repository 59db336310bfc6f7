"""What looks after recordings once they are made: finding, deleting and picturing them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lightnvr.config.settings import Settings, StorageSettings
from lightnvr.db.engine import Database
from lightnvr.playback.thumbnail_cache import ThumbnailCache
from lightnvr.playback.thumbnails import Thumbnails
from lightnvr.recording.batch_deletion import StoredBatchDeletions
from lightnvr.recording.engine import RecordingEngine
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.recorded_time import StoredTime


@dataclass(frozen=True, slots=True)
class Care:
    """Looks up, deletes and pictures recordings."""

    recordings: RecordingLibrary
    recorded: StoredTime
    deletions: StoredBatchDeletions
    thumbnails: Thumbnails


def thumbnails_each(storage: StorageSettings) -> int:
    """Return how many thumbnails a recording has."""
    return int(storage.thumbnails_per_recording) if storage.generate_thumbnails else 0


@asynccontextmanager
async def caring(settings: Settings, database: Database, engine: RecordingEngine) -> AsyncIterator[Care]:
    """Run what looks after recordings until the context is left."""
    recordings = RecordingLibrary(database, engine.open_recordings, engine.removal, engine.storages.error)
    recorded = StoredTime(database, engine.open_recordings)
    storage = settings.storage
    cache = ThumbnailCache(settings.general.data_dir / "thumbnails", storage.thumbnail_cache_mb * 2**20)
    thumbnails = Thumbnails(recordings, recorded, cache, each=thumbnails_each(storage))
    engine.removal.on_removed(thumbnails.forget)
    deletions = StoredBatchDeletions(database, engine.removal, time.monotonic)
    tidying = asyncio.create_task(thumbnails.tidy(), name="thumbnails")
    try:
        yield Care(recordings, recorded, deletions, thumbnails)
    finally:
        tidying.cancel()
        await asyncio.wait([tidying])
        await deletions.close()
        await thumbnails.close()
