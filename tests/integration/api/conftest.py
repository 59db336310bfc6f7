"""Fixtures for tests of the API and the stores behind it."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from tests.integration.api.postgresql import create_database, programs, running_postgresql
from tests.integration.api.running import RunningApi, running_api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[RunningApi]:
    """A server with four users and nothing else."""
    with running_api(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """The socket folder of a PostgreSQL server."""
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with running_postgresql(binaries) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of a database without tables, of each kind."""
    if request.param == "sqlite":
        return database_url("", tmp_path / "lightnvr.db")
    folder, binaries = request.getfixturevalue("postgresql"), programs()
    assert binaries is not None
    return database_url(create_database(binaries, folder, f"test_{uuid.uuid4().hex}"), tmp_path)


@pytest.fixture
async def database(empty_database: URL) -> AsyncIterator[Database]:
    """A database with all tables, of each kind."""
    await migrate(empty_database)
    opened = open_database(empty_database)
    yield opened
    await opened.close()
