"""What waits for one viewer, between the output that all share and the viewer's own connection."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar


class Piece(Protocol):
    """A part of a live stream as it is sent. Shared by all viewers, so it costs its memory once."""

    @property
    def size(self) -> int:
        """In bytes; 0 when it is news of the stream, which no viewer may lose."""
        ...

    @property
    def begins(self) -> bool:
        """Whether a viewer can begin with it: it holds a keyframe."""
        ...


P = TypeVar("P", bound=Piece)


class ViewerQueue(Generic[P]):
    """A bounded queue with one reader. A viewer that falls behind loses what waits and goes on with a keyframe.

    Belongs to the event loop. What a viewer begins with, the pieces since the latest keyframe, may be larger than
    `limit_bytes`. `lost` is called with the number of pieces that were thrown away.
    """

    def __init__(self, limit_bytes: int, lost: Callable[[int], None] = lambda count: None) -> None:
        self._limit_bytes = limit_bytes
        self._lost = lost
        self._waiting: deque[P] = deque()
        self._waiting_bytes = 0
        self._allowance = 0
        self._resynchronising = True
        self._arrived = asyncio.Event()
        self._closed = False

    def begin(self, pieces: Iterable[P]) -> None:
        """Put in what the viewer begins with."""
        for piece in pieces:
            self._resynchronising = False
            self._waiting.append(piece)
            self._waiting_bytes += piece.size
        self._allowance = self._waiting_bytes
        if self._waiting:
            self._arrived.set()

    def push(self, piece: P) -> None:
        """Add a piece."""
        if piece.size:
            if self._resynchronising and not piece.begins:
                self._lost(1)
                return
            self._resynchronising = False
            if self._waiting_bytes + piece.size > self._limit_bytes + self._allowance and self._waiting_bytes:
                self._overflow()
                if not piece.begins:
                    self._resynchronising = True
                    self._lost(1)
                    return
            self._waiting_bytes += piece.size
        self._waiting.append(piece)
        self._arrived.set()

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closed = True
        self._arrived.set()

    async def take(self) -> P | None:
        """Return the next piece, when there is one; None when nothing more will come."""
        while not self._waiting:
            self._allowance = 0
            if self._closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        piece = self._waiting.popleft()
        self._waiting_bytes -= piece.size
        return piece

    def _overflow(self) -> None:
        news = [piece for piece in self._waiting if not piece.size]
        self._lost(len(self._waiting) - len(news))
        self._waiting = deque(news)
        self._waiting_bytes = self._allowance = 0
