"""The original's database, of whatever version: tables as rows of plain values, missing columns filled in."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from lightnvr.moving.columns import COLUMNS, UNUSED_TABLES
from lightnvr.moving.report import CannotMoveIn
from lightnvr.moving.snapshot import snapshot

Value: TypeAlias = "str | int | float | None"
OriginalRow = Mapping[str, Value]

NEWEST_MIGRATION = 46
"""The last version of its tables that is known here, that of 0.37."""

_NEEDED = ("streams", "recordings")
_ROWS_AT_ONCE = 500


class Original:
    """Reads a snapshot. Not thread-safe. Numbers that are text and the like are left as they are stored."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self._columns = {
            table: [str(row[1]) for row in connection.execute(f"PRAGMA table_info({_quoted(table)})")]
            for table in tables
        }
        missing = [table for table in _NEEDED if table not in self._columns]
        if missing:
            raise CannotMoveIn(f"This is no database of the original: it has no table {missing[0]}.")
        self.version = self._version()

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether there is a table, and a column in it."""
        return table in self._columns and (column is None or column in self._columns[table])

    def unknown(self) -> list[str]:
        """Return tables and columns that no known version has, and that hold something."""
        found = []
        for table, columns in sorted(self._columns.items()):
            if table in UNUSED_TABLES or table.startswith("sqlite_"):
                continue
            if table not in COLUMNS:
                if self.holds(table):
                    found.append(f"the table {table}")
                continue
            for column in columns:
                if column not in COLUMNS[table]:
                    name = _quoted(column)
                    query = f"SELECT 1 FROM {_quoted(table)} WHERE {name} IS NOT NULL LIMIT 1"  # noqa: S608 - quoted
                    if self._holds(query):
                        found.append(f"the column {column} of {table}")
        return found

    def holds(self, table: str) -> bool:
        """Whether a table has any row."""
        return table in self._columns and self._holds(f"SELECT 1 FROM {_quoted(table)} LIMIT 1")  # noqa: S608 - quoted

    def rows(self, table: str) -> Iterator[OriginalRow]:
        """Yield all rows of a table in the order they were stored, every known column in each.

        A column that this version does not have has its default. Raises CannotMoveIn when the file is damaged there.
        """
        if table not in self._columns:
            return
        known = COLUMNS[table]
        present = [column for column in known if column in self._columns[table]]
        chosen = ", ".join(["rowid", *map(_quoted, present)])
        query = f"SELECT {chosen} FROM {_quoted(table)} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608 - quoted
        last = -(2**63)
        while True:
            with _readable(table):
                some = self._connection.execute(query, (last, _ROWS_AT_ONCE)).fetchall()
            if not some:
                return
            last = some[-1][0]
            for row in some:
                yield {**known, **dict(zip(present, map(_plain, row[1:]), strict=True))}

    def tags(self, recording_ids: Sequence[int]) -> dict[int, list[str]]:
        """Return the tags of some hundred recordings, by the original's ids."""
        found: dict[int, list[str]] = {}
        if "recording_tags" not in self._columns or not recording_ids:
            return found
        marks = ", ".join("?" * len(recording_ids))
        query = f"SELECT recording_id, tag FROM recording_tags WHERE recording_id IN ({marks})"  # noqa: S608 - marks
        with _readable("recording_tags"):
            for key, tag in self._connection.execute(query, list(recording_ids)):
                found.setdefault(key, []).append(str(_plain(tag)))
        return found

    def repeated_recordings(self) -> frozenset[int]:
        """Return the ids of recordings whose file another one before them has, too."""
        query = (
            "SELECT r.id FROM recordings r JOIN (SELECT file_path, min(id) AS first FROM recordings GROUP BY file_path"
            " HAVING count(*) > 1) d ON r.file_path = d.file_path WHERE r.id <> d.first"
        )
        try:
            return frozenset(int(row[0]) for row in self._connection.execute(query))
        except sqlite3.DatabaseError:
            # Of a damaged table; then it is noticed when the second one is to be listed.
            return frozenset()

    def _version(self) -> int:
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
            if self.has("schema_migrations", "version"):
                row = self._connection.execute("SELECT max(version) FROM schema_migrations").fetchone()
                if row[0] is not None:
                    return int(str(row[0])[:4])
            if self.has("schema_version", "version"):
                return int(self._connection.execute("SELECT max(version) FROM schema_version").fetchone()[0])
        return 0

    def _holds(self, query: str) -> bool:
        with contextlib.suppress(sqlite3.Error):
            return self._connection.execute(query).fetchone() is not None
        return True


@contextlib.contextmanager
def opened_original(database: Path) -> Iterator[Original]:
    """Open a copy of the original's database, which is on no disk any more afterwards. Raises CannotMoveIn, OSError."""
    try:
        with snapshot(database) as copy:
            connection = sqlite3.connect(copy)
            # Into one file, which stays readable without a name: whoever kills this leaves no passwords behind.
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        with contextlib.closing(connection):
            # Names and passwords of old files may be in any encoding; what is not UTF-8 is refused where it matters.
            connection.text_factory = lambda stored: stored.decode("utf-8", "replace")
            yield Original(connection)
    except sqlite3.DatabaseError as error:
        raise CannotMoveIn(f"{database} is no SQLite database, or it is damaged: {error}.") from error


@contextlib.contextmanager
def _readable(table: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise DamagedTable(f"The table {table} is damaged, and its rest cannot be read: {error}.") from error


class DamagedTable(CannotMoveIn):
    """A table cannot be read to its end; the text says which."""


def _plain(value: object) -> Value:
    return value if isinstance(value, str | int | float) else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
