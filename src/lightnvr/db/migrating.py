"""Brings the tables of a database to the form this version works with."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

import lightnvr.db.event_tables
import lightnvr.db.telling_tables  # noqa: F401 - makes its tables known
from lightnvr.db.engine import UnusableDatabase, open_database
from lightnvr.db.tables import metadata

_MIGRATIONS = Path(__file__).with_name("migrations")
# As Alembic makes it, which goes on from there at the next upgrade.
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


class DatabaseTooNew(UnusableDatabase):
    """The database was last used by a newer version of LightNVR."""


def known_revisions() -> tuple[str, ...]:
    """Return the revisions of the tables that this version can work with or upgrade, the newest last."""
    return tuple(sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")))


async def migrate(url: URL, before_upgrade: Callable[[str], None] | None = None) -> None:
    """Create or upgrade the tables, all in one transaction, without blocking the event loop.

    `before_upgrade` is called with the present revision when there is something to upgrade, in another thread, while
    nobody else can write; what it raises stops the upgrade. Raises DatabaseTooNew when the database was made by a newer
    version, and UnusableDatabase when it cannot be opened.
    """
    await anyio.to_thread.run_sync(lambda: asyncio.run(_migrate(url, before_upgrade)))


async def _migrate(url: URL, before_upgrade: Callable[[str], None] | None) -> None:
    database = open_database(url)
    try:
        async with database.writing.begin() as connection:
            await connection.run_sync(_upgrade, before_upgrade)
    except (DBAPIError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise UnusableDatabase(
            f"The database {url.render_as_string(hide_password=True)} cannot be opened: {reason}. "
            "Look whether it exists, is writable and is not damaged."
        ) from error
    finally:
        await database.close()


def _upgrade(connection: Connection, before_upgrade: Callable[[str], None] | None) -> None:
    known = known_revisions()
    present = _revision(connection)
    if present == known[-1]:
        return
    if present is None and not inspect(connection).get_table_names():
        _make_all_tables(connection, known[-1])
        return
    if present is not None and present not in known:
        raise DatabaseTooNew(
            f"The database was used by a newer version of LightNVR (its tables have revision {present}; this version "
            f"knows up to {known[-1]}). Start that version again, or restore a backup made before it."
        )
    if present is None:
        raise UnusableDatabase(
            "The database holds tables of another program. If they are those of the original LightNVR, keep them where "
            "they are, choose another data folder, and run: lightnvr import --from lightnvr PATH"
        )
    if before_upgrade is not None:
        before_upgrade(present)
    # Late, because a start seldom has anything to upgrade.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make_all_tables(connection: Connection, revision: str) -> None:
    """Make in an empty database what all migrations together make; Alembic would take 8 MB of memory for good."""
    metadata.create_all(connection)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=revision))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar_one_or_none()
