"""Detection of all streams: follows their configuration, and owns what looks at them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence

from lightnvr.detection.detectors import Detectors, Lent
from lightnvr.detection.lookers import Lookers
from lightnvr.detection.looking import Equipment
from lightnvr.detection.plan import DetectionPlan, Plans, Scene
from lightnvr.detection.watch import Means, Watch, WatchStatus
from lightnvr.events.edges import Edges, Origin

_TOGETHER = {Origin.MOTION: 1, Origin.EXTERNAL: 2}
"""How many pictures a detector is given at a time; an external one as many as it is asked about at once, because what
is in the first of them is told of after the last."""

_MODEL_TOGETHER = 8
"""The same of a model: more make it no faster."""


log = logging.getLogger(__name__)


class DetectionService:
    """One watch per stream that wants detection. Belongs to the event loop.

    Built-in motion has a few threads for all streams. Any other detector has one thread of its own, so that a slow one
    delays nobody else.
    """

    def __init__(
        self,
        load: Callable[[int], Awaitable[DetectionPlan | None]],
        scene_of: Callable[[int], Scene | None],
        plans: Plans,
        detectors: Detectors,
        edges: Edges,
        *,
        wall_us: Callable[[int], int],
        is_open: Callable[[Sequence[bool]], bool],
        grace_s: Callable[[], float],
        threads: int,
    ) -> None:
        """`load` reads what is configured for a stream, None when there is to be no detection.

        `wall_us` gives the time of recordings for a moment of the monotonic clock in nanoseconds, `is_open` says
        whether the present hour of a schedule is chosen, `grace_s` how long an event goes on without a detection, in
        seconds. Built-in motion has so many `threads` for all streams.
        """
        self._load = load
        self._scene_of = scene_of
        self._plans = plans
        self._detectors = detectors
        self._threads = threads
        self._lookers: dict[str, Lookers] = {}
        self._borrowed: Counter[str] = Counter()
        self._watches: dict[int, Watch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._lending = asyncio.Lock()
        self._means = Means(
            borrow=self._borrow,
            give_back=self._give_back,
            edges=edges,
            wall_us=wall_us,
            is_open=is_open,
            grace_s=grace_s,
        )

    async def start(self, stream_ids: Iterable[int]) -> None:
        """Begin with what is configured."""
        for stream_id in stream_ids:
            await self.apply(stream_id)

    async def apply(self, stream_id: int) -> None:
        """Follow the stored configuration of a stream, which may have been deleted."""
        async with self._turn:
            # One after the other: what was read first must not be put in force last.
            await self._apply(stream_id)

    def renew(self, stream_ids: Iterable[int]) -> None:
        """Follow what these streams are configured to, soon: settings of the server were changed."""
        self._begin(self.start(tuple(stream_ids)), "renewal of detection")

    async def _apply(self, stream_id: int) -> None:
        plan, scene = await self._load(stream_id), self._scene_of(stream_id)
        watch = self._watches.get(stream_id)
        if plan is None or scene is None:
            self._plans.forget(stream_id)
            if watch is not None:
                del self._watches[stream_id]
                self._close(watch)
            return
        self._plans.take(plan)
        if watch is None:
            self._watches[stream_id] = Watch(plan, scene, self._means)
        else:
            watch.take(plan)

    def statuses(self) -> Mapping[int, WatchStatus]:
        """Return how detection of each stream is doing that is to have one, by its id."""
        return {stream_id: watch.status for stream_id, watch in self._watches.items()}

    def status(self, stream_id: int) -> WatchStatus | None:
        """Return how detection of a stream is doing, None when there is to be none."""
        watch = self._watches.get(stream_id)
        return None if watch is None else watch.status

    async def close(self) -> None:
        """End everything."""
        watches, self._watches = self._watches, {}
        for watch in watches.values():
            self._close(watch)
        await asyncio.to_thread(self._detectors.interrupt)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _close(self, watch: Watch) -> None:
        # It sees nothing any more from now on; that a detector comes to its end must not be waited for.
        watch.blind()
        self._begin(watch.close(), "end of detection")

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    async def _borrow(self, plan: DetectionPlan) -> Equipment | None:
        # Locked, so that a detector which is just given back is not lent with other threads before those have ended.
        async with self._lending:
            lent = await asyncio.to_thread(self._detectors.borrow, plan.model, plan.api_url)
            return None if lent is None else self._equipped(lent)

    def _equipped(self, lent: Lent) -> Equipment:
        self._borrowed[lent.key] += 1
        lookers = self._lookers.get(lent.key)
        if lookers is None:
            lookers = self._lookers[lent.key] = Lookers(
                lent.detector,
                threads=self._threads if lent.origin is Origin.MOTION else 1,
                together=_TOGETHER.get(lent.origin, _MODEL_TOGETHER),
                name=f"detection {lent.origin}",
            )
        return Equipment(lent, lookers)

    async def _give_back(self, equipment: Equipment) -> None:
        key = equipment.lent.key
        async with self._lending:
            self._borrowed[key] -= 1
            if not self._borrowed[key]:
                del self._borrowed[key]
                await asyncio.to_thread(self._lookers.pop(key).close)
            await asyncio.to_thread(self._detectors.give_back, equipment.lent)
