"""The latest group of pictures of a source."""

from collections import deque
from collections.abc import Sequence

from lightnvr.media.packets import MediaPacket

_LIMIT_BYTES = 16 * 1024 * 1024
_LENGTHS_KEPT = 5


class GopCache:
    """Keeps the packets since the latest video keyframe, sound included. Not thread-safe.

    A GOP of more than `limit_bytes` is not kept beyond its keyframe: then whoever comes next waits for the next one.
    """

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._packets: list[MediaPacket] = []
        self._size_bytes = 0
        self._is_whole = False
        self._lengths_s: deque[float] = deque(maxlen=_LENGTHS_KEPT)
        self.keyframe: MediaPacket | None = None

    @property
    def longest_s(self) -> float | None:
        """How long the longest of the latest GOPs was, in seconds; None before one was complete."""
        return max(self._lengths_s, default=None)

    @property
    def packets(self) -> Sequence[MediaPacket]:
        """The packets from the keyframe on; empty when there is none or the GOP was too large to keep."""
        return self._packets

    def add(self, packet: MediaPacket) -> None:
        """Take the next packet of the source."""
        if packet.is_keyframe and packet.track.kind == "video":
            if self.keyframe is not None:
                self._lengths_s.append(float((packet.dts - self.keyframe.dts) * packet.track.time_base))
            self.keyframe = packet
            self._packets = [packet]
            self._size_bytes = packet.size
            self._is_whole = True
        elif self._is_whole:
            self._size_bytes += packet.size
            if self._size_bytes > self._limit_bytes:
                self._packets = []
                self._is_whole = False
            else:
                self._packets.append(packet)

    def clear(self) -> None:
        """Forget everything: what follows is coded with other tracks."""
        self._packets = []
        self._size_bytes = 0
        self._is_whole = False
        self._lengths_s.clear()
        self.keyframe = None
