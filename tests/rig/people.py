"""The accounts of a running server, as `lightnvr user` changes them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore
from lightnvr.db.engine import database_url, open_database
from tests.rig.nvr import Nvr


@asynccontextmanager
async def accounts(nvr: Nvr) -> AsyncIterator[Administration]:
    """Open the server's accounts by a connection of its own to the database."""
    database = open_database(database_url("", nvr.settings.database.path))
    try:
        yield Administration(AccountStore(database), Passwords(), time.time, nvr.settings.initial_password_file)
    finally:
        await database.close()
