"""The small stream of a camera, connected only while somebody needs it."""

import asyncio
import logging
from collections.abc import Callable

from lightnvr.media.address import SourceAddress
from lightnvr.media.hub import Hub
from lightnvr.media.source import SourceOptions
from lightnvr.streams.backoff import Backoff
from lightnvr.streams.connection import Connection
from lightnvr.streams.plan import StreamPlan

_LINGER_S = 10.0
"""How long the connection is kept after the last one who needed it: a page that is reloaded needs it again at once."""

_DISCONNECT_S = 2.0

log = logging.getLogger(__name__)


class SubStream:
    """Owns hub and connection of a sub-stream. Belongs to the event loop."""

    def __init__(self, make_backoff: Callable[[], Backoff], *, linger_s: float = _LINGER_S) -> None:
        self._make_backoff = make_backoff
        self._linger_s = linger_s
        self._name = ""
        self._address: SourceAddress | None = None
        self._options = SourceOptions()
        self._users = 0
        self._release: asyncio.TimerHandle | None = None
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.hub = Hub()

    @property
    def exists(self) -> bool:
        """Whether the stream has a sub-stream that may be connected to."""
        return self._address is not None

    @property
    def last_error(self) -> str:
        """Why it sends nothing, or an empty text."""
        return self._connection.last_error if self._connection else ""

    async def apply(self, plan: StreamPlan) -> None:
        """Follow the stream's configuration."""
        address = plan.sub_address if plan.connect else None
        if (address, plan.source) != (self._address, self._options):
            self._disconnect()
            self._name, self._address, self._options = f"{plan.name}_sub", address, plan.source
        if self._users:
            self._connect()

    def acquire(self) -> None:
        """Connect, unless it is connected already."""
        self._users += 1
        self._forget_timer()
        self._connect()

    def release(self) -> None:
        """Take one `acquire` back; after the last the connection is closed a little later."""
        self._users -= 1
        if not self._users:
            self._release = asyncio.get_running_loop().call_later(self._linger_s, self._disconnect)

    async def stop(self) -> None:
        """Close the connection for good."""
        self._address = None
        self._disconnect()
        if self._ending:
            await asyncio.wait(self._ending)

    def _connect(self) -> None:
        if self._task is None and self._address is not None:
            self._connection = Connection(
                self._name, self._address, self._options, self.hub, backoff=self._make_backoff()
            )
            self._task = asyncio.create_task(self._connection.run(), name=f"connection {self._name}")

    def _disconnect(self) -> None:
        self._forget_timer()
        task, connection = self._task, self._connection
        self._task = self._connection = None
        if task is not None and connection is not None:
            ending = asyncio.create_task(self._end(task, connection))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _end(self, task: asyncio.Task[None], connection: Connection) -> None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the connection of %s failed", self._name, exc_info=error)
        await connection.ended(_DISCONNECT_S)

    def _forget_timer(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
