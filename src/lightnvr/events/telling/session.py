"""One connection to a broker: what is said on it from its beginning to its end."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lightnvr.events.telling.broker import BrokerOptions
from lightnvr.events.telling.discovery import availability_topic, discovery, is_ours
from lightnvr.events.telling.messages import ToldStream
from lightnvr.events.telling.outbox import Letter, Outbox
from lightnvr.events.telling.pictures import TellingPictures
from lightnvr.events.telling.sensors import Sensors

if TYPE_CHECKING:
    from aiomqtt import Client

MQTT = "mqtt"
"""The destination of messages for the broker."""

_FAREWELL_S = 2.0

log = logging.getLogger(__name__)


class Session:
    """Speaks on a connection that was made. Detections come from the outbox; all else is told as it is now."""

    def __init__(
        self,
        client: "Client",
        options: BrokerOptions,
        outbox: Outbox,
        sensors: Sensors,
        pictures: TellingPictures,
        streams: Callable[[], Awaitable[Sequence[ToldStream]]],
        version: str,
    ) -> None:
        self._client = client
        self._options = options
        self._outbox = outbox
        self._sensors = sensors
        self._pictures = pictures
        self._streams = streams
        self._version = version
        self._discovered: set[str] = set()
        self._told_of: Sequence[ToldStream] = ()
        self._discover = asyncio.Event()
        self._changed = asyncio.Event()
        self.is_taken_back = False
        """Whether the streams are taken back from Home Assistant at the end."""

    def sensors_changed(self) -> None:
        """There is something new to tell of the sensors."""
        self._changed.set()

    def streams_changed(self) -> None:
        """Streams were added, changed or deleted."""
        self._discover.set()

    async def run(self) -> None:
        """Tell what there is to tell until cancelled. Raises MqttError when the connection ends, in a group."""
        self._told_of = await self._streams()
        if self._options.discovery:
            await self._publish(availability_topic(self._options.prefix), "online", retain=True)
            await self._client.subscribe(f"{self._options.discovery_prefix}/status", qos=0)
            await self._client.subscribe(f"{self._options.discovery_prefix}/+/lightnvr/+/config", qos=0)
            self._discover.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._tell_events())
                tasks.create_task(self._tell_streams())
                if self._options.discovery:
                    tasks.create_task(self._tell_sensors())
                    if self._options.snapshot_interval_s:
                        tasks.create_task(self._show_cameras())
        except asyncio.CancelledError:
            await self._say_farewell()
            raise

    async def _say_farewell(self) -> None:
        """Say what the last will says of those who vanish."""
        from aiomqtt import MqttError  # noqa: PLC0415 - see mqtt.py

        if not self._options.discovery:
            return
        # A broker that does not take it any more publishes the last will.
        with suppress(TimeoutError, MqttError):
            async with asyncio.timeout(_FAREWELL_S):
                for topic in sorted(self._discovered) if self.is_taken_back else ():
                    await self._publish(topic, "", retain=True)
                await self._publish(availability_topic(self._options.prefix), "offline", retain=True)

    async def _listen(self) -> None:
        """Hear when Home Assistant starts, and of what is there of streams that are no more."""
        async for message in self._client.messages:
            topic, payload = message.topic.value, message.payload
            if topic == f"{self._options.discovery_prefix}/status":
                if payload == b"online":
                    self._discover.set()
            elif message.retain and payload and is_ours(payload, self._options.prefix):
                self._discovered.add(topic)
                if topic not in self._wanted():
                    self._discover.set()

    def _wanted(self) -> Mapping[str, str]:
        options = self._options
        return discovery(self._told_of, options.prefix, options.discovery_prefix, self._version)

    async def _tell_streams(self) -> None:
        """Tell of the streams again whenever it is asked for, and take back those that are no more."""
        while True:
            await self._discover.wait()
            self._discover.clear()
            self._told_of = await self._streams()
            if not self._options.discovery:
                continue
            wanted = self._wanted()
            for topic in sorted(self._discovered - wanted.keys()):
                await self._publish(topic, "", retain=True)
                self._discovered.discard(topic)
            for topic, payload in wanted.items():
                await self._publish(topic, payload, retain=True)
                self._discovered.add(topic)
            self._pictures.forget_shown()
            await self._tell(self._sensors.present())

    async def _tell_sensors(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._tell(self._sensors.untold())

    async def _tell(self, values: Mapping[str, str]) -> None:
        for topic, value in values.items():
            await self._publish(f"{self._options.prefix}/cameras/{topic}", value)

    async def _show_cameras(self) -> None:
        while True:
            for stream in self._told_of:
                if stream.enabled and stream.watched and (jpeg := await self._pictures.of_camera(stream)):
                    await self._publish(f"{self._options.prefix}/cameras/{stream.safe}/snapshot", jpeg)
            await asyncio.sleep(self._options.snapshot_interval_s)

    async def _tell_events(self) -> None:
        while True:
            letter = await self._outbox.next(MQTT)
            await self._hand_over(letter)
            await self._outbox.done(letter)

    async def _hand_over(self, letter: Letter) -> None:
        content = json.loads(letter.content)
        safe, picture, payload = content["safe"], content["picture"], content["payload"]
        topic = f"{self._options.prefix}/detections/{safe}"
        if self._may_show(safe) and (jpeg := await self._pictures.of_change(content["number"], picture)):
            await self._publish(f"{topic}/snapshot", jpeg, retain=self._options.retain)
            payload["snapshot_topic"] = f"{topic}/snapshot"
        if await self._pictures.is_stored(picture):
            payload["snapshot_path"] = str(self._pictures.root / picture)
            payload["snapshot_url"] = f"/api/snapshots/{picture}"
        await self._publish(topic, json.dumps(payload), retain=self._options.retain)

    def _may_show(self, safe: str) -> bool:
        return self._options.snapshots and any(stream.safe == safe and stream.watched for stream in self._told_of)

    async def _publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=self._options.qos, retain=retain)
