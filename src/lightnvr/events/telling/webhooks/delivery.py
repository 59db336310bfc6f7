"""Delivers what waits for webhooks: for each one by a task of its own, so that none holds up another."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from lightnvr.events.model import EventChange
from lightnvr.events.telling.outbox import Letter, Outbox
from lightnvr.events.telling.webhooks.model import Webhook, WebhookNotFound
from lightnvr.events.telling.webhooks.payload import payload, test_payload
from lightnvr.events.telling.webhooks.posting import NotDelivered, PostingRules, post
from lightnvr.events.telling.webhooks.signing import signature
from lightnvr.events.telling.webhooks.store import WebhookStore

GIVE_UP_S = 24 * 3600
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 600.0
_LONGEST_PAUSE_S = 3600
"""A receiver that wants to be left alone for longer is asked again all the same."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastResult:
    """How the last attempt went. `at` is in seconds since 1970 UTC; `status` None without an answer."""

    at: int
    delivered: bool
    status: int | None
    error: str = ""


class WebhookTeller:
    """Knows the webhooks and delivers to them. Belongs to the event loop."""

    def __init__(
        self,
        store: WebhookStore,
        outbox: Outbox,
        rules: PostingRules,
        now: Callable[[], float],
        zone: Callable[[float], int],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`now` gives seconds since 1970 UTC, `zone` how many seconds local time is ahead of that.

        `pause` waits for so many seconds before a message is tried again.
        """
        self._store = store
        self._outbox = outbox
        self.rules = rules
        self._now = now
        self._zone = zone
        self._pause = pause
        self._webhooks: dict[int, Webhook] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        # One change after the other: else two tasks could deliver for one webhook, or one for none.
        self._turn = asyncio.Lock()
        self.results: dict[int, LastResult] = {}
        self.given_up = 0
        """How many messages were not taken within a day, or refused for good."""

    async def start(self) -> None:
        """Read the webhooks and begin to deliver."""
        for webhook in await self._store.every():
            await self._take(webhook)

    async def close(self) -> None:
        """Stop delivering; what waits is delivered after the next start."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def every(self) -> list[Webhook]:
        """Return all webhooks."""
        return list(self._webhooks.values())

    def get(self, webhook_id: int) -> Webhook:
        """Return one. Raises WebhookNotFound."""
        try:
            return self._webhooks[webhook_id]
        except KeyError:
            raise WebhookNotFound(webhook_id) from None

    def waiting(self, webhook: Webhook) -> int:
        """Return how many messages wait for a webhook."""
        return self._outbox.waiting().get(webhook.destination, 0)

    async def put(self, webhook: Webhook) -> Webhook:
        """Store a new webhook (with id 0) or a changed one. Raises WebhookNotFound, DuplicateWebhook."""
        async with self._turn:
            webhook_id = await self._store.put(webhook)
            stored = next(each for each in await self._store.every() if each.id == webhook_id)
            await self._take(stored)
            return stored

    async def remove(self, webhook_id: int) -> None:
        """Delete a webhook, and what waits for it. Raises WebhookNotFound."""
        async with self._turn:
            webhook = self.get(webhook_id)
            await self._store.remove(webhook_id)
            del self._webhooks[webhook_id]
            await self._stop(webhook_id)
            await self._outbox.forget(webhook.destination)

    def changed(self, change: EventChange) -> None:
        """Tell the webhooks of a change that want to know of it."""
        ahead_s = self._zone(change.at_us / 1e6)
        wanting = [
            webhook
            for webhook in self._webhooks.values()
            if webhook.enabled and webhook.filters.let_through(change, ahead_s)
        ]
        text = payload(change) if wanting else ""
        for webhook in wanting:
            self._outbox.put(webhook.destination, text)

    async def test(self, webhook_id: int) -> LastResult:
        """Send a message at once, beside what waits, and return how that went. Raises WebhookNotFound."""
        return await self._attempt(self.get(webhook_id), test_payload(self._now()))

    async def _take(self, webhook: Webhook) -> None:
        self._webhooks[webhook.id] = webhook
        await self._stop(webhook.id)
        if webhook.enabled:
            self._tasks[webhook.id] = asyncio.create_task(self._deliver(webhook), name=webhook.destination)

    async def _stop(self, webhook_id: int) -> None:
        task = self._tasks.pop(webhook_id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _deliver(self, webhook: Webhook) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                letter = await self._outbox.next(webhook.destination)
                later_s = await self._hand_over(webhook, letter)
                if later_s is None:
                    await self._outbox.done(letter)
                    wait_s = _FIRST_WAIT_S
                    continue
            except Exception:
                # Such as a database that is busy; the message is still there.
                log.exception("webhook %s: what waits for it cannot be read", webhook.name)
                later_s = 0
            await self._pause(max(later_s, wait_s * random.uniform(0.5, 1.0)))  # noqa: S311
            wait_s = min(_LONGEST_WAIT_S, wait_s * 2)

    async def _hand_over(self, webhook: Webhook, letter: Letter) -> int | None:
        """Try once. Returns None when that is all, else how many seconds the receiver wants to be left alone."""
        try:
            await self._post(webhook, letter.content)
        except NotDelivered as error:
            if error.is_final or self._now() - letter.created_at > GIVE_UP_S:
                self.given_up += 1
                log.warning("webhook %s: a message is given up: %s", webhook.name, error)
                return None
            return min(error.after_s, _LONGEST_PAUSE_S)
        return None

    async def _attempt(self, webhook: Webhook, content: str) -> LastResult:
        with suppress(NotDelivered):
            await self._post(webhook, content)
        return self.results[webhook.id]

    async def _post(self, webhook: Webhook, content: str) -> None:
        at, body = int(self._now()), content.encode()
        headers = {"Content-Type": "application/json", "User-Agent": "LightNVR", "X-LightNVR-Timestamp": str(at)}
        if webhook.secret:
            headers["X-LightNVR-Signature"] = signature(webhook.secret, at, body)
        try:
            status = await post(webhook.url, body, headers, self.rules)
        except NotDelivered as error:
            before = self.results.get(webhook.id)
            if before is None or before.delivered:
                log.warning("webhook %s cannot be delivered to: %s", webhook.name, error)
            self.results[webhook.id] = LastResult(at, delivered=False, status=error.status, error=str(error))
            raise
        self.results[webhook.id] = LastResult(at, delivered=True, status=status)
