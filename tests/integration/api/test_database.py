"""The tables are made, found as they should be, and protected from older versions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, func, insert, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from lightnvr.db import migrating
from lightnvr.db.engine import Database, UnusableDatabase, database_url, open_database
from lightnvr.db.migrating import DatabaseTooNew, migrate
from lightnvr.db.tables import metadata, recording_days, recordings


async def test_migrations_make_the_tables_that_the_code_works_with(database: Database) -> None:
    async with database.reading.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


async def test_a_new_database_is_what_an_old_one_becomes(empty_database: URL) -> None:
    opened = open_database(empty_database)
    async with opened.writing.begin() as connection:
        await connection.run_sync(_upgrade_to, "head")
        upgraded = await connection.run_sync(_described)
        await connection.run_sync(_drop_everything)
    await opened.close()
    await migrate(empty_database)
    opened = open_database(empty_database)
    async with opened.reading.connect() as connection:
        made = await connection.run_sync(_described)
        revision = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    await opened.close()
    assert made == upgraded
    assert len(made) > 10
    assert "where" in str(made["recordings"])
    assert len(made[""]) == 2, "the audit log is protected"
    assert revision == ScriptDirectory.from_config(_config()).get_current_head()


async def test_migrating_again_keeps_what_is_there(database: Database, empty_database: URL) -> None:
    async with database.writing.begin() as connection:
        await connection.execute(insert(recording_days).values(day=20_000, stream_name="Front Door", recordings=96))
    await migrate(empty_database)
    async with database.reading.connect() as connection:
        assert (await connection.execute(select(recording_days.c.recordings))).scalar_one() == 96


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database, empty_database: URL) -> None:
    async with database.writing.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match="newer version of LightNVR"):
        await migrate(empty_database)
    async with database.reading.connect() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "9999"


async def test_a_database_of_another_program_is_refused_and_left_alone(empty_database: URL) -> None:
    opened = open_database(empty_database)
    async with opened.writing.begin() as connection:
        await connection.execute(text("CREATE TABLE streams (id INTEGER)"))
    with pytest.raises(UnusableDatabase, match=r"another program.*lightnvr import"):
        await migrate(empty_database)
    async with opened.reading.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == ["streams"]
    await opened.close()


async def test_transactions_that_write_wait_for_each_other(database: Database) -> None:
    async def add_one(name: str) -> None:
        async with database.writing.begin() as connection:
            count = (await connection.execute(select(func.count()).select_from(recording_days))).scalar_one()
            await anyio.lowlevel.checkpoint()
            await connection.execute(insert(recording_days).values(day=count, stream_name=name, recordings=1))

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(add_one, f"camera {number}")
    async with database.reading.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(recording_days))).scalar_one() == 8


async def test_a_recording_needs_a_storage_that_is_there(database: Database) -> None:
    numbers = ("start_us", "end_us", "size_bytes", "width", "height", "fps")
    texts = ("stream_name", "path", "codec", "capture_method", "damaged")
    flags = ("complete", "schedule_restricted", "protected")
    values = dict.fromkeys(numbers, 0) | dict.fromkeys(texts, "") | dict.fromkeys(flags, False)
    with pytest.raises(IntegrityError):
        async with database.writing.begin() as connection:
            await connection.execute(insert(recordings).values(storage_id=99, **values))


async def test_sqlite_survives_power_cuts_by_its_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = database_url("", tmp_path_factory.mktemp("sqlite") / "lightnvr.db")
    await migrate(url)
    database = open_database(url)
    async with database.reading.connect() as connection:
        pragmas = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    await database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("url", ["mysql://user:secret@host/name", "nonsense"])
def test_other_databases_are_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(UnusableDatabase) as refused:
        database_url(url, Path("unused"))
    assert "secret" not in str(refused.value)


_OLD_ROW = """
INSERT INTO recordings (stream_name, storage_id, path, start_us, end_us, size_bytes, complete, codec, width, height,
  fps, capture_method, schedule_restricted, protected, damaged)
VALUES ('door', 1, :path, :start_us, :start_us, 100, :complete, 'h264', 1, 1, 1, :method, false, :protected, '')
"""


async def test_recordings_of_an_older_version_are_kept_as_they_are_and_counted(empty_database: URL) -> None:
    opened = open_database(empty_database)
    async with opened.writing.begin() as connection:
        await connection.run_sync(_upgrade_to, "0002")
        await connection.execute(text("INSERT INTO storages (name, root) VALUES ('main', '/storage')"))
        day = 86_400_000_000
        for number, (complete, method, protected) in enumerate(
            [(True, "continuous", True), (True, "detection", False), (False, "continuous", False)]
        ):
            values = {"path": f"{number}.mp4", "start_us": 20_000 * day + number, "complete": complete}
            await connection.execute(text(_OLD_ROW), {**values, "method": method, "protected": protected})
        await connection.execute(
            text("INSERT INTO recording_days (day, stream_name, recordings) VALUES (20000, 'door', 3)")
        )
    await migrate(empty_database)
    async with opened.reading.connect() as connection:
        days = (await connection.execute(select(recording_days))).all()
        columns = (recordings.c.tier, recordings.c.override_days, recordings.c.protected, recordings.c.complete)
        rows = (await connection.execute(select(*columns).order_by(recordings.c.id))).all()
    await opened.close()
    assert [tuple(row) for row in days] == [(20_000, "door", 3, 200, 0)]
    assert [tuple(row) for row in rows] == [
        ("standard", None, True, True),
        ("important", None, False, True),
        ("standard", None, False, False),
    ]


_RULES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": "SELECT rulename, definition FROM pg_rules WHERE schemaname = 'public' ORDER BY rulename",
}


def _described(connection: Connection) -> dict[str, list[object]]:
    """Return columns, keys and indexes (with their conditions) of each table, as the database itself tells them.

    Below "" are the rules and triggers of all tables.
    """
    look = inspect(connection)
    rules: list[object] = [tuple(row) for row in connection.execute(text(_RULES[connection.dialect.name]))]
    tables: dict[str, list[object]] = {
        name: [
            sorted((each["name"], str(each["type"]), each["nullable"]) for each in look.get_columns(name)),
            look.get_pk_constraint(name),
            sorted(map(str, look.get_foreign_keys(name))),
            sorted(map(_without_order, look.get_unique_constraints(name))),
            sorted(map(_without_order, look.get_indexes(name))),
        ]
        for name in look.get_table_names()
    }
    return tables | {"": rules}


def _without_order(reflected: Mapping[str, Any]) -> str:
    told = {**reflected, **{key: str(value) for key, value in dict(reflected.get("dialect_options") or {}).items()}}
    return str(sorted((key, str(value)) for key, value in told.items() if key != "dialect_options"))


def _drop_everything(connection: Connection) -> None:
    present = MetaData()
    present.reflect(connection)
    present.drop_all(connection)


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))
    return config
