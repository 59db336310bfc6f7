"""A copy of a database is consistent, whole, and holds up nobody who writes."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest

from lightnvr.db.copying import DamagedDatabase, copy_sqlite, examine_sqlite
from tests.rig.waiting import until

_PAGE = "x" * 3000


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Some MiB in WAL mode, with two tables that always have as many rows."""
    path = tmp_path / "lightnvr.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0007')")
        for table in ("streams", "recordings"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, text TEXT)")
            connection.executemany(f"INSERT INTO {table} (text) VALUES (?)", [(_PAGE,)] * 1000)
    return path


class Writer:
    """Writes to both tables again and again, and does not wait for anybody."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.commits = 0
        self.errors: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self.commits > 0 or bool(self.errors), "the writer writes")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(sqlite3.connect(self._database, timeout=0, isolation_level=None)) as connection:
            while not self._stop.wait(0.001):
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    for table in ("streams", "recordings"):
                        connection.execute(f"INSERT INTO {table} (text) VALUES (?)", (_PAGE,))
                    connection.execute("COMMIT")
                except sqlite3.OperationalError as error:
                    self.errors.append(str(error))
                    return
                self.commits += 1


def test_a_copy_made_while_others_write_is_of_one_moment_and_nobody_waits(database: Path, tmp_path: Path) -> None:
    copy, steps = tmp_path / "copy.db", 0
    with Writer(database) as writer:

        def rest() -> None:
            nonlocal steps
            steps += 1
            before = writer.commits
            until(lambda: writer.commits > before or bool(writer.errors), "another write")

        pages_before = database.stat().st_size // 4096
        copy_sqlite(database, copy, rest)
    assert writer.errors == []
    # Once through: it did not begin anew because of what others wrote meanwhile.
    assert steps <= copy.stat().st_size // (256 * 4096) + 1
    assert copy.stat().st_size // 4096 >= pages_before
    rows = examine_sqlite(copy).rows
    assert 1000 <= rows["streams"] == rows["recordings"] < 1000 + writer.commits


def test_a_copy_is_one_plain_file(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    copy_sqlite(database, folder / "copy.db", lambda: None)
    assert examine_sqlite(folder / "copy.db").revision == "0007"
    assert [path.name for path in folder.iterdir()] == ["copy.db"]
    # Bytes 18 and 19 of a database: 2 would be a write-ahead log (https://www.sqlite.org/fileformat2.html).
    assert (folder / "copy.db").read_bytes()[18:20] == b"\x01\x01"


def test_a_database_that_nobody_has_open_can_be_copied(database: Path, tmp_path: Path) -> None:
    assert not database.with_name("lightnvr.db-wal").exists()
    copy_sqlite(database, tmp_path / "copy.db", lambda: None)
    assert examine_sqlite(tmp_path / "copy.db").rows == {"streams": 1000, "recordings": 1000}


def test_what_the_rest_raises_ends_the_copy(database: Path, tmp_path: Path) -> None:
    def rest() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        copy_sqlite(database, tmp_path / "copy.db", rest)


def _torn(content: bytes) -> Iterator[tuple[str, bytes]]:
    middle = len(content) // 2 // 4096 * 4096
    yield "a page of zeros", content[:middle] + bytes(4096) + content[middle + 4096 :]
    yield "cut off", content[:middle]
    yield "no database", b"PK\x03\x04" + bytes(10_000)
    yield "empty", b""


def test_a_damaged_copy_is_seen(database: Path, tmp_path: Path) -> None:
    copy_sqlite(database, tmp_path / "copy.db", lambda: None)
    for what, content in _torn((tmp_path / "copy.db").read_bytes()):
        (tmp_path / "torn.db").write_bytes(content)
        with pytest.raises(DamagedDatabase):
            pytest.fail(f"{what}: {examine_sqlite(tmp_path / 'torn.db')}")


def test_looking_at_a_copy_can_be_given_up(database: Path, tmp_path: Path) -> None:
    copy_sqlite(database, tmp_path / "copy.db", lambda: None)
    with pytest.raises(DamagedDatabase, match="interrupted"):
        examine_sqlite(tmp_path / "copy.db", lambda: False)
