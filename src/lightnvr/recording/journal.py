"""Keeps the database true to what the recorders and the finaliser do: one transaction a second for all cameras."""

import asyncio
import logging

from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.recording import store
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings, Progress
from lightnvr.recording.timing import Timing

_INTERVAL_S = 1.0
_INDEX_EVERY = 10
"""The fragment index of an open recording is stored every so many turns: after a crash the file itself tells."""

log = logging.getLogger(__name__)


class Journal:
    """Stores open recordings, their progress and their end. Belongs to the event loop."""

    def __init__(self, database: Database, recordings: OpenRecordings) -> None:
        self._database = database
        self._recordings = recordings
        self._stored: dict[int, Progress] = {}
        self._turns = 0
        self.failures = 0
        self.timing = Timing()
        """Of each transaction."""
        self.error = ""

    async def run(self) -> None:
        """Store what changed once a second, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_S)
            try:
                await self.store()
            except Exception:
                # What is being recorded has to be stored whatever happened once.
                self.failures += 1
                log.exception("storing recordings failed")

    async def store(self) -> bool:
        """Store what changed since the last time. Returns False when the database refused; nothing is lost then."""
        self._turns += 1
        due = [recording for recording in self._recordings if self._is_due(recording)]
        if not due:
            return True
        # What is stored is what was true before the transaction began; recorders go on meanwhile.
        states = [(recording, recording.finalised, recording.progress) for recording in due]
        ids: dict[int, int] = {}
        try:
            try:
                with self.timing.measured():
                    await self._commit(states, ids)
            except IntegrityError:
                await self._remove_replaced(due)
                ids.clear()
                await self._commit(states, ids)
        except (SQLAlchemyError, OSError) as error:
            self.failures += 1
            sentence = f"The database cannot be written: {error.__cause__ or error}"
            if sentence != self.error:
                log.error("%s", sentence)
            self.error = sentence
            return False
        self.error = ""
        for recording, finalised, progress in states:
            recording.recording_id = ids.get(id(recording), recording.recording_id)
            if finalised:
                self._recordings.remove(recording)
                self._stored.pop(id(recording), None)
            else:
                self._stored[id(recording)] = progress
        return True

    async def _commit(self, states: list[tuple[OpenRecording, bool, Progress]], ids: dict[int, int]) -> None:
        async with self._database.writing.begin() as connection:
            await store.store_progress(
                connection,
                [
                    (recording.recording_id, progress)
                    for recording, finalised, progress in states
                    if recording.recording_id is not None and not finalised
                ],
            )
            for number, (recording, finalised, progress) in enumerate(states):
                # Indexes of many cameras are not packed all in the same turn: that would hold up requests.
                with_index = (self._turns + number) % _INDEX_EVERY == 0
                await self._store(connection, recording, finalised, progress, ids, with_index)

    async def _remove_replaced(self, due: list[OpenRecording]) -> None:
        # A file that somebody deleted leaves its row behind, and its name comes again after the clock was set back.
        async with self._database.writing.begin() as connection:
            for recording in due:
                if recording.recording_id is None:
                    stale = await store.by_path(connection, recording.facts.storage.id, recording.facts.path)
                    if stale is not None:
                        log.warning("recording %d is forgotten: its file was gone and is written anew", stale.id)
                        await store.remove(connection, stale)

    def _is_due(self, recording: OpenRecording) -> bool:
        return recording.finalised or self._stored.get(id(recording)) != recording.progress

    async def _store(
        self,
        connection: AsyncConnection,
        recording: OpenRecording,
        finalised: bool,
        progress: Progress,
        ids: dict[int, int],
        with_index: bool,
    ) -> None:
        recording_id = recording.recording_id
        if finalised and recording.empty:
            if recording_id is not None and (row := await store.get(connection, recording_id)) is not None:
                await store.remove(connection, row)
            return
        if recording_id is None:
            recording_id = ids[id(recording)] = await store.insert_open(connection, recording)
        if finalised:
            await store.complete(connection, recording_id, end_us=progress.end_us, size_bytes=progress.size_bytes)
        if finalised or with_index:
            fragments = recording.segment.index.pack()
            await store.store_media(connection, recording_id, fragments=fragments, synced_bytes=recording.synced_bytes)
