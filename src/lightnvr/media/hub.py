"""Handing the packets of one source to everybody who wants them."""

import logging
import threading
import time
from typing import Protocol

from lightnvr.media.gop import GopCache, Since
from lightnvr.media.packet_queue import PacketQueue, is_video_keyframe
from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged

_USUAL_REST_S = 0.1
_LONGEST_REST_S = 0.5

log = logging.getLogger(__name__)


class Consumer(Protocol):
    """Somebody who wants the packets of a hub."""

    @property
    def prompt(self) -> bool:
        """Whether each packet is wanted at once, which live pictures need and which costs CPU."""
        ...

    def offer(self, item: MediaItem) -> None:
        """Take an item; called by the source's thread, must not block and must not call the hub."""
        ...

    def close(self) -> None:
        """Learn that nothing more will come."""
        ...


class Subscription:
    """One consumer's bounded queue for a thread; see PacketQueue for what is lost. Nobody else loses anything.

    `wait` returns when `batch_s` of video wait, or a keyframe, or the picture that `wake_when` named.
    """

    def __init__(self, limit_bytes: int, limit_s: float, *, batch_s: float = 0.0, prompt: bool = False) -> None:
        self.prompt = prompt
        self._queue = PacketQueue(limit_bytes, limit_s)
        self._batch_s = batch_s
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._wake_dts: int | None = None
        self._newest_dts: int | None = None
        self._ends_at_keyframe = False
        self.closed = False
        self.ended_ns: int | None = None
        """When the keyframe came before which it ended (`end_at_keyframe`), in nanoseconds of the monotonic clock."""

    @property
    def dropped(self) -> int:
        """Packets that were lost because the consumer was too slow."""
        return self._queue.dropped

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._queue)

    @property
    def overflows(self) -> int:
        """How often it was too slow."""
        return self._queue.overflows

    def offer(self, item: MediaItem) -> None:
        """Add an item; called by the source's thread and never blocks."""
        with self._lock:
            if self._ends_at_keyframe and (isinstance(item, TracksChanged) or is_video_keyframe(item)):
                self.ended_ns = time.monotonic_ns() if isinstance(item, TracksChanged) else item.arrival_ns
                self._ends_at_keyframe = False
                self.close()
            if self.ended_ns is not None or not self._queue.add(item):
                return
            if isinstance(item, TracksChanged):
                self._wake.set()
            elif item.track.kind == "video":
                self._newest_dts = item.dts
                if (
                    item.is_keyframe
                    or self._queue.span_s(item) >= self._batch_s
                    or (self._wake_dts is not None and item.dts >= self._wake_dts)
                ):
                    self._wake.set()

    def take(self) -> list[MediaItem]:
        """Return all that waits, without blocking."""
        with self._lock:
            items = self._queue.take()
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

    def end_at_keyframe(self) -> None:
        """Take no more from the next keyframe on, so that another consumer can begin there without a gap."""
        with self._lock:
            self._ends_at_keyframe = True

    def go_on(self) -> bool:
        """Take back `end_at_keyframe`. Returns False when that keyframe has come."""
        with self._lock:
            self._ends_at_keyframe = False
            return self.ended_ns is None

    def close(self) -> None:
        """Say that nothing more will come."""
        self.closed = True
        self._wake.set()


class Hub:
    """The fan-out of one stream. It lives as long as the stream; sources come and go.

    New consumers are told the tracks in force first. The latest GOP is kept, so that one who watches starts with a
    picture that is there already.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._consumers: tuple[Consumer, ...] = ()
        self._tracks: TracksChanged | None = None
        self._gop = GopCache()
        self._rests: dict[Consumer, float] = {}
        self._failed: set[Consumer] = set()
        self._longest_rest_s = self._batch_s = _LONGEST_REST_S
        self._rest_over = threading.Event()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks of the source that publishes now, empty while there is none."""
        return self._tracks.tracks if self._tracks else ()

    @property
    def longest_rest_s(self) -> float:
        """How long packets may gather before they are published, in seconds; 0 when any is wanted at once."""
        return self._longest_rest_s

    @property
    def batch_s(self) -> float:
        """How long the most patient consumer lets packets gather, in seconds; batches are as long whoever hurries."""
        return self._batch_s

    def rest(self, seconds: float) -> None:
        """Let the source rest for this long, or until a consumer comes that wants each packet, or `end_rest`."""
        if self._rest_over.wait(seconds):
            self._rest_over.clear()

    def end_rest(self) -> None:
        """Make the source read on at once."""
        self._rest_over.set()

    @property
    def latest_keyframe(self) -> MediaPacket | None:
        """The latest video keyframe of the source that publishes now."""
        return self._gop.keyframe

    @property
    def gop_s(self) -> float | None:
        """The longest of the latest GOPs of the source that publishes now, in seconds; None before one was complete."""
        return self._gop.longest_s

    def subscribe(
        self,
        *,
        limit_bytes: int,
        limit_s: float,
        batch_s: float = 0.0,
        prompt: bool = False,
        longest_rest_s: float = _USUAL_REST_S,
    ) -> Subscription:
        """Add a consumer whose queue holds at most this many bytes and seconds.

        It is woken when `batch_s` seconds of video wait. `prompt` asks the source for each packet as it comes, which
        live pictures need and which costs CPU. `longest_rest_s` as in `attach`.
        """
        subscription = Subscription(limit_bytes, limit_s, batch_s=batch_s, prompt=prompt)
        self.attach(subscription, longest_rest_s=longest_rest_s)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a consumer and close its queue."""
        self.detach(subscription)

    def keep(self, seconds: float, limit_bytes: int) -> None:
        """Keep what was published in the last so many seconds, within this many bytes, for `attach` with `since`.

        It is kept as it came, in whole GOPs, and shared with whoever consumes the same packets.
        """
        with self._lock:
            self._gop.keep(seconds, limit_bytes)

    @property
    def kept_bytes(self) -> int:
        """How much of what was published is kept, in bytes of coded media."""
        return self._gop.size_bytes

    @property
    def shortened(self) -> int:
        """How many GOPs were not kept as long as asked, because there were too many bytes."""
        return self._gop.shortened

    def attach(
        self,
        consumer: Consumer,
        *,
        since: Since | None = None,
        longest_rest_s: float = _USUAL_REST_S,
    ) -> None:
        """Add a consumer; with `since` it is handed first what is kept from then on.

        Nothing is left out between that and what follows, and nothing comes twice.

        `longest_rest_s` is how long packets may gather before it gets them, when it does not want each at once. They
        are published with the picture that comes so much after the last keyframe, or after the last such picture.
        """
        with self._lock:
            if self._tracks is not None:
                consumer.offer(self._tracks)
            if since is not None:
                for packet in self._gop.since(since):
                    consumer.offer(packet)
            self._rests[consumer] = longest_rest_s
            self._set((*self._consumers, consumer))

    def detach(self, consumer: Consumer) -> None:
        """Remove a consumer and close it."""
        with self._lock:
            self._rests.pop(consumer, None)
            self._failed.discard(consumer)
            self._set(tuple(other for other in self._consumers if other is not consumer))
        consumer.close()

    def _set(self, consumers: tuple[Consumer, ...]) -> None:
        self._consumers = consumers
        patient = [self._rests[consumer] for consumer in consumers if not consumer.prompt]
        self._batch_s = min(_LONGEST_REST_S, max(patient, default=_LONGEST_REST_S))
        hurried = len(patient) < len(consumers)
        self._longest_rest_s = 0.0 if hurried else min((_LONGEST_REST_S, *patient))
        if not self._longest_rest_s:
            self.end_rest()

    def publish(self, item: MediaItem) -> None:
        """Hand an item to every consumer."""
        with self._lock:
            if isinstance(item, TracksChanged):
                self._tracks = item
                self._gop.clear()
            else:
                self._gop.add(item)
            consumers = self._consumers
        for consumer in consumers:
            try:
                consumer.offer(item)
            except Exception:
                # A defect of one consumer must not cost the others the camera. It is told of once, not for each packet.
                if consumer not in self._failed:
                    self._failed.add(consumer)
                    log.exception("a consumer of a stream failed to take a packet")
