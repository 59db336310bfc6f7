"""What outputs have in common whose viewers each have a connection of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from lightnvr.live.viewer_queue import Piece, ViewerQueue

_LIMIT_BYTES = 16 * 1024 * 1024

P = TypeVar("P", bound=Piece)


class SharedPieces(Generic[P]):
    """Hands each piece to all viewers, and keeps those since the latest keyframe for the viewers to come.

    When they become larger than `limit_bytes` they are not kept; who comes then begins with the next keyframe.
    """

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._queues: set[ViewerQueue[P]] = set()
        self._latest: list[P] = []
        self._latest_bytes = 0
        self._closed = False

    @contextmanager
    def viewed_through(self, queue: ViewerQueue[P]) -> Iterator[None]:
        """Fill a queue for as long as the context is open, from the latest keyframe on."""
        queue.begin(self._latest)
        if self._closed:
            queue.close()
        self._queues.add(queue)
        try:
            yield
        finally:
            self._queues.discard(queue)

    def add(self, piece: P) -> None:
        """Hand on the next piece."""
        if piece.begins:
            self._latest, self._latest_bytes = [], 0
        if piece.begins or self._latest:
            self._latest.append(piece)
            self._latest_bytes += piece.size
            if self._latest_bytes > self._limit_bytes:
                self._latest = []
        self.tell(piece)

    def tell(self, news: P) -> None:
        """Hand on something that is for those who watch now."""
        for queue in self._queues:
            queue.push(news)

    def forget(self) -> None:
        """Keep nothing for the viewers to come: the camera is gone."""
        self._latest, self._latest_bytes = [], 0

    def close(self) -> None:
        """Tell all viewers that nothing more will come."""
        self._closed = True
        self._latest = []
        for queue in self._queues:
            queue.close()
