"""Which pictures of a stream are looked at: the newest one, as soon as there is time for it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lightnvr.media.packet_queue import PacketQueue, is_video_keyframe
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged

_LIMIT_BYTES = 16 * 1024 * 1024
_LIMIT_S = 2.0
_EARLY_S = Fraction(1, 20)
"""How much too early a keyframe may come: clocks of cameras do not agree with ours."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What is to be decoded: one keyframe, or what came since the last time. The last picture is the one to look at.

    `begins` says that the camera was connected to again, or is set up in another way: what was before it is past.
    """

    packets: tuple[MediaPacket, ...]
    begins: bool


class KeyframeSampler:
    """Holds the newest keyframe until it is taken. Implements `lightnvr.media.hub.Consumer`; thread-safe."""

    prompt = False

    def __init__(self, interval_s: float, ready: Callable[[], None]) -> None:
        """Keyframes less than `interval_s` seconds after the last one that counted are left out."""
        self._interval_s = Fraction(interval_s) - _EARLY_S
        self._ready = ready
        self._lock = threading.Lock()
        self._newest: MediaPacket | None = None
        self._last: MediaPacket | None = None
        self._begins = True
        self.came = 0
        """How many samples there were to look at."""
        self.dropped = 0
        """How many of them were not looked at, because a newer one came before there was time."""

    def offer(self, item: MediaItem) -> None:
        """See Consumer."""
        if isinstance(item, TracksChanged):
            with self._lock:
                self._newest = self._last = None
                self._begins = True
            return
        if not is_video_keyframe(item):
            return
        with self._lock:
            if self._last is not None and item.time - self._last.time < self._interval_s:
                return
            self.came += 1
            self.dropped += self._newest is not None
            self._newest = self._last = item
        self._ready()

    def take(self) -> Sample | None:
        """Return the newest keyframe, None when it was taken already."""
        with self._lock:
            newest, self._newest = self._newest, None
            if newest is None:
                return None
            begins, self._begins = self._begins, False
        return Sample((newest,), begins)

    def close(self) -> None:
        """See Consumer."""
        with self._lock:
            self._newest = None


class PictureSampler:
    """Holds all packets until they are taken, because each picture needs those before it; asks for each one at once.

    One who is too slow goes on at the next keyframe. Implements `lightnvr.media.hub.Consumer`; thread-safe.
    """

    prompt = True

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self._lock = threading.Lock()
        self._queue = PacketQueue(_LIMIT_BYTES, _LIMIT_S)
        self._begins = True
        self._follows = False
        self.came = 0
        """How many pictures came."""
        self.dropped = 0
        """How many of them were not looked at, because newer ones came before there was time."""

    def offer(self, item: MediaItem) -> None:
        """See Consumer."""
        if isinstance(item, MediaPacket) and item.track.kind != "video":
            return
        with self._lock:
            lost = self._queue.dropped
            waits = self._queue.add(item)
            self.dropped += self._queue.dropped - lost
            self.came += isinstance(item, MediaPacket)
        if waits:
            self._ready()

    def take(self) -> Sample | None:
        """Return what came since the last time, None when nothing did that can be decoded."""
        with self._lock:
            packets = self._decodable(self._queue.take())
            if not packets:
                return None
            begins, self._begins = self._begins, False
            self.dropped += len(packets) - 1
        return Sample(packets, begins)

    def close(self) -> None:
        """See Consumer."""
        with self._lock:
            self._queue.take()

    def _decodable(self, items: Sequence[MediaItem]) -> tuple[MediaPacket, ...]:
        packets: list[MediaPacket] = []
        for item in items:
            if isinstance(item, TracksChanged):
                packets.clear()
                self._begins, self._follows = True, False
            elif item.is_keyframe or self._follows:
                self._follows = True
                packets.append(item)
        return tuple(packets)


Sampler = KeyframeSampler | PictureSampler
