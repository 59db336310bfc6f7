"""Adds entries to the audit log without holding up whoever waits for an answer."""

import asyncio
import logging

from lightnvr.accounts.audit import AuditLog, Deed, add_or_report

_PATIENCE_S = 1.0
_MOST_WAITING = 1000

log = logging.getLogger(__name__)


class AuditWriter:
    """Adds entries in the order they come. Belongs to the event loop.

    An answer waits until its entry is stored, but a second at most: a database that another program holds lets a
    writer wait much longer. The entry is then stored after the answer. Bounded: when a thousand wait, more are only
    told of in the server's log.
    """

    def __init__(self, audit: AuditLog, *, patience_s: float = _PATIENCE_S) -> None:
        self._audit = audit
        self._patience_s = patience_s
        self._waiting: set[asyncio.Task[None]] = set()

    async def add(self, deed: Deed) -> None:
        """Add an entry. A log that cannot be written to stops nobody."""
        if len(self._waiting) >= _MOST_WAITING:
            log.error("the audit log cannot be written to, and too many wait: %s of %s", deed.action, deed.actor)
            return
        writing = asyncio.create_task(add_or_report(self._audit, deed), name="audit")
        self._waiting.add(writing)
        writing.add_done_callback(self._waiting.discard)
        await asyncio.wait([writing], timeout=self._patience_s)

    async def aclose(self) -> None:
        """Wait for the entries that are not stored yet."""
        if self._waiting:
            await asyncio.wait(self._waiting)
