"""What edges mean for one stream: when an event begins and ends, and when a clip of it does.

Pure: each function takes a state and returns another one, and what is to be done. Times are in microseconds since 1970
UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lightnvr.events.edges import Edge, Reason

LONGEST_US = 600_000_000
"""A start that is neither stopped nor repeated ends after 10 minutes: what should have stopped it is gone by then."""


_NONSENSE_US = 86_400_000_000
"""The clock of recordings goes back only by more than a day: then what it said before was nonsense."""


class Phase(StrEnum):
    """What a stream's machine is doing."""

    IDLE = "idle"
    """Events of the stream are not recorded."""
    BUFFERING = "buffering"
    """Nothing is going on; what comes is kept, so that a clip can begin before its event."""
    RECORDING = "recording"
    """There is a reason."""
    HOLDING = "holding"
    """The last reason is over, the clip goes on for a while."""


@dataclass(frozen=True, slots=True)
class ClipRules:
    """Whether events of a stream become clips, and how long before and after the event those reach."""

    wanted: bool
    pre_us: int = 0
    post_us: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Where a stream stands.

    `reasons` gives when each reason that holds is over unless it begins again. `clip_from_us` is when the clip that is
    being recorded begins, None without one; `hold_until_us` when it ends unless there is a reason then, None before
    the first one was over. `over_us` is when the latest of the reasons that are over was, `recorded_us` when the last
    clip ended.
    """

    rules: ClipRules
    now_us: int = 0
    reasons: Mapping[Reason, int] = field(default_factory=dict)
    over_us: int = 0
    clip_from_us: int | None = None
    hold_until_us: int | None = None
    recorded_us: int = 0

    @property
    def phase(self) -> Phase:
        """What it is doing."""
        if self.clip_from_us is None:
            return Phase.BUFFERING if self.rules.wanted else Phase.IDLE
        return Phase.RECORDING if self.reasons else Phase.HOLDING

    @property
    def due_us(self) -> int | None:
        """When `pass_time` has something to do; None when it never has."""
        return min(self.reasons.values()) if self.reasons else self.hold_until_us


@dataclass(frozen=True, slots=True)
class Began:
    """The stream had no reason and has one now."""

    edge: Edge


@dataclass(frozen=True, slots=True)
class WentOn:
    """It got another reason, or the same again."""

    edge: Edge


@dataclass(frozen=True, slots=True)
class Ended:
    """The last reason is over."""

    at_us: int


@dataclass(frozen=True, slots=True)
class ClipBegins:
    """A clip is to be recorded from this moment on, which is past."""

    from_us: int


@dataclass(frozen=True, slots=True)
class ClipEnds:
    """The clip is to reach until here."""

    at_us: int


Step = Began | WentOn | Ended | ClipBegins | ClipEnds
Outcome = tuple[State, tuple[Step, ...]]


def pass_time(state: State, now_us: int) -> Outcome:
    """Let it be `now_us`: what is over by then ends. A clock that was set back changes nothing.

    One that was set back by more than a day ends everything: nobody knows how long it was to last.
    """
    if now_us < state.now_us - _NONSENSE_US:
        return _begin_anew(state, now_us)
    now_us = max(now_us, state.now_us)
    over = [until for until in state.reasons.values() if until <= now_us]
    state = replace(state, now_us=now_us)
    if not over:
        return _end_hold(state)
    lasting = {reason: until for reason, until in state.reasons.items() if until > now_us}
    return _without(state, lasting, max(over))


def take_edge(state: State, edge: Edge, now_us: int) -> Outcome:
    """Take an edge. What it tells of may be some time ago, because detectors take theirs."""
    state, before = pass_time(state, max(now_us, edge.at_us))
    state, steps = _start(state, edge) if edge.is_start else _stop(state, edge)
    # One that was over before it was told of ends now, but it was there.
    state, after = pass_time(state, state.now_us)
    return state, (*before, *steps, *after)


def take_rules(state: State, rules: ClipRules, now_us: int) -> Outcome:
    """Go on by other rules. A clip that is no more wanted ends; one that is now wanted begins, if there is a reason."""
    state, steps = pass_time(state, now_us)
    if rules.wanted and not state.rules.wanted and state.reasons:
        state = replace(state, rules=rules)
        state, begins = _begin_clip(state, state.now_us)
        return state, (*steps, *begins)
    state = replace(state, rules=rules)
    if rules.wanted or state.clip_from_us is None:
        return state, steps
    state, ends = _end_clip(state, max(state.now_us, state.clip_from_us))
    return state, (*steps, *ends)


def _begin_anew(state: State, now_us: int) -> Outcome:
    steps: list[Step] = []
    if state.reasons:
        steps.append(Ended(max(state.now_us, state.over_us)))
    if state.clip_from_us is not None:
        steps.append(ClipEnds(max(state.now_us, state.clip_from_us)))
    return State(state.rules, now_us), tuple(steps)


def _start(state: State, edge: Edge) -> Outcome:
    longest_us = edge.at_us + LONGEST_US
    until_us = longest_us if edge.until_us is None else max(edge.at_us, min(edge.until_us, longest_us))
    went_on = bool(state.reasons)
    state = replace(state, reasons={**state.reasons, edge.reason: until_us})
    if went_on:
        return state, (WentOn(edge),)
    state = replace(state, over_us=edge.at_us)
    if state.clip_from_us is not None or not state.rules.wanted:
        return state, (Began(edge),)
    state, begins = _begin_clip(state, edge.at_us)
    return state, (*begins, Began(edge))


def _begin_clip(state: State, event_us: int) -> Outcome:
    from_us = max(event_us - state.rules.pre_us, state.recorded_us)
    return replace(state, clip_from_us=from_us, hold_until_us=None), (ClipBegins(from_us),)


def _stop(state: State, edge: Edge) -> Outcome:
    if edge.reason not in state.reasons:
        return state, ()
    lasting = {reason: until for reason, until in state.reasons.items() if reason != edge.reason}
    return _without(state, lasting, edge.at_us)


def _without(state: State, lasting: Mapping[Reason, int], over_us: int) -> Outcome:
    over_us = max(over_us, state.over_us)
    state = replace(state, reasons=lasting, over_us=over_us)
    if lasting:
        return state, ()
    if state.clip_from_us is not None:
        # One that is told of late may be over before what the clip goes on for already.
        state = replace(state, hold_until_us=max(over_us + state.rules.post_us, state.hold_until_us or 0))
    state, steps = _end_hold(state)
    return state, (Ended(over_us), *steps)


def _end_hold(state: State) -> Outcome:
    if state.reasons or state.hold_until_us is None or state.clip_from_us is None:
        return state, ()
    if state.hold_until_us > state.now_us:
        return state, ()
    return _end_clip(state, max(state.hold_until_us, state.clip_from_us))


def _end_clip(state: State, ends_us: int) -> Outcome:
    return replace(state, clip_from_us=None, hold_until_us=None, recorded_us=ends_us), (ClipEnds(ends_us),)
