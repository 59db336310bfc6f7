"""The configured streams: every change is checked whole and stored whole, or not at all."""

from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.streams.checking import keeps_no_password, merged
from lightnvr.streams.masking import is_same_place, source_address
from lightnvr.streams.model import (
    DuplicateStream,
    InvalidStreamSetting,
    NewStream,
    Stream,
    StreamChange,
    StreamNotFound,
    TooManyStreams,
)
from lightnvr.streams.names import folder_name, stream_name
from lightnvr.streams.settings import StreamSettings
from lightnvr.streams.store import StreamStore


class StreamCatalog:
    """Lists, adds, changes and removes streams. It never starts or stops anything.

    `segment_duration` is the length of recordings, in seconds, of streams that are made without one. `now` gives
    seconds since 1970 UTC. `storages` are the names of those that streams can be recorded to. `max_streams` and
    `segment_duration` may be replaced.
    """

    def __init__(
        self,
        database: Database,
        store: StreamStore,
        *,
        max_streams: int,
        segment_duration: int,
        storages: Container[str] = ("main",),
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._store = store
        self.max_streams = max_streams
        self.segment_duration = segment_duration
        self._storages = storages
        self._now = now
        self.changes = 0
        """How often a stream was added, changed or removed, or that was tried."""

    async def every(self) -> tuple[Stream, ...]:
        """Return all streams, by name."""
        async with self._database.reading.connect() as connection:
            return await self._store.every(connection)

    async def tags(self) -> dict[str, str]:
        """Return the tags of each stream, separated by commas, by its name."""
        async with self._database.reading.connect() as connection:
            return await self._store.tags(connection)

    async def by_id(self, stream_id: int) -> Stream | None:
        """Return the stream with this id, or None when it is not there (any more)."""
        async with self._database.reading.connect() as connection:
            return await self._store.by_id(connection, stream_id)

    async def find(self, reference: str) -> Stream:
        """Return the stream with this name, else the one with this id. Raises StreamNotFound."""
        async with self._database.reading.connect() as connection:
            stream = await self._store.by_name(connection, reference)
            if stream is None and reference.isascii() and reference.isdigit():
                stream = await self._store.by_id(connection, int(reference))
        if stream is None:
            raise StreamNotFound(reference)
        return stream

    async def add(self, new: NewStream) -> Stream:
        """Store a new stream. Raises InvalidStreamSetting, DuplicateStream, TooManyStreams."""
        name = stream_name(new.name)
        source = source_address(new.url, None)
        defaults = StreamSettings(segment_duration=self.segment_duration, is_onvif="onvif" in new.url.lower())
        settings = self._checked(merged(defaults, new.settings), new.settings)
        now = int(self._now())
        draft = Stream(0, name, "", source, settings, privacy_mode=False, created_at=now, updated_at=now)
        try:
            async with self._changing() as connection:
                return await self._add(connection, draft)
        except IntegrityError:  # on PostgreSQL another request can be faster with the same name
            raise DuplicateStream(name) from None

    async def _add(self, connection: AsyncConnection, draft: Stream) -> Stream:
        if await self._store.by_name(connection, draft.name) is not None:
            raise DuplicateStream(draft.name)
        if await self._store.count(connection) >= self.max_streams:
            raise TooManyStreams(self.max_streams)
        stream = replace(draft, folder=folder_name(draft.name, await self._store.folders(connection)))
        return replace(stream, id=await self._store.add(connection, stream))

    async def change(self, reference: str, change: StreamChange) -> Stream:
        """Store a change and return the stream as it is now.

        Raises StreamNotFound, InvalidStreamSetting.
        """
        stream_id = (await self.find(reference)).id
        async with self._changing() as connection:
            stored = await self._store.by_id(connection, stream_id)
            if stored is None:
                raise StreamNotFound(reference)
            source = stored.source if change.url is None else source_address(change.url, stored.source)
            if not is_same_place(source, stored.source):
                keeps_no_password(stored.settings, change.settings)
            changed = replace(
                stored,
                source=source,
                settings=self._checked(merged(stored.settings, change.settings), change.settings),
                privacy_mode=stored.privacy_mode if change.privacy_mode is None else change.privacy_mode,
                updated_at=int(self._now()),
            )
            await self._store.replace(connection, stored, changed)
            return await self._store.by_id(connection, stream_id) or changed

    def _checked(self, settings: StreamSettings, given: StreamSettings) -> StreamSettings:
        # One that is not there any more may stay: its stream is recorded to the usual one meanwhile.
        if "storage" in given.model_fields_set and settings.storage and settings.storage not in self._storages:
            raise InvalidStreamSetting("storage", "must be the name of a storage in the settings, or empty")
        return settings

    async def remove(self, reference: str) -> Stream:
        """Delete a stream and return what it was; its recordings stay. Raises StreamNotFound."""
        stream = await self.find(reference)
        async with self._changing() as connection:
            await self._store.remove(connection, stream.id)
        return stream

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.writing.begin() as connection:
                yield connection
        finally:
            # Only now that it is stored: who reads before this may still see what was.
            self.changes += 1
