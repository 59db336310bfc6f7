"""Where events meet those who are told of them: streams, pictures and settings as telling needs them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lightnvr import __version__
from lightnvr.config.settings import Settings
from lightnvr.config.telling_settings import MqttSettings, WebhookSettings
from lightnvr.db.engine import Database
from lightnvr.events.model import EventChanges
from lightnvr.events.telling.broker import BrokerOptions
from lightnvr.events.telling.messages import ToldStream
from lightnvr.events.telling.pictures import TellingPictures
from lightnvr.events.telling.service import Telling, telling
from lightnvr.events.telling.webhooks.addresses import AddressRules, networks
from lightnvr.events.telling.webhooks.posting import PostingRules
from lightnvr.events.telling.webhooks.store import Seal, WebhookStore
from lightnvr.live.darkroom import Darkroom, Negative
from lightnvr.media.packets import MediaPacket
from lightnvr.media.snapshot import PictureForm, UndecodablePicture
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.schedule import system_zone


@asynccontextmanager
async def notifying(
    settings: Settings,
    database: Database,
    catalog: StreamCatalog,
    fleet: Fleet,
    darkroom: Darkroom,
    seal: Seal,
    snapshots: Path,
    changes: EventChanges,
) -> AsyncIterator[Telling]:
    """Tell the broker and webhooks of changes of events while the context is open.

    `snapshots` is the folder of the pictures of events.
    """

    async def streams() -> list[ToldStream]:
        return [
            ToldStream(
                stream.id,
                stream.name,
                stream.folder,
                enabled=bool(stream.settings.enabled),
                watched=bool(stream.settings.enabled) and not stream.privacy_mode,
            )
            for stream in await catalog.every()
        ]

    async def develop(keyframe: MediaPacket) -> bytes | None:
        try:
            return await Negative(keyframe, 0, darkroom).jpeg(PictureForm())
        except UndecodablePicture:
            return None

    pictures = TellingPictures(snapshots, develop, fleet.latest_keyframe)
    async with telling(
        database,
        changes,
        broker_options(settings.mqtt),
        pictures,
        streams,
        WebhookStore(database, seal, time.time),
        posting_rules(settings.webhooks),
        version=__version__,
        now=time.time,
        zone=system_zone,
    ) as service:
        fleet.on_applied(service.stream_changed)
        yield service


def broker_options(mqtt: MqttSettings) -> BrokerOptions:
    """Return how the broker is reached and spoken to."""
    return BrokerOptions(
        enabled=mqtt.enabled,
        host=mqtt.broker_host,
        port=mqtt.broker_port,
        username=mqtt.username,
        password=mqtt.password,
        client_id=mqtt.client_id,
        prefix=mqtt.topic_prefix,
        tls=mqtt.tls_enabled,
        ca_file=mqtt.tls_ca_file,
        tls_insecure=mqtt.tls_insecure,
        keepalive_s=mqtt.keepalive,
        qos=mqtt.qos,
        retain=mqtt.retain,
        snapshots=mqtt.snapshots,
        discovery=mqtt.ha_discovery,
        discovery_prefix=mqtt.ha_discovery_prefix,
        snapshot_interval_s=mqtt.ha_snapshot_interval,
    )


def posting_rules(webhooks: WebhookSettings) -> PostingRules:
    """Return where webhooks may lead."""
    return PostingRules(AddressRules(networks(webhooks.allowed_networks), networks(webhooks.denied_networks)))
