"""Triggers from outside: somebody says by the API that something begins or ends in front of a camera."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lightnvr.events.edges import Edge, Edges, Origin, Reason
from lightnvr.events.machine import LONGEST_US
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.service import Detections

PULSE_MS = 2000
"""How long a pulse lasts of which nothing else is said, in milliseconds."""

SOURCE = "external_motion"
"""The source of what is detected by triggers."""

_EVERYWHERE = Box(0.0, 0.0, 1.0, 1.0)
_NOWHERE = Box(0.0, 0.0, 0.0, 0.0)

log = logging.getLogger(__name__)


class CannotTrigger(Exception):
    """Nothing would come of a trigger; the text says why."""


class Action(StrEnum):
    """What a trigger does."""

    START = "start"
    STOP = "stop"
    PULSE = "pulse"


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a trigger says is there. `score` is a fraction."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Trigger:
    """What somebody says of a stream. `duration_ms` is how long a pulse lasts; `named` may be empty."""

    stream_id: int
    stream_name: str
    action: Action
    duration_ms: int = PULSE_MS
    named: tuple[Named, ...] = ()
    origin: Origin = Origin.API


@dataclass(frozen=True, slots=True)
class _Open:
    detection_ids: tuple[int, ...]
    timer: asyncio.TimerHandle


class Triggers:
    """Raises the edges of triggers, and stores what they name until they end. Belongs to the event loop."""

    def __init__(self, edges: Edges, detections: Detections, now_us: Callable[[], int]) -> None:
        """`now_us` is the clock of recordings, in microseconds since 1970 UTC."""
        self._edges = edges
        self._detections = detections
        self._now_us = now_us
        self._turn = asyncio.Lock()
        self._open: dict[tuple[int, Origin], _Open] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def pull(self, trigger: Trigger) -> int:
        """Do what a trigger says; recording reacts before anything is stored. Returns how many detections are stored.

        Each trigger of a stream takes the place of the one before: a pulse that goes on is cut or prolonged.
        """
        at_us = self._now_us()
        lasts_us = trigger.duration_ms * 1000 if trigger.action is Action.PULSE else LONGEST_US
        until_us = at_us + lasts_us if trigger.action is Action.PULSE else None
        seen = () if trigger.action is Action.STOP else _seen(trigger, at_us)
        edge = Edge(
            trigger.stream_id,
            trigger.stream_name,
            Reason(trigger.origin),
            is_start=trigger.action is not Action.STOP,
            at_us=at_us,
            until_us=until_us,
            seen=seen,
        )
        self._edges.raise_edge(edge)
        key = trigger.stream_id, trigger.origin
        async with self._turn:
            await self._end(key, at_us)
            if not seen:
                return 0
            ids = await self._detections.add_detections(seen)
            over_us = at_us + lasts_us
            wait_s = max(0.0, (over_us - self._now_us()) / 1e6)
            timer = asyncio.get_running_loop().call_later(wait_s, self._over, key, over_us)
            self._open[key] = _Open(tuple(ids), timer)
        return len(ids)

    async def close(self) -> None:
        """End what goes on."""
        await asyncio.gather(*self._ending)
        async with self._turn:
            for key in [*self._open]:
                await self._end(key, self._now_us())

    def _over(self, key: tuple[int, Origin], at_us: int) -> None:
        opened = self._open.get(key)

        async def end() -> None:
            async with self._turn:
                if self._open.get(key) is opened:
                    await self._end(key, at_us)

        task = asyncio.create_task(end(), name="end of a trigger")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, key: tuple[int, Origin], at_us: int) -> None:
        opened = self._open.pop(key, None)
        if opened is None:
            return
        opened.timer.cancel()
        try:
            await self._detections.end_detections(opened.detection_ids, at_us)
        except Exception:
            # They were stored, and are listed as shorter than they were; the trigger itself must go on.
            log.exception("the end of what a trigger named could not be stored")


def _seen(trigger: Trigger, at_us: int) -> tuple[Detection, ...]:
    boxes: Sequence[tuple[Named, Box]] = [(named, _EVERYWHERE) for named in trigger.named]
    return tuple(
        Detection(
            trigger.stream_name,
            at_us,
            at_us,
            named.label,
            named.score,
            box,
            stream_id=trigger.stream_id,
            source=SOURCE,
        )
        for named, box in boxes or [(Named("motion", 1.0), _NOWHERE)]
    )
