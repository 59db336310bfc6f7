"""Who watches what, which way; and the end of it when the right to do so ends."""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from lightnvr.accounts.admission import Admission, Proof
from lightnvr.live.errors import TooManyViewers
from lightnvr.streams.service import LiveInput

_CHECK_S = 2.0
_VISIT_S = 30.0
MOST_TOLD = 8
"""On so many connections a user can be told of events at a time."""

log = logging.getLogger(__name__)


class Way(StrEnum):
    """A way of watching."""

    HLS = "hls"
    LL_HLS = "ll_hls"
    MSE = "mse"
    WEBRTC = "webrtc"
    RTSP = "rtsp"
    TS = "ts"
    MP4 = "mp4"
    MJPEG = "mjpeg"
    SNAPSHOT = "snapshot"
    EVENTS = "events"
    """Being told of events, without pictures."""


@dataclass(slots=True)
class WayCounts:
    """What happened on one way since the start: viewers that came, bytes to them, packets they were too slow for.

    `start_s` is the sum of the seconds from request to first media of the `started` viewers who got any.
    """

    viewers: int = 0
    bytes_sent: int = 0
    dropped_packets: int = 0
    started: int = 0
    start_s: float = 0.0


@dataclass(slots=True, eq=False)
class Viewer:
    """One who watches. `ended` is set when they may not any more, with a sentence saying why in `reason`."""

    way: Way
    stream_id: int
    is_sub: bool
    admission: Admission
    counts: WayCounts
    began: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    has_started: bool = False

    def sent(self, size_bytes: int, now: float | None = None) -> None:
        """Count media that was handed to the viewer's connection."""
        self.counts.bytes_sent += size_bytes
        if not self.has_started:
            self.has_started = True
            self.counts.started += 1
            self.counts.start_s += (time.monotonic() if now is None else now) - self.began

    def lost(self, packets: int) -> None:
        """Count packets that the viewer was too slow for."""
        self.counts.dropped_packets += packets

    def end(self, reason: str) -> None:
        """Tell whoever serves this viewer to stop."""
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()


class Audience:
    """All who watch. Belongs to the event loop; `run` is its task."""

    def __init__(
        self,
        lapsed: Callable[[Iterable[Proof]], Awaitable[set[Proof]]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lapsed` tells which admissions do not hold any more."""
        self._lapsed = lapsed
        self._monotonic = monotonic
        self._viewers: set[Viewer] = set()
        self._visits: dict[tuple[Way, int, bool, Proof, str], _Visit] = {}
        self.counts: defaultdict[Way, WayCounts] = defaultdict(WayCounts)

    @contextmanager
    def watching(self, way: Way, source: LiveInput, admission: Admission) -> Iterator[Viewer]:
        """Count a viewer for as long as the context is open."""
        viewer = self._viewer(way, source, admission)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    @contextmanager
    def listening(self, admission: Admission) -> Iterator[Viewer]:
        """Count somebody who is told of events, of whatever stream, for as long as the context is open.

        Raises TooManyViewers when the same user is told on too many connections.
        """
        user_id = admission.user.id
        if sum(each.way is Way.EVENTS and each.admission.user.id == user_id for each in self._viewers) >= MOST_TOLD:
            raise TooManyViewers(f"You follow events on {MOST_TOLD} connections already.")
        self.counts[Way.EVENTS].viewers += 1
        viewer = Viewer(Way.EVENTS, 0, False, admission, self.counts[Way.EVENTS], self._monotonic())
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    def visit(self, way: Way, source: LiveInput, admission: Admission, address: str) -> Viewer:
        """Return the viewer that a single request belongs to; it counts as watching for 30 s after its last one."""
        key = (way, source.stream_id, source.is_sub, admission.proof, address)
        visit = self._visits.get(key)
        if visit is not None and visit.viewer.ended.is_set():
            # Whoever may watch again, because the stream is not private any more, is another viewer.
            self._viewers.discard(visit.viewer)
            visit = None
        if visit is None:
            visit = self._visits[key] = _Visit(self._viewer(way, source, admission))
        visit.latest = self._monotonic()
        return visit.viewer

    def watchers(self) -> Counter[tuple[Way, int]]:
        """Return how many watch now, by way and stream id."""
        self._forget_visits()
        return Counter((viewer.way, viewer.stream_id) for viewer in self._viewers)

    async def admits(self, admission: Admission) -> bool:
        """Whether an admission of a while ago still holds."""
        return admission.proof not in await self._lapsed([admission.proof])

    def end_all(self, reason: str) -> None:
        """End everybody."""
        for viewer in tuple(self._viewers):
            viewer.end(reason)

    def end_stream(self, source: LiveInput, reason: str) -> None:
        """End everybody who watches this stream; its main and its sub-stream are two."""
        for viewer in tuple(self._viewers):
            if (viewer.stream_id, viewer.is_sub) == (source.stream_id, source.is_sub):
                viewer.end(reason)

    def end_those_without_sight(self, stream_id: int, tags: str) -> None:
        """End those who may not see this stream with these tags, separated by commas."""
        for viewer in tuple(self._viewers):
            if viewer.stream_id == stream_id and not viewer.admission.user.may_see(tags):
                viewer.end("The stream was changed.")

    async def run(self) -> None:
        """End the viewers whose admission does not hold any more, within a few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            self._forget_visits()
            try:
                await self._end_lapsed()
            except Exception:
                # A database that is busy or away for a moment must not keep later log-outs from being noticed.
                log.exception("could not look whether all who watch still may")

    async def _end_lapsed(self) -> None:
        viewers = tuple(self._viewers)
        gone = await self._lapsed({viewer.admission.proof for viewer in viewers})
        for viewer in viewers:
            if viewer.admission.proof in gone:
                viewer.end("Logged out.")

    def _viewer(self, way: Way, source: LiveInput, admission: Admission) -> Viewer:
        counts = self.counts[way]
        counts.viewers += 1
        viewer = Viewer(way, source.stream_id, source.is_sub, admission, counts, self._monotonic())
        self._viewers.add(viewer)
        return viewer

    def _forget_visits(self) -> None:
        too_old = self._monotonic() - _VISIT_S
        for key, visit in tuple(self._visits.items()):
            if visit.latest < too_old or visit.viewer.ended.is_set():
                del self._visits[key]
                self._viewers.discard(visit.viewer)


@dataclass(slots=True)
class _Visit:
    viewer: Viewer
    latest: float = 0.0
