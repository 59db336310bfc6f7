"""Serving one viewer over a connection of its own, until it ends one way or another."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from lightnvr.live.audience import Viewer
from lightnvr.live.errors import TooManyViewers

_LOOKS = 6
"""How often, within its patience, a connection is looked at."""


class Seats:
    """How many may watch at a time with a connection each."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a seat while the context is open. Raises TooManyViewers."""
        if self.taken >= self.limit:
            raise TooManyViewers(f"{self.limit} viewers are connected already; [live] max_viewers allows no more.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass(frozen=True, slots=True)
class ViewerLimits:
    """What a viewer's connection may cost.

    One that takes nothing for `patience_s` seconds is cut. `backlog_bytes` of media may wait for it besides what it
    begins with. A camera has `start_s` seconds to send its first picture.
    """

    seats: Seats = field(default_factory=lambda: Seats(256))
    patience_s: float = 30.0
    backlog_bytes: int = 4 * 1024 * 1024
    start_s: float = 8.0


class PatientSending:
    """Notes how long the viewer's side has not taken what it was sent."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """`send` returns when there is room for more."""
        self._send = send
        self._since: float | None = None

    async def __call__(self, content: bytes) -> None:
        """Send, and wait until there is room for more."""
        self._since = asyncio.get_running_loop().time()
        await self._send(content)
        self._since = None

    def stuck_s(self) -> float:
        """Return for how many seconds nothing was taken."""
        return 0.0 if self._since is None else asyncio.get_running_loop().time() - self._since


class Ending(Enum):
    """How serving a viewer ended."""

    DONE = auto()
    """There is nothing more to send."""
    LEFT = auto()
    """The viewer closed the connection."""
    STUCK = auto()
    """The viewer took nothing for too long."""
    ENDED = auto()
    """The viewer may not watch any more; `Viewer.reason` says why."""


async def serve_viewer(
    viewer: Viewer,
    serve: Coroutine[Any, Any, None],
    left: "asyncio.Future[Any]",
    sending: PatientSending,
    patience_s: float,
) -> Ending:
    """Run `serve` until it returns, `left` is done, the viewer is stuck or may not watch any more.

    What `serve` raises is raised.
    """
    serving = asyncio.ensure_future(serve)
    ended = asyncio.ensure_future(viewer.ended.wait())
    try:
        while True:
            await asyncio.wait((serving, ended, left), timeout=patience_s / _LOOKS, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return Ending.ENDED
            if left.done():
                return Ending.LEFT
            if serving.done():
                serving.result()
                return Ending.DONE
            if sending.stuck_s() >= patience_s:
                return Ending.STUCK
    finally:
        ended.cancel()
        serving.cancel()
        await asyncio.wait((serving, ended))
