"""What keeps what happened in front of cameras: events, and their pictures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lightnvr.db.engine import Database
from lightnvr.events.log import EventLog
from lightnvr.events.pictures import EventPictures
from lightnvr.events.service import EventServices
from lightnvr.events.store import EventStore
from lightnvr.events.writing import EventWriting
from lightnvr.live.darkroom import Darkroom, Negative
from lightnvr.media.packets import MediaPacket
from lightnvr.media.snapshot import PictureForm
from lightnvr.recording.engine import RecordingEngine
from lightnvr.recording.marks import StoredMarks
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet

_PICTURE_WIDTH = 1280


def snapshots(engine: RecordingEngine) -> Path:
    """Return the folder of the pictures of events."""
    return engine.storages.default.root / "snapshots"


@asynccontextmanager
async def happening(
    database: Database, engine: RecordingEngine, catalog: StreamCatalog, fleet: Fleet, darkroom: Darkroom
) -> AsyncIterator[EventServices]:
    """Keep events and make their pictures until the context is left. Whoever makes events runs the log."""

    async def folder_of(stream_id: int) -> str | None:
        stream = await catalog.by_id(stream_id)
        return None if stream is None or stream.privacy_mode else stream.folder

    async def develop(keyframe: MediaPacket) -> bytes:
        return await Negative(keyframe, 0, darkroom).jpeg(PictureForm(width=_PICTURE_WIDTH))

    pictures = EventPictures(snapshots(engine), develop, folder_of, fleet.latest_keyframe)
    happened = EventLog(EventWriting(database), StoredMarks(database), pictures, engine.place.clock.now_us)
    picturing = asyncio.create_task(pictures.run(), name="event pictures")
    try:
        yield EventServices(EventStore(database), happened, pictures)
    finally:
        picturing.cancel()
        await asyncio.wait([picturing])
