"""A database as the product makes it, copied for each test from one that was made once."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.recording import store


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        asyncio.run(_make(path))
        return path.read_bytes()


async def _make(path: Path) -> None:
    await migrate(database_url("", path))
    database = open_database(database_url("", path))
    try:
        async with database.writing.begin() as connection:
            await store.ensure_storage(connection, "main", "/storage")
        async with database.reading.connect() as connection:
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        await database.close()


def copy_database(path: Path) -> None:
    """Put an empty database where there is none: all tables, and a storage with id 1."""
    if path.exists():
        return
    path.write_bytes(_template())


@asynccontextmanager
async def recordings_database(path: Path) -> AsyncIterator[Database]:
    """Open the database at a path; an empty one is made when there is none."""
    # In a thread, because making the template runs an event loop of its own.
    await asyncio.to_thread(copy_database, path)
    database = open_database(database_url("", path))
    try:
        yield database
    finally:
        await database.close()


def copy_open_database(source: Path, target: Path) -> None:
    """Copy a database that others have open, as it is on the disk at this moment."""
    for suffix in ("", "-wal"):
        if Path(f"{source}{suffix}").exists():
            shutil.copy(f"{source}{suffix}", f"{target}{suffix}")
