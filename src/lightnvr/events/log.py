"""Puts events together, has them stored, and tells of their changes."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from lightnvr.events.edges import Edge
from lightnvr.events.going import Going, Pending, Stored
from lightnvr.events.model import ChangeKind, EventChange
from lightnvr.events.pictures import EventPictures
from lightnvr.events.triggers import SOURCE
from lightnvr.events.writing import EventWriting
from lightnvr.recording.detection import Detection
from lightnvr.recording.service import Detections

_UPDATE_S = 0.5
"""What is seen within this time of the same event becomes one change; beginnings and ends do not wait."""

_BEAT_S = 5.0
_RETRY_S = 1.0
_AT_ONCE = 100
_MOST_PENDING = 2000
_MOST_DETECTIONS = 20_000
_MOST_UNSHOWN = 500
_RECORDED_BY_US = 60_000_000
"""So long after its end, in microseconds, a recording that shows an event is there, or does not come."""

_MOST_KEYFRAMES = 32
"""Pictures are large: only so many changes keep theirs while they wait for the database."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class EventCounts:
    """Since the start: changes told of, and what was given up because the database did not take it for too long."""

    changes: int = 0
    lost_changes: int = 0
    lost_detections: int = 0
    failures: int = 0


class EventLog:
    """Implements `Witness` and `EventChanges`. Belongs to the event loop; `run` is its task.

    What cannot be stored now waits, bounded. Nobody is told of a change before it was stored.
    """

    def __init__(
        self, writing: EventWriting, detections: Detections, pictures: EventPictures, now_us: Callable[[], int]
    ) -> None:
        """`now_us` is the clock of recordings, in microseconds since 1970 UTC."""
        self._writing = writing
        self._recorded = detections
        self._pictures = pictures
        self._now_us = now_us
        self._going: dict[int, Going] = {}
        self._pending: deque[Pending] = deque()
        self._detections: deque[Detection] = deque()
        self._unshown: deque[Going] = deque(maxlen=_MOST_UNSHOWN)
        self._followers: list[Callable[[EventChange], None]] = []
        self._wake = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self._is_failing = False
        self._is_stopping = False
        self.counts = EventCounts()
        pictures.on_made(self._pictured)

    @property
    def waiting(self) -> int:
        """How many changes are not stored yet."""
        return len(self._pending)

    def follow(self, changed: Callable[[EventChange], None]) -> None:
        """See EventChanges."""
        self._followers.append(changed)

    def unfollow(self, changed: Callable[[EventChange], None]) -> None:
        """See EventChanges."""
        if changed in self._followers:
            self._followers.remove(changed)

    def began(self, edge: Edge) -> None:
        """See Witness."""
        if edge.stream_id in self._going:
            self.went_on(edge)
            return
        going = self._going[edge.stream_id] = Going.begun_by(edge)
        self._queue(ChangeKind.BEGAN, going, edge.at_us, edge)

    def went_on(self, edge: Edge) -> None:
        """See Witness."""
        going = self._going.get(edge.stream_id)
        if going is None:
            self.began(edge)
        elif going.take(edge):
            self._queue(ChangeKind.UPDATED, going, edge.at_us, edge)

    def ended(self, stream_id: int, at_us: int) -> None:
        """See Witness."""
        going = self._going.pop(stream_id, None)
        if going is not None:
            going.end(at_us)
            self._queue(ChangeKind.ENDED, going, at_us)
            self._unshown.append(going)

    async def run(self) -> None:
        """Store what there is to store, until `stop`; then what waits, if the database takes it at once."""
        await self._close_interrupted()
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + _BEAT_S
        while not self._is_stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, beat_at - loop.time()))
            self._wake.clear()
            await self._store_all()
            if loop.time() >= beat_at:
                await self._beat()
                await self._find_recordings()
                beat_at = loop.time() + _BEAT_S
        await self._store_all()

    def stop(self) -> None:
        """End what goes on, for nobody knows what comes of it, and have `run` return."""
        now_us = self._now_us()
        for stream_id in tuple(self._going):
            going = self._going.pop(stream_id)
            going.end(now_us, interrupted=True)
            self._queue(ChangeKind.ENDED, going, now_us)
        if self._later is not None:
            self._later.cancel()
        self._is_stopping = True
        self._wake.set()

    async def _store_all(self) -> None:
        while self._pending or self._detections:
            if await self._store_some():
                continue
            if self._is_stopping:
                log.warning("%d changes of events could not be stored before the end", len(self._pending))
                return
            await asyncio.sleep(_RETRY_S)

    def _pictured(self, going: Going) -> None:
        self._queue(ChangeKind.UPDATED, going, self._now_us())

    def _queue(self, kind: ChangeKind, going: Going, at_us: int, edge: Edge | None = None) -> None:
        # An update that waits takes what comes after it; nothing is told of an event in another order.
        last = next((pending for pending in reversed(self._pending) if pending.going is going), None)
        if kind is ChangeKind.UPDATED and last is not None and last.kind is ChangeKind.UPDATED:
            pending = last
            pending.event, pending.at_us = going.event(), at_us
        else:
            pending = Pending(kind, going, going.event(), at_us)
            self._pending.append(pending)
        if edge is not None:
            pending.add(edge.seen, edge.keyframe)
        self._keep_bounds()
        if kind is not ChangeKind.UPDATED:
            self._wake.set()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(_UPDATE_S, self._wake_later)

    def _wake_later(self) -> None:
        self._later = None
        self._wake.set()

    def _keep_bounds(self) -> None:
        if len(self._pending) > _MOST_KEYFRAMES:
            self._pending[-_MOST_KEYFRAMES - 1].keyframe = None
        if len(self._pending) > _MOST_PENDING:
            # Updates first: without them an event is still told of with all that was seen by its end.
            victim = next((each for each in self._pending if each.kind is ChangeKind.UPDATED), self._pending[0])
            self._pending.remove(victim)
            self.counts.lost_changes += 1
            self.counts.lost_detections += len(victim.seen)

    async def _store_some(self) -> bool:
        """Store the oldest of what waits. Returns False when the database did not take it."""
        batch = [self._pending.popleft() for _ in range(min(_AT_ONCE, len(self._pending)))]
        try:
            stored = await self._writing.store(batch)
            for pending, result in zip(batch, stored, strict=True):
                # What a trigger names is stored by the triggers, which know when it ends.
                self._detections.extend(seen for seen in pending.seen if seen.source != SOURCE)
                self._tell(pending, result)
            batch = []
            await self._store_detections()
        except Exception:
            # A database that is busy or away for a while; what was not stored stays in its order.
            self._pending.extendleft(reversed(batch))
            self.counts.failures += 1
            if not self._is_failing:
                log.exception("events cannot be stored; they wait")
            self._is_failing = True
            return False
        if self._is_failing:
            log.info("events can be stored again")
        self._is_failing = False
        return True

    async def _store_detections(self) -> None:
        while len(self._detections) > _MOST_DETECTIONS:
            self._detections.popleft()
            self.counts.lost_detections += 1
        some = [self._detections[number] for number in range(min(_AT_ONCE, len(self._detections)))]
        if some:
            await self._recorded.add_detections(some)
            for _ in some:
                self._detections.popleft()

    def _tell(self, pending: Pending, result: Stored) -> None:
        event = replace(pending.event, id=result.event_id, recording_id=result.recording_id)
        change = EventChange(result.number, pending.kind, event, pending.at_us, tuple(pending.seen), pending.keyframe)
        self.counts.changes += 1
        if pending.keyframe is not None or pending.kind is ChangeKind.BEGAN:
            self._pictures.offer(pending.going, pending.keyframe, pending.best)
        self._tell_followers(change)

    def _tell_followers(self, change: EventChange) -> None:
        for changed in tuple(self._followers):
            try:
                changed(change)
            except Exception:
                # One who fails must not keep the others from being told.
                log.exception("somebody who follows events failed")

    async def _beat(self) -> None:
        ids = [going.id for going in self._going.values() if going.id]
        if not ids:
            return
        try:
            await self._writing.heard(ids, self._now_us())
        except Exception:
            log.warning("could not note that events still go on", exc_info=not self._is_failing)

    async def _find_recordings(self) -> None:
        """Find the recordings of events that were over, and stored, before their clips had begun."""
        now_us = self._now_us()
        for _ in range(len(self._unshown)):
            going = self._unshown.popleft()
            if going.recording_id is not None:
                continue
            try:
                is_shown = await self._writing.is_shown(going.event())
            except Exception:
                log.warning("could not look for the recording of an event", exc_info=not self._is_failing)
                is_shown = False
            if is_shown:
                self._queue(ChangeKind.UPDATED, going, now_us)
            elif now_us - going.heard_us < _RECORDED_BY_US:
                self._unshown.append(going)

    async def _close_interrupted(self) -> None:
        while not self._is_stopping:
            try:
                closed = await self._writing.close_interrupted()
            except Exception:
                log.exception("could not look for events that the last stop interrupted")
                await asyncio.sleep(_RETRY_S)
                continue
            for change in closed:
                self.counts.changes += 1
                self._tell_followers(change)
            if closed:
                log.info("%d events were interrupted by the last stop; they end when last heard of", len(closed))
            return
