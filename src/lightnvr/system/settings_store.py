"""Settings that were changed through the API, in the database."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from sqlalchemy import delete, insert, select

from lightnvr.db.engine import Database
from lightnvr.db.tables import settings

Plain = bool | int | float | str
"""What the value of a setting can be."""

log = logging.getLogger(__name__)


class Seal(Protocol):
    """Encrypts short texts."""

    def seal(self, text: str) -> str:
        """Return what to store."""
        ...

    def reveal(self, sealed: str) -> str:
        """Return the text that was sealed; empty when it cannot be read any more."""
        ...


class StoredSettings:
    """One row a setting: its name, and its value as JSON, encrypted when it is secret."""

    def __init__(self, database: Database, seal: Seal, now: Callable[[], float]) -> None:
        """`now` gives seconds since 1970 UTC."""
        self._database = database
        self._seal = seal
        self._now = now

    async def load(self) -> Mapping[str, Plain]:
        """Return all values by name. A secret that was encrypted with another key is left out."""
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(select(settings).order_by(settings.c.name))).all()
        found: dict[str, Plain] = {}
        for row in rows:
            text = self._seal.reveal(row.value) if row.sealed else row.value
            if text:
                found[row.name] = json.loads(text)
            else:
                log.warning("the stored setting %s cannot be decrypted: enter it again", row.name)
        return found

    async def change(self, stored: Mapping[str, Plain], dropped: Iterable[str], secret: frozenset[str]) -> None:
        """Store some and forget others in one transaction. `secret` names those to be encrypted."""
        now = int(self._now())
        rows = []
        for name, value in stored.items():
            text = json.dumps(value)
            sealed = name in secret
            row = {"name": name, "value": self._seal.seal(text) if sealed else text, "sealed": sealed}
            rows.append(row | {"updated_at": now})
        async with self._database.writing.begin() as connection:
            await connection.execute(delete(settings).where(settings.c.name.in_([*stored, *dropped])))
            if rows:
                await connection.execute(insert(settings), rows)
