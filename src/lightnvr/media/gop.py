"""The latest groups of pictures of a source, in the coded form in which they came."""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from lightnvr.media.packed_gop import PackedGop
from lightnvr.media.packets import MediaPacket

_LIMIT_BYTES = 16 * 1024 * 1024
_LENGTHS_KEPT = 5


@dataclass(frozen=True, slots=True)
class Since:
    """From when on packets are wanted that have come already: from the keyframe at or before `at_ns`.

    That keyframe must have come after `after_ns`, else it is the first one that did. Both are arrivals on the monotonic
    clock, in nanoseconds.
    """

    at_ns: int
    after_ns: int = 0


LATEST = Since(at_ns=sys.maxsize, after_ns=-1)
"""From the latest keyframe on."""


class _Gop:
    __slots__ = ("arrival_ns", "packets", "size_bytes")

    def __init__(self, keyframe: MediaPacket) -> None:
        self.packets = [keyframe]
        self.arrival_ns = keyframe.arrival_ns
        self.size_bytes = keyframe.size

    def __iter__(self) -> Iterator[MediaPacket]:
        return iter(self.packets)


class GopCache:
    """Keeps the packets since the latest video keyframe, sound included, and earlier GOPs if asked to. Not thread-safe.

    A GOP of more than `limit_bytes` is not kept beyond its keyframe: then whoever comes next waits for the next one.
    """

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._gop_limit_bytes = limit_bytes
        self._kept_ns = 0
        self._kept_bytes = 0
        self._earlier: deque[PackedGop] = deque()
        self._latest: _Gop | None = None
        self._size_bytes = 0
        self._lengths_s: deque[float] = deque(maxlen=_LENGTHS_KEPT)
        self.keyframe: MediaPacket | None = None
        self.shortened = 0
        """How many GOPs were given up sooner than asked, because there were too many bytes."""

    @property
    def longest_s(self) -> float | None:
        """How long the longest of the latest GOPs was, in seconds; None before one was complete."""
        return max(self._lengths_s, default=None)

    @property
    def size_bytes(self) -> int:
        """How much is kept, in bytes of coded media."""
        return self._size_bytes

    def keep(self, seconds: float, limit_bytes: int) -> None:
        """Keep whole GOPs so that they reach back this many seconds, within this many bytes, besides the latest GOP."""
        self._kept_ns = int(seconds * 1e9)
        self._kept_bytes = limit_bytes
        if not seconds:
            self._forget(len(self._earlier))

    def since(self, wanted: Since) -> Iterator[MediaPacket]:
        """Return the packets from a keyframe on, see Since; nothing when none that is kept came so late.

        A keyframe is not kept when its GOP is too large.
        """
        there: list[PackedGop | _Gop] = [*self._earlier, *([] if self._latest is None else [self._latest])]
        late = [gop for gop in there if gop.arrival_ns > wanted.after_ns]
        before = sum(gop.arrival_ns <= wanted.at_ns for gop in late)
        return chain.from_iterable(late[max(0, before - 1) :])

    def add(self, packet: MediaPacket) -> None:
        """Take the next packet of the source."""
        if packet.is_keyframe and packet.track.kind == "video":
            if self.keyframe is not None:
                self._lengths_s.append(float((packet.dts - self.keyframe.dts) * packet.track.time_base))
            self.keyframe = packet
            self._begin(packet)
        elif self._latest is not None:
            self._latest.packets.append(packet)
            self._latest.size_bytes += packet.size
            self._size_bytes += packet.size
            if self._latest.size_bytes > self._gop_limit_bytes:
                # What is before it cannot be joined to what comes after it.
                self.shortened += len(self._earlier)
                self._forget(len(self._earlier))
                self._latest, self._size_bytes = None, 0
        while self._earlier and self._size_bytes > self._kept_bytes:
            self.shortened += 1
            self._forget(1)

    def clear(self) -> None:
        """Forget everything: what follows is coded with other tracks."""
        self._earlier.clear()
        self._latest = None
        self._size_bytes = 0
        self._lengths_s.clear()
        self.keyframe = None

    def _begin(self, keyframe: MediaPacket) -> None:
        if self._latest is not None:
            if self._kept_ns:
                self._earlier.append(PackedGop(self._latest.packets))
            else:
                self._size_bytes -= self._latest.size_bytes
        self._latest = _Gop(keyframe)
        self._size_bytes += keyframe.size
        oldest_ns = keyframe.arrival_ns - self._kept_ns
        too_old = 0
        later: list[PackedGop | _Gop] = [*list(self._earlier)[1:], self._latest]
        for following in later:
            # One is needed for as long as the next begins too late.
            if following.arrival_ns > oldest_ns:
                break
            too_old += 1
        self._forget(min(too_old, len(self._earlier)))

    def _forget(self, many: int) -> None:
        for _ in range(many):
            self._size_bytes -= self._earlier.popleft().size_bytes
