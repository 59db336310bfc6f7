"""The audit log: who did what, when and from where. Entries are only ever added, each chained to the one before."""

import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from hashlib import sha256

import anyio
from sqlalchemy import ColumnElement, func, insert, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import audit_log

_TRIES = 10
_CHECKED_AT_ONCE = 1000
_LONGEST = 255
log = logging.getLogger(__name__)

FIRST = "0" * 64
"""What the first entry is chained to."""


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    REFUSED = "refused"
    """The caller may not do this, or the password or code was wrong."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did. `actor_id` is None for nobody who is known; `detail` names members, never their values."""

    actor: str
    actor_id: int | None
    action: str
    target: str
    outcome: Outcome
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed in the log. `at` is in seconds since 1970 UTC; `hash` covers all of it and the hash before it."""

    id: int
    at: int
    actor: str
    actor_id: int | None
    action: str
    target: str
    outcome: str
    address: str
    detail: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to list. Empty and None are all; `until` is not included, `before` is an id."""

    actor: str = ""
    action: str = ""
    outcome: Outcome | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of the chain found: the number of entries, the last hash, the first id that is not right."""

    entries: int
    last_hash: str
    broken_at: int | None


_COLUMNS = tuple(audit_log.c[member.name] for member in fields(Entry))


class AuditLog:
    """Adds, lists and checks entries. `now` gives seconds since 1970 UTC.

    The hashes are keyed (HMAC-SHA256), so that whoever can write to the database only cannot make them up.
    """

    def __init__(self, database: Database, key: bytes, now: Callable[[], float]) -> None:
        self._database = database
        self._key = key
        self._now = now
        self._turn = anyio.Lock()

    async def add(self, deed: Deed) -> None:
        """Add an entry. Raises what the database raises."""
        # When it was done, not when there was time to write it down.
        at = int(self._now())
        for _ in range(_TRIES):
            try:
                # One at a time: many at once would take the database's connections from everybody else.
                async with self._turn, self._database.writing.begin() as connection:
                    await self._add(connection, deed, at)
                    return
            except IntegrityError:
                # On PostgreSQL another process was faster to follow the same entry.
                continue
        raise RuntimeError("The audit log is written to by too many at once.")

    async def _add(self, connection: AsyncConnection, deed: Deed, at: int) -> None:
        last = select(audit_log.c.hash).order_by(audit_log.c.id.desc()).limit(1)
        previous = (await connection.execute(last)).scalar_one_or_none() or FIRST
        entry = Entry(
            id=0,
            at=at,
            actor=_short(deed.actor),
            actor_id=deed.actor_id,
            action=deed.action,
            target=_short(deed.target),
            outcome=deed.outcome.value,
            address=_short(deed.address),
            detail=_short(deed.detail),
            previous_hash=previous,
            hash="",
        )
        values = {member.name: getattr(entry, member.name) for member in fields(Entry) if member.name != "id"}
        await connection.execute(insert(audit_log).values({**values, "hash": self._hash(entry)}))

    async def page(self, wanted: EntryFilter, limit: int) -> tuple[Entry, ...]:
        """Return entries, the newest first."""
        query = select(*_COLUMNS).where(_condition(wanted)).order_by(audit_log.c.id.desc()).limit(limit)
        async with self._database.reading.connect() as connection:
            return tuple(Entry(*row) for row in await connection.execute(query))

    async def count(self) -> int:
        """Return how many entries there are."""
        async with self._database.reading.connect() as connection:
            return (await connection.execute(select(func.count()).select_from(audit_log))).scalar_one()

    async def check(self) -> ChainReport:
        """Go through the whole chain. That the newest entries were removed shows only beside an earlier report."""
        previous, entries = FIRST, 0
        async for entry in self._every():
            if entry.previous_hash != previous or not hmac.compare_digest(self._hash(entry), entry.hash):
                return ChainReport(entries, previous, entry.id)
            previous, entries = entry.hash, entries + 1
        return ChainReport(entries, previous, None)

    async def _every(self) -> AsyncIterator[Entry]:
        last_id = 0
        while True:
            query = select(*_COLUMNS).where(audit_log.c.id > last_id).order_by(audit_log.c.id).limit(_CHECKED_AT_ONCE)
            async with self._database.reading.connect() as connection:
                rows = (await connection.execute(query)).all()
            for row in rows:
                yield Entry(*row)
            if len(rows) < _CHECKED_AT_ONCE:
                return
            last_id = rows[-1].id

    def _hash(self, entry: Entry) -> str:
        covered = replace(entry, id=0, hash="")
        text = json.dumps([getattr(covered, member.name) for member in fields(Entry)], ensure_ascii=True)
        return hmac.digest(self._key, text.encode(), sha256).hex()


async def add_or_report(audit: AuditLog, deed: Deed) -> None:
    """Add an entry; when the log cannot be written to, say so in the server's log and go on."""
    try:
        await audit.add(deed)
    except Exception:
        # A full disk must not keep the owner from logging in.
        log.exception("the audit log cannot be written to: %s of %s", deed.action, deed.actor)


def _condition(wanted: EntryFilter) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    for column, value in (("actor", wanted.actor), ("action", wanted.action), ("outcome", wanted.outcome)):
        if value:
            condition = condition & (audit_log.c[column] == str(value))
    if wanted.since is not None:
        condition = condition & (audit_log.c.at >= wanted.since)
    if wanted.until is not None:
        condition = condition & (audit_log.c.at < wanted.until)
    if wanted.before is not None:
        condition = condition & (audit_log.c.id < wanted.before)
    return condition


def _short(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])
