"""Handing the packets of one source to everybody who wants them."""

import threading
from collections import deque

from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged


class Subscription:
    """One consumer's bounded queue. A consumer that falls behind loses its own packets, nobody else's.

    `limit_bytes` and `limit_s` bound what waits; when either is passed, everything that waits is thrown away and the
    consumer goes on with the next video keyframe. Dropped packets are counted in `dropped`. `wait` returns when
    `batch_s` of video wait, or a keyframe, or the picture that `wake_when` named.
    """

    def __init__(self, limit_bytes: int, limit_s: float, *, batch_s: float = 0.0, prompt: bool = False) -> None:
        self.prompt = prompt
        self._limit_bytes = limit_bytes
        self._limit_ns = int(limit_s * 1e9)
        self._batch_ns = int(batch_s * 1e9)
        self._waiting: deque[MediaItem] = deque()
        self._waiting_bytes = 0
        self._oldest_ns = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._wake_dts: int | None = None
        self._newest_dts: int | None = None
        self._resynchronising = False
        self._pending_tracks: TracksChanged | None = None
        self.closed = False
        self.dropped = 0
        self.overflows = 0

    def offer(self, item: MediaItem) -> None:
        """Add an item; called by the source's thread and never blocks."""
        with self._lock:
            if isinstance(item, TracksChanged):
                if self._resynchronising:
                    self._pending_tracks = item
                else:
                    self._waiting.append(item)
                    self._wake.set()
                return
            if self._resynchronising and not self._resynchronise(item):
                return
            if not self._waiting_bytes:
                self._oldest_ns = item.arrival_ns
            self._waiting.append(item)
            self._waiting_bytes += item.size
            if self._waiting_bytes > self._limit_bytes or item.arrival_ns - self._oldest_ns > self._limit_ns:
                self._overflow()
            elif item.track.kind == "video":
                self._newest_dts = item.dts
                if (
                    item.is_keyframe
                    or item.arrival_ns - self._oldest_ns >= self._batch_ns
                    or (self._wake_dts is not None and item.dts >= self._wake_dts)
                ):
                    self._wake.set()

    def take(self) -> list[MediaItem]:
        """Return all that waits, without blocking."""
        with self._lock:
            items = list(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self._newest_dts = None
            if not self.closed:
                self._wake.clear()
            return items

    def wake_when(self, dts: int | None) -> None:
        """Let `wait` return as soon as a picture with this dts, or a later one, waits; None names none."""
        with self._lock:
            self._wake_dts = dts
            if dts is not None and self._newest_dts is not None and self._newest_dts >= dts:
                self._wake.set()

    def wait(self, timeout_s: float) -> None:
        """Wait until there is a batch or `close` is called, for `timeout_s` seconds at most."""
        self._wake.wait(timeout_s)

    def close(self) -> None:
        """Say that nothing more will come."""
        self.closed = True
        self._wake.set()

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
        if not (packet.is_keyframe and packet.track.kind == "video"):
            self.dropped += 1
            return False
        self._resynchronising = False
        if self._pending_tracks is not None:
            self._waiting.append(self._pending_tracks)
            self._pending_tracks = None
        return True


class Hub:
    """The fan-out of one stream. It lives as long as the stream; sources come and go.

    New subscribers are told the tracks in force first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._tracks: TracksChanged | None = None
        self._prompt = False

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks of the source that publishes now, empty before the first."""
        return self._tracks.tracks if self._tracks else ()

    @property
    def prompt(self) -> bool:
        """Whether any consumer wants each packet at once."""
        return self._prompt

    def subscribe(
        self, *, limit_bytes: int, limit_s: float, batch_s: float = 0.0, prompt: bool = False
    ) -> Subscription:
        """Add a consumer whose queue holds at most this many bytes and seconds.

        It is woken when `batch_s` seconds of video wait. `prompt` asks the source for each packet as it comes, which
        live pictures need and which costs CPU.
        """
        subscription = Subscription(limit_bytes, limit_s, batch_s=batch_s, prompt=prompt)
        with self._lock:
            if self._tracks is not None:
                subscription.offer(self._tracks)
            self._set((*self._subscriptions, subscription))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a consumer and close its queue."""
        with self._lock:
            self._set(tuple(other for other in self._subscriptions if other is not subscription))
        subscription.close()

    def _set(self, subscriptions: tuple[Subscription, ...]) -> None:
        self._subscriptions = subscriptions
        self._prompt = any(subscription.prompt for subscription in subscriptions)

    def publish(self, item: MediaItem) -> None:
        """Hand an item to every consumer."""
        if isinstance(item, TracksChanged):
            with self._lock:
                self._tracks = item
                subscriptions = self._subscriptions
        else:
            subscriptions = self._subscriptions
        for subscription in subscriptions:
            subscription.offer(item)
