"""Follows events and has others told of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lightnvr.db.engine import Database
from lightnvr.events.model import EventChange, EventChanges
from lightnvr.events.telling.broker import BrokerOptions
from lightnvr.events.telling.messages import ToldStream, detections_message, safe_name, told_of
from lightnvr.events.telling.mqtt import MqttTeller
from lightnvr.events.telling.outbox import Outbox
from lightnvr.events.telling.pictures import TellingPictures
from lightnvr.events.telling.session import MQTT
from lightnvr.events.telling.webhooks.delivery import WebhookTeller
from lightnvr.events.telling.webhooks.posting import PostingRules
from lightnvr.events.telling.webhooks.store import WebhookStore


@dataclass(slots=True)
class Telling:
    """What the API and the settings need of it."""

    outbox: Outbox
    mqtt: MqttTeller
    webhooks: WebhookTeller
    _streams: Callable[[], Awaitable[Sequence[ToldStream]]]
    _pictures: TellingPictures
    _safe: dict[int, str]

    async def stream_changed(self, _stream_id: int = 0) -> None:
        """A stream was added, changed or deleted."""
        streams = await self._streams()
        self._safe = {stream.id: stream.safe for stream in streams}
        self.mqtt.sensors.follow((stream.id, stream.safe) for stream in streams if stream.enabled)
        self.mqtt.streams_changed()

    def changed(self, change: EventChange) -> None:
        """Tell of a change of an event."""
        self.webhooks.changed(change)
        if not self.mqtt.options.is_used:
            return
        self.mqtt.sensors.take(change)
        if told_of(change):
            event = change.event
            safe = self._safe.get(event.stream_id) or safe_name(event.stream_name)
            self._pictures.remember(change)
            self.outbox.put(MQTT, detections_message(change, safe))

    def problems(self) -> Sequence[str]:
        """Return what is wrong, in sentences."""
        lost = sum(self.outbox.dropped().values())
        found = [self.outbox.error, self.mqtt.error]
        if lost:
            found.append(f"{lost} messages about events were dropped since the start: too many waited.")
        return [problem for problem in found if problem]


@asynccontextmanager
async def telling(
    database: Database,
    changes: EventChanges | None,
    options: BrokerOptions,
    pictures: TellingPictures,
    streams: Callable[[], Awaitable[Sequence[ToldStream]]],
    store: WebhookStore,
    rules: PostingRules,
    *,
    version: str,
    now: Callable[[], float],
    zone: Callable[[float], int],
) -> AsyncIterator[Telling]:
    """Tell others of events while the context is open. `now` gives seconds since 1970 UTC, `zone` local time's lead."""
    outbox = Outbox(database, now)
    await outbox.load()
    mqtt = MqttTeller(options, outbox, pictures, streams, version)
    webhooks = WebhookTeller(store, outbox, rules, now, zone)
    await webhooks.start()
    service = Telling(outbox, mqtt, webhooks, streams, pictures, {})
    await service.stream_changed()
    if changes is not None:
        changes.follow(service.changed)
    writing = asyncio.create_task(outbox.run(), name="outbox")
    speaking = asyncio.create_task(mqtt.run(), name="mqtt")
    try:
        yield service
    finally:
        if changes is not None:
            changes.unfollow(service.changed)
        await webhooks.close()
        speaking.cancel()
        await asyncio.wait([speaking])
        outbox.close()
        await asyncio.wait([writing])
