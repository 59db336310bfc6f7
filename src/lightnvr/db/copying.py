"""Copies a SQLite database while others read and write it, and looks whether a copy is whole."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_STEP_PAGES = 256
"""One MiB, of pages of the usual 4096 bytes."""
_SYNC_EVERY = 8
_BUSY_S = 15.0
_LOOK_EVERY = 1000
"""Instructions of SQLite's machine between two looks whether to go on."""

_COUNTED = ("users", "streams", "recordings", "detections")


class DamagedDatabase(Exception):
    """The file is not a SQLite database of ours, or is not whole; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What is in a database: the revision of its tables, and how many rows the most telling of them have."""

    revision: str
    rows: Mapping[str, int]


def copy_sqlite(source: Path, target: Path, rest: Callable[[], None]) -> None:
    """Copy a database as it is at this moment. Blocks; raises sqlite3.Error, OSError, and whatever `rest` raises.

    The copy is one plain file, without a write-ahead log, and is on the disk when this returns. `rest` is called after
    each MiB. Nobody who writes to the source waits: a reader of a database in WAL mode never holds up a writer, and the
    copy reads within one transaction, without which SQLite would begin anew after each write of another connection
    (https://www.sqlite.org/c3ref/backup_finish.html). Until it is done the log of the source cannot begin anew.
    """
    # The copy is thrown away when it is not finished, so it needs no journal.
    with closing(sqlite3.connect(target, isolation_level=None)) as copy, closing(_open(source, "rw")) as present:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        present.execute("BEGIN")
        present.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        # Of the copy, which nobody else has open: closing a file of a database that is in use would drop its locks.
        descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
        try:
            present.backup(copy, pages=_STEP_PAGES, progress=_Steps(descriptor, rest))
            # The header says WAL, as in the source; whoever opens the copy would make files beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Steps:
    """Writes what was copied to the disk as it goes, so that a recorder's own sync never has to wait for all of it."""

    def __init__(self, descriptor: int, rest: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._rest = rest
        self._count = 0

    def __call__(self, status: int, remaining: int, total: int) -> None:
        self._count += 1
        if self._count % _SYNC_EVERY == 0:
            os.fdatasync(self._descriptor)
        self._rest()


def examine_sqlite(path: Path, go_on: Callable[[], bool] = lambda: True) -> DatabaseFacts:
    """Read all of a database that nobody has open, and say what is in it. Blocks.

    Raises DamagedDatabase, also when `go_on` came to return False.
    """
    try:
        with closing(_open(path, "ro&immutable=1")) as database:
            database.set_progress_handler(lambda: int(not go_on()), _LOOK_EVERY)
            problems = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
            if problems != ["ok"]:
                raise DamagedDatabase(f"The database is damaged: {'; '.join(problems)}.")
            return DatabaseFacts(_revision(database), _rows(database))
    except sqlite3.Error as error:
        raise DamagedDatabase(f"The database cannot be read: {error}.") from error


def _open(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_S)


def _revision(database: sqlite3.Connection) -> str:
    if "alembic_version" not in _tables(database):
        raise DamagedDatabase("The file is a SQLite database, but none of LightNVR.")
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])


def _rows(database: sqlite3.Connection) -> Mapping[str, int]:
    present = _tables(database)
    return {
        name: int(database.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 - names of our own
        for name in _COUNTED
        if name in present
    }


def _tables(database: sqlite3.Connection) -> frozenset[str]:
    return frozenset(str(row[0]) for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"))
