"""Opens the database: SQLite in WAL mode by default, PostgreSQL by URL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

_BUSY_TIMEOUT_MS = 15_000
_WRITES = "lightnvr_writes"
_CONNECTIONS_KEPT = 12
"""To open one costs a thread and several statements, so that many requests at once would make each other slower."""

_CONNECTIONS_MORE = 3
_CANNOT_OPEN = "The database address cannot be used: "


class UnusableDatabase(Exception):
    """The database cannot be opened; the text says why and what to do about it."""


@dataclass(frozen=True, slots=True)
class Database:
    """One pool of connections, seen through two engines.

    `reading` never waits for a writer. Transactions of `writing` take SQLite's write lock when they begin, so that two
    of them wait for each other instead of failing when the second one wants to write. On PostgreSQL both are the same.
    """

    reading: AsyncEngine
    writing: AsyncEngine

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.reading.dialect.name == "sqlite"

    async def close(self) -> None:
        """Close every connection."""
        await self.reading.dispose()


def database_url(url: str, sqlite_path: Path) -> URL:
    """Return the address to open: `url`, or the SQLite file at `sqlite_path` when `url` is empty.

    Accepts `sqlite:///file` and `postgresql://user:password@host/name` and chooses the asynchronous driver. Raises
    UnusableDatabase for any other kind of database; the text never holds the password.
    """
    if not url:
        return URL.create("sqlite+aiosqlite", database=str(sqlite_path))
    try:
        address = make_url(url)
    except ArgumentError:
        raise UnusableDatabase(_CANNOT_OPEN + "it is not of the form postgresql://user:password@host/name.") from None
    match address.get_backend_name():
        case "sqlite":
            return address.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return address.set(drivername="postgresql+asyncpg")
        case other:
            raise UnusableDatabase(_CANNOT_OPEN + f"{other} is not supported; use sqlite or postgresql.")


def open_database(url: URL) -> Database:
    """Return the database at this address; connections are made when they are first needed.

    Raises UnusableDatabase when the driver for it is not installed.
    """
    try:
        engine = create_async_engine(
            url,
            pool_pre_ping=url.get_backend_name() == "postgresql",
            pool_size=_CONNECTIONS_KEPT,
            max_overflow=_CONNECTIONS_MORE,
            pool_use_lifo=True,
        )
    except ModuleNotFoundError as missing:
        raise UnusableDatabase(
            _CANNOT_OPEN + f"the Python package {missing.name} is missing; install lightnvr[postgresql]."
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite_connection)
        event.listen(engine.sync_engine, "begin", _begin_sqlite_transaction)
    return Database(reading=engine, writing=engine.execution_options(**{_WRITES: True}))


def _prepare_sqlite_connection(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling would leave DDL outside of transactions and begin them too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    # busy_timeout first: switching to WAL needs a lock that another process may hold for a moment.
    for pragma in (
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite_transaction(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
