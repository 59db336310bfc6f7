"""What the commands need that read recordings, beside a running server or without one."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lightnvr import __version__
from lightnvr.config import Settings
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.playback.clips import Clips
from lightnvr.playback.evidence.making import Evidence
from lightnvr.recording.digests import StoredDigests
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.recorded_time import StoredTime
from lightnvr.recording.removal import Removal
from lightnvr.safekeeping import upgrade


@dataclass(frozen=True, slots=True)
class OpenedArchive:
    """The recordings of an installation."""

    database: Database
    clips: Clips
    evidence: Evidence


@asynccontextmanager
async def opened_archive(settings: Settings) -> AsyncIterator[OpenedArchive]:
    """Open the database of an installation, which must be there. Raises OSError, UnusableDatabase."""
    if not settings.database.url and not settings.database.path.exists():
        raise FileNotFoundError(None, "There is no database", str(settings.database.path))
    url = database_url(settings.database.url, settings.database.path)
    await upgrade(settings, url)
    database, opened = open_database(url), OpenRecordings()
    try:
        library = RecordingLibrary(database, opened, Removal(database, OsDisk(), opened, _now_us))
        clips = Clips(StoredTime(database, opened), library, _now_us)
        evidence = Evidence(
            clips, StoredDigests(database), settings.evidence_key_file, f"LightNVR {__version__}", _now_us
        )
        yield OpenedArchive(database, clips, evidence)
    finally:
        await database.close()


def _now_us() -> int:
    return time.time_ns() // 1000
