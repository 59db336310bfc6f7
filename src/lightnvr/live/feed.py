"""The packets of a hub, brought to the event loop."""

import asyncio
import threading
from collections import deque

from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged


class Feed:
    """One output's bounded queue between a source's thread and the event loop.

    An output that falls behind by `limit_bytes` loses what waits and goes on with the next video keyframe; what it
    lost is counted in `dropped`. The loop is woken once for all that came meanwhile, not once a packet. Implements
    `lightnvr.media.hub.Consumer`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit_bytes: int, *, keyframes_only: bool = False) -> None:
        """With `keyframes_only` nothing but video keyframes comes through, and nobody is in a hurry for them."""
        self.prompt = not keyframes_only
        self._keyframes_only = keyframes_only
        self._loop = loop
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._waiting: deque[MediaItem] = deque()
        self._waiting_bytes = 0
        self._resynchronising = False
        self._pending_tracks: TracksChanged | None = None
        self._arrived = asyncio.Event()
        self._closed = False
        self.dropped = 0
        """Packets that were lost because the output was too slow."""

    def offer(self, item: MediaItem) -> None:
        """See Consumer."""
        if self._keyframes_only and isinstance(item, MediaPacket) and not _is_video_keyframe(item):
            return
        with self._lock:
            was_empty = not self._waiting
            self._add(item)
            wakes = was_empty and bool(self._waiting)
        if wakes:
            self._wake()

    def close(self) -> None:
        """See Consumer."""
        self._closed = True
        self._wake()

    async def take(self) -> list[MediaItem]:
        """Wait until something is there and return all of it; an empty list means that nothing more will come."""
        while True:
            with self._lock:
                items = list(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                self._arrived.clear()
            if items or self._closed:
                return items
            await self._arrived.wait()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:
            # The loop is closed: the process is ending, and nobody waits any more.
            self._closed = True

    def _add(self, item: MediaItem) -> None:
        if isinstance(item, TracksChanged):
            if self._resynchronising:
                self._pending_tracks = item
            else:
                self._waiting.append(item)
            return
        if self._resynchronising and not self._resynchronise(item):
            return
        self._waiting.append(item)
        self._waiting_bytes += item.size
        if self._waiting_bytes > self._limit_bytes:
            self._overflow()

    def _overflow(self) -> None:
        for item in self._waiting:
            if isinstance(item, TracksChanged):
                self._pending_tracks = item
            else:
                self.dropped += 1
        self._waiting.clear()
        self._waiting_bytes = 0
        self._resynchronising = True

    def _resynchronise(self, packet: MediaPacket) -> bool:
        if not _is_video_keyframe(packet):
            self.dropped += 1
            return False
        self._resynchronising = False
        if self._pending_tracks is not None:
            self._waiting.append(self._pending_tracks)
            self._pending_tracks = None
        return True


def _is_video_keyframe(packet: MediaPacket) -> bool:
    return packet.is_keyframe and packet.track.kind == "video"
