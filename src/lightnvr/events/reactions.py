"""The bus that all triggers raise their edges on, and what follows from them for each stream."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from lightnvr.events.edges import Edge, Origin, Reason, Witness
from lightnvr.events.machine import (
    Began,
    ClipBegins,
    ClipEnds,
    ClipRules,
    Ended,
    Outcome,
    State,
    WentOn,
    pass_time,
    take_edge,
    take_rules,
)

_FORWARDED = frozenset({Origin.API, Origin.TEST, Origin.ONVIF})
"""What cameras and people say goes to linked streams too; what was seen in one picture is not in another."""

LATE_US = 700_000
"""Clips end so much later: a source that rests has pictures of the last half second still to hand over."""

_LOOK_EVERY_S = 30.0
"""How late it is noticed at most that the clock was set back by days."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchedStream:
    """A stream as far as its events go. `linked_to` is the name of another stream whose edges count for this one too.

    `pre_us` and `post_us` are how long before and after an event clips reach, in microseconds; `records` is whether
    there are clips of it at all.
    """

    id: int
    name: str
    records: bool
    pre_us: int = 0
    post_us: int = 0
    linked_to: str = ""


class Clips(Protocol):
    """Records clips of streams; called on the event loop, returns at once."""

    def begin_clip(self, stream_id: int, from_us: int) -> None:
        """Begin with what came at this moment, in microseconds since 1970 UTC."""
        ...

    def end_clip(self, stream_id: int) -> None:
        """End with what has come by now."""
        ...


class Reactions:
    """Implements `Edges`: has one state machine per stream and does what they decide. Belongs to the event loop.

    One timer serves all streams.
    """

    def __init__(self, clips: Clips, now_us: Callable[[], int]) -> None:
        """`now_us` is the clock of recordings."""
        self._clips = clips
        self._now_us = now_us
        self._witnesses: list[Witness] = []
        self._streams: dict[int, WatchedStream] = {}
        self._states: dict[int, State] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, witness: Witness) -> None:
        """Tell somebody of what begins and ends from now on."""
        self._witnesses.append(witness)

    def watch(self, streams: Iterable[WatchedStream]) -> None:
        """Watch these streams, or watch them by what is configured now."""
        for stream in streams:
            self._streams[stream.id] = stream
            rules = ClipRules(stream.records, stream.pre_us, stream.post_us + LATE_US)
            state = self._states.get(stream.id)
            if state is None:
                self._states[stream.id] = State(rules)
            elif state.rules != rules:
                self._follow(stream.id, take_rules(state, rules, self._now_us()))
        self._set_timer()

    def forget(self, stream_id: int) -> None:
        """Watch a stream no more: what goes on there is over."""
        self._streams.pop(stream_id, None)
        state = self._states.pop(stream_id, None)
        if state is not None and state.reasons:
            self._told(stream_id, Ended(max(self._now_us(), state.over_us)))
        self._set_timer()

    def raise_edge(self, edge: Edge) -> None:
        """See Edges. An edge of a stream that is not there any more is about nothing."""
        if edge.stream_id not in self._streams:
            return
        for each in (edge, *self._forwarded(edge)):
            self._follow(each.stream_id, take_edge(self._states[each.stream_id], each, self._now_us()))
        self._set_timer()

    def close(self) -> None:
        """End what goes on."""
        for stream_id in [*self._streams]:
            self.forget(stream_id)

    def _forwarded(self, edge: Edge) -> list[Edge]:
        if edge.reason.origin not in _FORWARDED:
            return []
        source = self._streams[edge.stream_id]
        return [
            replace(
                edge,
                stream_id=other.id,
                stream_name=other.name,
                reason=Reason(Origin.LINK, source.name),
                seen=(),
                keyframe=None,
            )
            for other in self._streams.values()
            if other.id != source.id and (other.linked_to == source.name or source.linked_to == other.name)
        ]

    def _follow(self, stream_id: int, outcome: Outcome) -> None:
        self._states[stream_id], steps = outcome
        for step in steps:
            match step:
                case ClipBegins(from_us):
                    self._clips.begin_clip(stream_id, from_us)
                case ClipEnds():
                    self._clips.end_clip(stream_id)
                case Began() | WentOn() | Ended():
                    self._told(stream_id, step)

    def _told(self, stream_id: int, step: Began | WentOn | Ended) -> None:
        for witness in self._witnesses:
            try:
                match step:
                    case Began(edge):
                        witness.began(edge)
                    case WentOn(edge):
                        witness.went_on(edge)
                    case Ended(at_us):
                        witness.ended(stream_id, at_us)
            except Exception:
                # What is written down of an event must not cost its recording.
                log.exception("an event could not be told of")

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = [state.due_us for state in self._states.values() if state.due_us is not None]
        if due:
            wait_s = min(_LOOK_EVERY_S, max(0.0, (min(due) - self._now_us()) / 1e6))
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._pass_time)

    def _pass_time(self) -> None:
        self._timer = None
        now_us = self._now_us()
        for stream_id, state in [*self._states.items()]:
            if state.due_us is not None:
                self._follow(stream_id, pass_time(state, now_us))
        self._set_timer()
