"""Telling a broker of events, as long as there is one."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from lightnvr.events.telling.broker import BrokerOptions
from lightnvr.events.telling.messages import ToldStream
from lightnvr.events.telling.outbox import Outbox
from lightnvr.events.telling.pictures import TellingPictures
from lightnvr.events.telling.sensors import Sensors
from lightnvr.events.telling.session import MQTT, Session

if TYPE_CHECKING:
    from aiomqtt import Client

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_ANSWER_S = 10.0

log = logging.getLogger(__name__)


class MqttTeller:
    """Connects to the broker again and again, and takes other options while it runs. Belongs to the event loop."""

    def __init__(
        self,
        options: BrokerOptions,
        outbox: Outbox,
        pictures: TellingPictures,
        streams: Callable[[], Awaitable[Sequence[ToldStream]]],
        version: str,
    ) -> None:
        self._options = options
        self._outbox = outbox
        self._pictures = pictures
        self._streams = streams
        self._version = version
        self._other_options = asyncio.Event()
        self._session: Session | None = None
        self.sensors = Sensors(self._sensors_changed)
        self.connected = False
        self.error = ""
        """Why the broker cannot be told, in a sentence; empty while it can, or when there is none."""
        self.connections = 0
        """How often the broker was connected to since the start."""

    @property
    def options(self) -> BrokerOptions:
        """As they are now."""
        return self._options

    def take(self, options: BrokerOptions) -> None:
        """Use other options from now on. What waits for the old broker goes to the new one."""
        if options != self._options:
            if self._session is not None:
                place = (options.is_used and options.discovery, options.discovery_prefix, options.prefix)
                self._session.is_taken_back = place != (True, self._options.discovery_prefix, self._options.prefix)
            self._options = options
            self._other_options.set()

    def streams_changed(self) -> None:
        """Streams were added, changed or deleted."""
        if self._session is not None:
            self._session.streams_changed()

    async def run(self) -> None:
        """Run until cancelled."""
        wait_s = _FIRST_WAIT_S
        try:
            while True:
                self._other_options.clear()
                if not self._options.is_used:
                    await self._without_broker()
                    continue
                before = self.connections
                await self._until_other_options(self._connect())
                if self._other_options.is_set() or self.connections > before:
                    wait_s = _FIRST_WAIT_S
                if not self._other_options.is_set():
                    # Many recorders may lose the same broker at once.
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._other_options.wait(), wait_s * random.uniform(0.5, 1.0))  # noqa: S311
                    wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
        finally:
            self.sensors.close()

    async def _without_broker(self) -> None:
        """Forget what waits for a broker, and wait for one."""
        self.error = ""
        try:
            await self._outbox.forget(MQTT)
        except (SQLAlchemyError, OSError) as error:
            # A database that is busy for too long must not keep a broker that is set later from being told.
            log.warning("what waits for an MQTT broker cannot be deleted now: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._other_options.wait(), _LONGEST_WAIT_S)
            return
        await self._other_options.wait()

    async def _until_other_options(self, connecting: Awaitable[None]) -> None:
        session = asyncio.ensure_future(connecting)
        changed = asyncio.create_task(self._other_options.wait())
        try:
            await asyncio.wait([session, changed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            session.cancel()
            await asyncio.wait([session, changed])
            self.connected, self._session = False, None
        if not session.cancelled() and (error := session.exception()) is not None:
            # Such as a database that is busy for too long: the next connection tries again.
            self.error = f"Telling the MQTT broker of events failed: {_reason(error)}. The log says more."
            log.error("telling the MQTT broker of events failed", exc_info=error)

    async def _connect(self) -> None:
        """Connect and speak until the connection ends; note why it did."""
        # Most have no broker, and it takes memory.
        import aiomqtt  # noqa: PLC0415

        options = self._options
        try:
            will = aiomqtt.Will(f"{options.prefix}/availability", "offline", qos=options.qos, retain=True)
            client = aiomqtt.Client(
                options.host,
                options.port,
                username=options.username or None,
                password=options.password or None,
                identifier=options.client_id or None,
                will=will if options.discovery else None,
                keepalive=options.keepalive_s,
                timeout=_ANSWER_S,
                tls_context=await asyncio.to_thread(options.tls_context),
                logger=logging.getLogger(f"{__name__}.client"),
            )
            async with client:
                self._note("")
                await self._speak(client, options)
        except* (aiomqtt.MqttError, OSError) as group:
            self._note(_reason(group))

    async def _speak(self, client: "Client", options: BrokerOptions) -> None:
        self.connections += 1
        self.connected = True
        self._session = Session(
            client, options, self._outbox, self.sensors, self._pictures, self._streams, self._version
        )
        try:
            await self._session.run()
        finally:
            self.connected = False

    def _note(self, reason: str) -> None:
        where = f"{self._options.host}, port {self._options.port}"
        if not reason:
            log.info("connected to the MQTT broker at %s", where)
            self.error = ""
            return
        text = f"The MQTT broker at {where}, cannot be told of events: {reason}. Look at the settings mqtt_*."
        if text != self.error:
            log.warning("%s", text)
        self.error = text

    def _sensors_changed(self) -> None:
        if self._session is not None:
            self._session.sensors_changed()


def _reason(error: BaseException) -> str:
    """Return the first thing that went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error).strip().rstrip(".") or type(error).__name__
