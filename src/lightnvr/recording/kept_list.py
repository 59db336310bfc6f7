"""A list beside the files of what is kept on purpose, for the day on which the database is lost."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recordings
from lightnvr.recording import sync_rows
from lightnvr.recording.storage import Storage

_NAME = ".lightnvr-kept.json"
_INTERVAL_S = 5.0
_MOST_DAYS = 36_500
_PATHS_AT_ONCE = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptFor:
    """Whether a recording is protected, and its own number of days, None without one."""

    protected: bool
    override_days: int | None


Kept = dict[PurePosixPath, KeptFor]


class KeptList:
    """Writes the list of each storage when it has changed, and reads what an earlier run left. Of the event loop.

    What is in the list and has no row stays in it as long as its file is there: its row may be made again.
    """

    def __init__(self, database: Database, storages: Iterable[Storage], error_of: Callable[[int], str]) -> None:
        """`error_of` says why a storage is not there, and nothing when it is."""
        self._database = database
        self._storages = tuple(storages)
        self._error_of = error_of
        self._written: dict[int, Kept] = {}

    async def run(self) -> None:
        """Keep the lists true, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_S)
            try:
                await self.store()
            except Exception:
                # It is for the worst case only; recording goes on.
                log.exception("the list of what is kept could not be written")

    async def of(self, storage: Storage, path: PurePosixPath) -> KeptFor | None:
        """Return what the list says of a file. Raises OSError."""
        return (await self._listed(storage)).get(path)

    async def store(self) -> None:
        """Write the lists that have changed. Raises SQLAlchemyError."""
        for storage in self._storages:
            if self._error_of(storage.id):
                continue
            try:
                listed = await self._listed(storage)
            except OSError:
                continue
            async with self._database.reading.connect() as connection:
                kept = await _kept(connection, storage.id)
                kept |= await self._unlisted(connection, storage, {p: k for p, k in listed.items() if p not in kept})
            if kept == listed:
                continue
            try:
                await asyncio.to_thread(_write, storage, kept)
            except OSError as error:
                log.warning("%s: the list of what is kept could not be written: %s", storage.root, error)
                continue
            self._written[storage.id] = kept

    async def _listed(self, storage: Storage) -> Kept:
        if storage.id not in self._written:
            self._written[storage.id] = await asyncio.to_thread(_read, storage)
        return self._written[storage.id]

    async def _unlisted(self, connection: AsyncConnection, storage: Storage, others: Kept) -> Kept:
        stay: Kept = {}
        paths = list(others)
        for at in range(0, len(paths), _PATHS_AT_ONCE):
            some = paths[at : at + _PATHS_AT_ONCE]
            known = await sync_rows.known(connection, storage.id, some)
            there = await asyncio.to_thread(_there, storage, some)
            stay |= {path: others[path] for path in some if path not in known and path in there}
        return stay


async def _kept(connection: AsyncConnection, storage_id: int) -> Kept:
    # Two queries, each of which has an index with nothing else in it.
    kept: Kept = {}
    mortal = (recordings.c.complete == true()) & ~recordings.c.protected
    for chosen in (recordings.c.protected == true(), mortal & recordings.c.override_days.is_not(None)):
        query = select(recordings.c.path, recordings.c.protected, recordings.c.override_days)
        for path, protected, days in await connection.execute(
            query.where(recordings.c.storage_id == storage_id, chosen)
        ):
            kept[PurePosixPath(path)] = KeptFor(bool(protected), days)
    return kept


def _there(storage: Storage, paths: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    return {path for path in paths if (storage.root / path).exists()}


def _read(storage: Storage) -> Kept:
    """Return what the list says. Raises OSError when the storage is not there, which is not an empty list."""
    kept: Kept = {}
    storage.check()
    try:
        told: object = json.loads((storage.root / _NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kept
    except ValueError as error:
        log.warning("%s cannot be read: %s", storage.root / _NAME, error)
        return kept
    for path, values in told.items() if isinstance(told, dict) else ():
        if isinstance(path, str) and isinstance(values, dict):
            kept[PurePosixPath(path)] = _kept_for(values)
    return kept


def _kept_for(values: Mapping[str, object]) -> KeptFor:
    days = values.get("retention_days")
    own_days = days if isinstance(days, int) and 0 <= days <= _MOST_DAYS else None
    return KeptFor(values.get("protected") is True, own_days)


def _write(storage: Storage, kept: Kept) -> None:
    told = {
        str(path): {"protected": each.protected, "retention_days": each.override_days}
        for path, each in sorted(kept.items())
    }
    storage.check()
    to = storage.root / _NAME
    written = to.with_suffix(".new")
    with written.open("w", encoding="utf-8") as file:
        json.dump(told, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _replace(written, to)


def _replace(written: Path, to: Path) -> None:
    try:
        written.replace(to)
    except OSError:
        with contextlib.suppress(OSError):
            written.unlink()
        raise
