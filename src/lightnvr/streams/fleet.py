"""All streams of this process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from lightnvr.media.packets import MediaPacket
from lightnvr.streams.plan import RecorderFactory, StreamPlan
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.status import StreamStatus
from lightnvr.streams.supervisor import StreamSupervisor


class Fleet:
    """Implements `StreamSupervisors`: one supervisor per stream, none of which can disturb another."""

    def __init__(
        self,
        load: Callable[[int], Awaitable[StreamPlan | None]],
        start_recorder: RecorderFactory,
        clock: LocalClock,
    ) -> None:
        """`load` reads the stored configuration of a stream; None when it was deleted."""
        self._load = load
        self._start_recorder = start_recorder
        self._clock = clock
        self._supervisors: dict[int, StreamSupervisor] = {}
        self._on_applied: list[Callable[[int], Awaitable[None]]] = []

    def on_applied(self, changed: Callable[[int], Awaitable[None]]) -> None:
        """Have `changed` awaited with the stream's id whenever a stored configuration was applied or deleted."""
        self._on_applied.append(changed)

    async def start(self, plans: Iterable[StreamPlan]) -> None:
        """Start what is configured."""
        for plan in plans:
            await self._supervisor(plan.stream_id).apply(plan)

    async def stop(self, timeout_s: float) -> None:
        """Stop every stream, all at the same time, within this many seconds."""
        supervisors, self._supervisors = self._supervisors, {}
        await asyncio.gather(*(supervisor.stop(timeout_s) for supervisor in supervisors.values()))

    def status(self, stream_id: int) -> StreamStatus:
        """See StreamSupervisors."""
        supervisor = self._supervisors.get(stream_id)
        return supervisor.status() if supervisor else StreamStatus()

    def statuses(self) -> dict[int, StreamStatus]:
        """Return what every stream is doing, by its id."""
        return {stream_id: supervisor.status() for stream_id, supervisor in self._supervisors.items()}

    def find(self, stream_id: int) -> StreamSupervisor | None:
        """Return what runs for a stream."""
        return self._supervisors.get(stream_id)

    def latest_keyframe(self, stream_id: int) -> MediaPacket | None:
        """Return the latest keyframe of a stream's camera, None while it sends nothing."""
        supervisor = self._supervisors.get(stream_id)
        return None if supervisor is None else supervisor.hub.latest_keyframe

    async def apply(self, stream_id: int) -> None:
        """See StreamSupervisors."""
        supervisor = self._supervisor(stream_id)
        if not await supervisor.apply_stored(partial(self._load, stream_id)):
            self._supervisors.pop(stream_id, None)
            await supervisor.stop(10.0)
        for changed in self._on_applied:
            await changed(stream_id)

    async def refresh(self, stream_id: int) -> None:
        """See StreamSupervisors."""
        supervisor = self._supervisors.get(stream_id)
        if supervisor is not None:
            supervisor.refresh()

    def _supervisor(self, stream_id: int) -> StreamSupervisor:
        return self._supervisors.setdefault(stream_id, StreamSupervisor(self._start_recorder, self._clock))
