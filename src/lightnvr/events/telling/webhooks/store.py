"""The webhooks in the database."""

import json
from collections.abc import Callable
from datetime import time
from typing import Protocol

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from lightnvr.db.engine import Database
from lightnvr.db.telling_tables import webhooks
from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind
from lightnvr.events.telling.webhooks.model import DuplicateWebhook, Filters, Hours, Webhook, WebhookNotFound


class Seal(Protocol):
    """Encrypts short texts."""

    def seal(self, text: str) -> str:
        """Return what to store."""
        ...

    def reveal(self, sealed: str) -> str:
        """Return the text that was sealed; empty when it cannot be read any more."""
        ...


class WebhookStore:
    """Lists, adds, changes and removes webhooks; their secrets are encrypted."""

    def __init__(self, database: Database, seal: Seal, now: Callable[[], float]) -> None:
        """`now` gives seconds since 1970 UTC."""
        self._database = database
        self._seal = seal
        self._now = now

    async def every(self) -> list[Webhook]:
        """Return all of them, in the order in which they were made."""
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(select(webhooks).order_by(webhooks.c.id))).all()
        return [
            Webhook(
                row.id,
                row.name,
                row.url,
                self._seal.reveal(row.secret),
                row.enabled,
                filters_from(row.filters),
                row.created_at,
                row.updated_at,
            )
            for row in rows
        ]

    async def put(self, webhook: Webhook) -> int:
        """Store a new one (with id 0) or a changed one; return its id. Raises WebhookNotFound, DuplicateWebhook."""
        now = int(self._now())
        values = {
            "name": webhook.name,
            "url": webhook.url,
            "secret": self._seal.seal(webhook.secret),
            "enabled": webhook.enabled,
            "filters": filters_text(webhook.filters),
            "updated_at": now,
        }
        try:
            async with self._database.writing.begin() as connection:
                if not webhook.id:
                    made = insert(webhooks).values(**values, created_at=now).returning(webhooks.c.id)
                    webhook_id: int = (await connection.execute(made)).scalar_one()
                    return webhook_id
                changed = update(webhooks).where(webhooks.c.id == webhook.id).values(values)
                if not (await connection.execute(changed)).rowcount:
                    raise WebhookNotFound(webhook.id)
        except IntegrityError:
            raise DuplicateWebhook(webhook.name) from None
        return webhook.id

    async def remove(self, webhook_id: int) -> None:
        """Delete one. Raises WebhookNotFound."""
        async with self._database.writing.begin() as connection:
            removed = await connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
            if not removed.rowcount:
                raise WebhookNotFound(webhook_id)


def filters_text(filters: Filters) -> str:
    """Return filters as JSON."""
    return json.dumps(
        {
            "streams": sorted(filters.streams),
            "labels": sorted(filters.labels),
            "origins": sorted(filters.origins),
            "kinds": sorted(filters.kinds),
            "hours": [
                {"start": f"{hours.start:%H:%M}", "end": f"{hours.end:%H:%M}", "days": sorted(hours.days)}
                for hours in filters.hours
            ],
        }
    )


def filters_from(text: str) -> Filters:
    """Read what `filters_text` wrote."""
    found = json.loads(text)
    return Filters(
        frozenset(found["streams"]),
        frozenset(found["labels"]),
        frozenset(map(Origin, found["origins"])),
        frozenset(map(ChangeKind, found["kinds"])),
        tuple(
            Hours(time.fromisoformat(each["start"]), time.fromisoformat(each["end"]), frozenset(each["days"]))
            for each in found["hours"]
        ),
    )
