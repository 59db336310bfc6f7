"""The tables are made, found as they should be, and protected from older versions."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from lightnvr.db.engine import Database, UnusableDatabase, database_url, open_database
from lightnvr.db.migrating import DatabaseTooNew, migrate
from lightnvr.db.tables import metadata, recording_days, recordings


async def test_migrations_make_the_tables_that_the_code_works_with(database: Database) -> None:
    async with database.reading.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


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
