"""What waits for one consumer of a hub."""

import math
from collections import deque

from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged


class PacketQueue:
    """A bounded queue. A consumer that falls behind loses what waits, and goes on with the next video keyframe.

    It has fallen behind when more than `limit_bytes` wait, or when there are more than `limit_s` seconds between the
    arrivals of the oldest and the newest packet. Tracks are never lost: the latest come before the packet that it goes
    on with. Not thread-safe.
    """

    def __init__(self, limit_bytes: int, limit_s: float = math.inf) -> None:
        self._limit_bytes = limit_bytes
        self._limit_s = limit_s
        self._waiting: deque[MediaItem] = deque()
        self._waiting_bytes = 0
        self._oldest_ns = 0
        self._resynchronising = False
        self._pending_tracks: TracksChanged | None = None
        self.dropped = 0
        """Packets that were lost."""
        self.overflows = 0
        """How often the consumer had fallen behind."""

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def add(self, item: MediaItem) -> bool:
        """Add an item; whether it waits now."""
        if isinstance(item, TracksChanged):
            if self._resynchronising:
                self._pending_tracks = item
                return False
            self._waiting.append(item)
            return True
        if self._resynchronising and not self._resynchronise(item):
            return False
        if not self._waiting_bytes:
            self._oldest_ns = item.arrival_ns
        self._waiting.append(item)
        self._waiting_bytes += item.size
        if self._waiting_bytes > self._limit_bytes or self.span_s(item) > self._limit_s:
            self._overflow()
            return False
        return True

    def span_s(self, packet: MediaPacket) -> float:
        """Return how many seconds after the oldest packet that waits this one arrived."""
        return (packet.arrival_ns - self._oldest_ns) / 1e9

    def take(self) -> list[MediaItem]:
        """Return all that waits."""
        items = list(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return items

    def _overflow(self) -> None:
        self.overflows += 1
        for item in self._waiting:
            if isinstance(item, TracksChanged):
                self._pending_tracks = item
            else:
                self.dropped += 1
        self._waiting.clear()
        self._waiting_bytes = 0
        self._resynchronising = True

    def _resynchronise(self, packet: MediaPacket) -> bool:
        if not is_video_keyframe(packet):
            self.dropped += 1
            return False
        self._resynchronising = False
        if self._pending_tracks is not None:
            self._waiting.append(self._pending_tracks)
            self._pending_tracks = None
        return True


def is_video_keyframe(packet: MediaPacket) -> bool:
    """Whether decoding can begin with this packet."""
    return packet.is_keyframe and packet.track.kind == "video"
