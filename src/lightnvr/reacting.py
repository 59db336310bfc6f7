"""Where triggers meet what follows from them: one state machine for each stream, kept by its configuration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lightnvr.events.log import EventLog
from lightnvr.events.reactions import Reactions
from lightnvr.events.triggers import Triggers
from lightnvr.recording.engine import RecordingEngine
from lightnvr.recording.service import Detections
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.wiring import FleetClips, watched

_STORE_S = 2.0
"""How long events may take to be stored when the server stops."""


@asynccontextmanager
async def reacting(
    catalog: StreamCatalog, fleet: Fleet, engine: RecordingEngine, detections: Detections, log: EventLog
) -> AsyncIterator[tuple[Reactions, Triggers]]:
    """Have edges make events and clips of every stream there is while the context is open; so do triggers.

    Those who follow `log` by now are told of all that happens, and of what the last end of the server interrupted.
    """
    clock = engine.place.clock
    reactions = Reactions(FleetClips(fleet, clock), clock.now_us)
    reactions.tell(log)
    reactions.watch(watched(stream) for stream in await catalog.every())
    storing = asyncio.create_task(log.run(), name="events")

    async def follow(stream_id: int) -> None:
        stream = await catalog.by_id(stream_id)
        if stream is None:
            reactions.forget(stream_id)
        else:
            reactions.watch([watched(stream)])

    fleet.on_applied(follow)
    triggers = Triggers(reactions, detections, clock.now_us)
    try:
        yield reactions, triggers
    finally:
        await triggers.close()
        reactions.close()
        log.stop()
        await asyncio.wait([storing], timeout=_STORE_S)
        storing.cancel()
        await asyncio.wait([storing])
