"""Fixtures for tests of the API and the stores behind it."""

import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from tests.integration.api.postgresql import create_database, programs, running_postgresql
from tests.integration.api.running import RunningApi, running_api
from tests.server_process import COMMAND

Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs the command `lightnvr` with these words."""


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


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of commands."""
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path, data: Path) -> Run:
    """Runs commands on that folder."""

    def run_command(*words: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *words],
            cwd=tmp_path,
            input=typed,
            env=os.environ | {"LIGHTNVR_DATA_DIR": str(data), "HOME": str(tmp_path)} | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_command
