"""Watching one stream: follows its plan, and what its detector finds becomes edges."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.detectors import NoDetector
from lightnvr.detection.looking import Equipment, Looking
from lightnvr.detection.plan import DetectionPlan, Scene
from lightnvr.detection.sieve import Sieve
from lightnvr.events.edges import Edge, Edges, Reason
from lightnvr.recording.detection import Detection

_CHECK_S = 2.0
"""How late it is noticed that an hour began or a sub-stream fell silent."""

_RETRY_S = 60.0
"""How often a detector that could not be had is asked for again."""

_REPEAT_US = 1_000_000
"""What goes on is told of once a second at most."""

_LONGEST_GAP_US = 60_000_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WatchStatus:
    """How detection of a stream is doing, since it was set up like this.

    `active` is whether pictures are looked at, or would be if the camera sent any. `error` is a sentence for a person,
    empty while all is well. `samples` is how many pictures there were to look at, `dropped` how many were not because
    there was no time, `looks` how many were, `found` in how many something counted, `failures` how often looking
    failed.
    """

    active: bool = False
    error: str = ""
    samples: int = 0
    dropped: int = 0
    looks: int = 0
    found: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """What all watches share.

    `borrow` gives the detector that a plan names and the threads that look with it, None when it names none; it raises
    NoDetector and may take seconds. `wall_us` gives the time of recordings for a moment of the monotonic clock in
    nanoseconds. `is_open` says whether the present hour of a schedule is chosen. `grace_s` is how long an event goes on
    without a detection, in seconds.
    """

    borrow: Callable[[DetectionPlan], Awaitable[Equipment | None]]
    give_back: Callable[[Equipment], Awaitable[None]]
    edges: Edges
    wall_us: Callable[[int], int]
    is_open: Callable[[Sequence[bool]], bool]
    grace_s: Callable[[], float]


class Watch:
    """Owns what looks at one stream. Belongs to the event loop."""

    def __init__(self, plan: DetectionPlan, scene: Scene, means: Means) -> None:
        self._plan: DetectionPlan | None = plan
        self._scene = scene
        self._means = means
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._looking: Looking | None = None
        self._sieve = Sieve(plan.rules)
        self._refused_at = -_RETRY_S
        self._last_us: int | None = None
        self._told_us = 0
        self._until_us = 0
        self.status = WatchStatus()
        self._task = asyncio.create_task(self._run(), name=f"detection {plan.stream_name}")

    def take(self, plan: DetectionPlan) -> None:
        """Follow another plan. What is not wanted any more ends at once, the rest is done a moment later."""
        before, self._plan = self._plan, plan
        self._sieve.take(plan.rules)
        if before is None or before.needs_anew(plan):
            self._stop_looking()
            self.status = WatchStatus()
            self._refused_at = -_RETRY_S
        self._changed.set()

    def blind(self) -> None:
        """See nothing from now on; what goes on is over."""
        self._plan = None
        self._stop_looking()
        self._changed.set()

    async def close(self) -> None:
        """End the watching, which may take as long as the detector takes for a picture."""
        self.blind()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._plan is not None or self._looking is not None:
            self._changed.clear()
            try:
                await self._settle()
            except Exception:
                # The next change has to be followed whatever happened once.
                log.exception("following the detection of a stream failed")
            if self._plan is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), _CHECK_S)

    async def _settle(self) -> None:
        plan, looking = self._plan, self._looking
        is_due = plan is not None and (plan.hours is None or self._means.is_open(plan.hours))
        if looking is not None and (not is_due or plan is None or looking.plan.needs_anew(plan)):
            await self._end(looking)
        if plan is None or not is_due:
            return
        if self._looking is None and self._loop.time() - self._refused_at >= _RETRY_S:
            await self._begin(plan)
        if self._looking is not None:
            self._looking.check()
            self.status.samples, self.status.dropped = self._looking.samples, self._looking.dropped

    async def _begin(self, plan: DetectionPlan) -> None:
        try:
            equipment = await self._means.borrow(plan)
        except NoDetector as error:
            self._refused_at = self._loop.time()
            self._note(str(error))
            return
        if equipment is None:
            return
        if self._plan is None or self._plan.needs_anew(plan):
            await self._means.give_back(equipment)
            return
        self.status.error = ""
        looking: Looking
        looking = self._looking = Looking(
            plan,
            self._scene,
            equipment,
            self._means.wall_us,
            lambda picture, found: self._tell(partial(self._seen, looking, picture, found)),
            lambda error: self._tell(partial(self._failed, looking, error)),
        )
        looking.begin()
        self.status.active = True

    async def _end(self, looking: Looking) -> None:
        self._stop_looking()
        self._looking = None
        await asyncio.to_thread(looking.leave)
        await self._means.give_back(looking.equipment)

    def _stop_looking(self) -> None:
        looking = self._looking
        if looking is None or not self.status.active:
            return
        looking.end()
        self.status.active = False
        self._last_us = None
        now_us = self._means.wall_us(time.monotonic_ns())
        if self._until_us > now_us:
            self._until_us = 0
            self._means.edges.raise_edge(self._edge(looking, now_us, is_start=False))

    def _tell(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)

    def _seen(self, looking: Looking, picture: Picture, found: Sequence[Found]) -> None:
        if not self._is_at_work(looking):
            return
        looking.succeeded()
        status = self.status
        status.looks += 1
        if status.error:
            log.info("%s: detection works again", picture.stream_name)
            status.error = ""
        gap_us = 0 if self._last_us is None else min(_LONGEST_GAP_US, max(0, picture.at_us - self._last_us))
        self._last_us = picture.at_us
        if picture.at_us < self._told_us:
            # The clock was set back by days: then what it said before was nonsense.
            self._until_us = self._told_us = 0
        sifted = self._sieve.sift(found, picture.at_us)
        if not sifted.moving:
            return
        status.found += 1
        is_again = self._until_us > picture.at_us
        if is_again and picture.at_us - self._told_us < _REPEAT_US:
            return
        self._told_us = picture.at_us
        hold_s = max(looking.plan.interval_s, gap_us / 1e6) + self._means.grace_s()
        self._until_us = picture.at_us + int(hold_s * 1e6)
        seen = tuple(_detection(picture, item) for item in sifted.passed)
        edge = self._edge(looking, picture.at_us, is_start=True)
        self._means.edges.raise_edge(replace(edge, until_us=self._until_us, seen=seen, keyframe=picture.keyframe))

    def _failed(self, looking: Looking, error: str) -> None:
        if self._is_at_work(looking):
            looking.rest()
            self.status.failures += 1
            self._note(error)

    def _note(self, error: str) -> None:
        if not self.status.error and self._plan is not None:
            log.warning("%s: detection does not work: %s", self._plan.stream_name, error)
        self.status.error = error

    def _is_at_work(self, looking: Looking) -> bool:
        return looking is self._looking and self.status.active

    def _edge(self, looking: Looking, at_us: int, *, is_start: bool) -> Edge:
        plan = looking.plan
        return Edge(plan.stream_id, plan.stream_name, Reason(looking.origin), is_start=is_start, at_us=at_us)


def _detection(picture: Picture, item: Found) -> Detection:
    return Detection(
        picture.stream_name,
        picture.at_us,
        picture.at_us,
        item.label,
        item.score,
        item.box,
        stream_id=picture.stream_id,
        track_id=item.track_id,
        zone=item.zone,
    )
