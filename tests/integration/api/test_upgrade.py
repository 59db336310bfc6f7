"""A new version backs a database up before it changes its tables, and leaves it alone when it cannot."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from lightnvr.db import migrating
from lightnvr.db.engine import database_url, open_database
from lightnvr.db.migrating import known_revisions
from tests.integration.api.conftest import Run

_OLD = "0003"


@pytest.fixture
def old_database(data: Path) -> Path:
    """The database of a version of long ago, with one storage in it."""
    data.mkdir()
    path = data / "lightnvr.db"
    anyio.run(_make, path)
    return path


async def _make(path: Path) -> None:
    database = open_database(database_url("", path))
    async with database.writing.begin() as connection:
        await connection.run_sync(_upgrade_to_old)
        await connection.exec_driver_sql("INSERT INTO storages (name, root) VALUES ('main', '/srv/old')")
    await database.close()


def _upgrade_to_old(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, _OLD)


def revision_of(path: Path) -> str:
    """Return the revision of the tables of a database."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _backups(data: Path) -> list[Path]:
    return sorted((data / "backups").glob("*.zip"))


def test_the_database_of_an_older_version_is_backed_up_and_upgraded(run: Run, data: Path, old_database: Path) -> None:
    result = run("user", "list")
    assert result.returncode == 0, result.stderr
    assert revision_of(old_database) == known_revisions()[-1]
    (backup,) = _backups(data)
    assert re.fullmatch(rf"lightnvr_backup_\d+_\d+_upgrade-from-{_OLD}_[0-9a-f]+\.zip", backup.name)
    assert run("user", "list").returncode == 0
    assert _backups(data) == [backup]

    with closing(sqlite3.connect(old_database)) as connection, connection:
        connection.execute("UPDATE storages SET root = '/srv/new'")
    restored = run("restore", str(backup), "--yes")
    assert restored.returncode == 0, restored.stderr
    assert f"database of revision {_OLD}" in restored.stdout
    assert revision_of(old_database) == _OLD
    with closing(sqlite3.connect(old_database)) as connection:
        assert connection.execute("SELECT root FROM storages").fetchall() == [("/srv/old",)]


def test_what_is_no_backup_is_refused_in_a_sentence(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "other.zip").write_bytes(b"no backup")
    refused = run("restore", "other.zip", "--yes")
    assert refused.returncode == 1
    assert "other.zip is no backup of LightNVR" in refused.stderr
    assert "Traceback" not in refused.stderr
    missing = run("restore", "missing.zip", "--yes")
    assert (missing.returncode, missing.stderr.count("missing.zip: No such file")) == (1, 1)
    assert not data.exists()


def test_without_a_backup_the_database_is_left_as_it_is(run: Run, data: Path, old_database: Path) -> None:
    (data / "backups").write_text("a file where the folder should be")
    refused = run("user", "list")
    assert refused.returncode == 1
    assert "The database is of an older version and was left as it is" in refused.stderr
    assert "backup_before_upgrade" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert revision_of(old_database) == _OLD
    assert run("user", "list", LIGHTNVR_DATABASE_BACKUP_BEFORE_UPGRADE="false").returncode == 0
    assert revision_of(old_database) == known_revisions()[-1]


def test_a_new_database_and_one_of_this_version_are_not_backed_up(run: Run, data: Path) -> None:
    for _ in range(2):
        assert run("user", "list").returncode == 0
    assert _backups(data) == []


def test_a_newer_database_is_refused_by_name_and_not_backed_up(run: Run, data: Path, old_database: Path) -> None:
    with closing(sqlite3.connect(old_database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused = run("user", "list")
    assert refused.returncode == 1
    assert "was used by a newer version of LightNVR" in refused.stderr
    assert _backups(data) == []
