"""The packets of a hub, brought to the event loop."""

import asyncio
import threading

from lightnvr.media.packet_queue import PacketQueue, is_video_keyframe
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged, without_sound


class Feed:
    """One output's bounded queue between a source's thread and the event loop; see PacketQueue for what is lost.

    The loop is woken once for all that came meanwhile, not once a packet. Implements `lightnvr.media.hub.Consumer`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit_bytes: int,
        *,
        keyframes_only: bool = False,
        silent: bool = False,
    ) -> None:
        """With `keyframes_only` nothing but video keyframes comes through, and nobody is in a hurry for them.

        When it is `silent` no sound comes through, and no track of sound is told of.
        """
        self._silent = silent
        self.prompt = not keyframes_only
        self._keyframes_only = keyframes_only
        self._loop = loop
        self._lock = threading.Lock()
        self._queue = PacketQueue(limit_bytes)
        self._arrived = asyncio.Event()
        self._closed = False

    @property
    def dropped(self) -> int:
        """Packets that were lost because the output was too slow."""
        return self._queue.dropped

    def offer(self, item: MediaItem) -> None:
        """See Consumer."""
        if self._keyframes_only and isinstance(item, MediaPacket) and not is_video_keyframe(item):
            return
        if self._silent:
            if isinstance(item, TracksChanged):
                item = TracksChanged(without_sound(item.tracks))
            elif item.track.kind != "video":
                return
        with self._lock:
            was_empty = not len(self._queue)
            wakes = self._queue.add(item) and was_empty
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
                items = self._queue.take()
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
