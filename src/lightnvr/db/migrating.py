"""Brings the tables of a database to the form this version works with."""

import asyncio
from pathlib import Path

import anyio.to_thread
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from lightnvr.db.engine import UnusableDatabase, open_database


class DatabaseTooNew(UnusableDatabase):
    """The database was last used by a newer version of LightNVR."""


async def migrate(url: URL) -> None:
    """Create or upgrade the tables, all in one transaction, without blocking the event loop.

    Raises DatabaseTooNew when the database was made by a newer version, and UnusableDatabase when it cannot be opened.
    """
    await anyio.to_thread.run_sync(lambda: asyncio.run(_migrate(url)))


async def _migrate(url: URL) -> None:
    database = open_database(url)
    try:
        async with database.writing.begin() as connection:
            await connection.run_sync(_upgrade)
    except (DBAPIError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise UnusableDatabase(
            f"The database {url.render_as_string(hide_password=True)} cannot be opened: {reason}. "
            "Look whether it exists, is writable and is not damaged."
        ) from error
    finally:
        await database.close()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None and present not in known:
        raise DatabaseTooNew(
            f"The database was used by a newer version of LightNVR (its tables have revision {present}; this version "
            f"knows up to {scripts.get_current_head()}). Start that version again, or restore a backup made before it."
        )
    command.upgrade(config, "head")
