"""The state machine of a stream, for whatever comes in whatever order."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.events.edges import Edge, Origin, Reason
from lightnvr.events.machine import (
    LONGEST_US,
    Began,
    ClipBegins,
    ClipEnds,
    ClipRules,
    Ended,
    Phase,
    State,
    Step,
    WentOn,
    pass_time,
    take_edge,
    take_rules,
)

_S = 1_000_000
_REASONS = [Reason(Origin.API), Reason(Origin.MOTION), Reason(Origin.LINK, "gate")]


@dataclass(frozen=True)
class Told:
    """An edge that is told of `late_us` after it was, `wait_us` after the one before; a pulse has `lasts_us`."""

    reason: Reason
    is_start: bool
    wait_us: int
    late_us: int
    lasts_us: int | None

    def edge(self, now_us: int) -> Edge:
        at_us = now_us - self.late_us
        until_us = None if self.lasts_us is None else at_us + self.lasts_us
        return Edge(1, "door", self.reason, is_start=self.is_start, at_us=at_us, until_us=until_us)


@dataclass
class Run:
    """What came of edges: all steps with when they were taken, and the state at the end."""

    state: State
    now_us: int = 1_000 * _S
    steps: list[tuple[int, Step]] = field(default_factory=list)

    def take(self, told: Told) -> None:
        self.let_pass(told.wait_us)
        self.state, steps = take_edge(self.state, told.edge(self.now_us), self.now_us)
        self.steps += [(self.now_us, step) for step in steps]

    def let_pass(self, span_us: int) -> None:
        """As the timer does: at each moment at which something is due."""
        ends_us = self.now_us + span_us
        while self.state.due_us is not None and self.state.due_us <= ends_us:
            self.now_us = max(self.now_us, self.state.due_us)
            self.state, steps = pass_time(self.state, self.now_us)
            self.steps += [(self.now_us, step) for step in steps]
        self.now_us = ends_us

    def clips(self) -> list[tuple[int, int]]:
        """From when to when each clip reaches."""
        steps = [step for _, step in self.steps]
        begins = [step.from_us for step in steps if isinstance(step, ClipBegins)]
        ends = [step.at_us for step in steps if isinstance(step, ClipEnds)]
        assert len(begins) == len(ends)
        return list(zip(begins, ends, strict=True))


_told = st.builds(
    Told,
    reason=st.sampled_from(_REASONS),
    is_start=st.booleans(),
    wait_us=st.integers(0, 700 * _S) | st.integers(0, 10 * _S),
    late_us=st.just(0) | st.integers(0, 3 * _S),
    lasts_us=st.none() | st.integers(0, 700 * _S) | st.integers(0, _S),
)
_rules = st.builds(ClipRules, st.just(True), st.integers(0, 60 * _S), st.integers(0, 300 * _S))


def _run(rules: ClipRules, all_told: list[Told]) -> Run:
    run = Run(State(rules))
    for told in all_told:
        run.take(told)
    run.let_pass(LONGEST_US + rules.post_us + 1)
    return run


@given(_rules, st.lists(_told))
def test_no_start_is_lost_however_short(rules: ClipRules, all_told: list[Told]) -> None:
    run = _run(rules, all_told)
    told = [step for _, step in run.steps if isinstance(step, Began | WentOn)]
    assert len(told) == sum(each.is_start for each in all_told)
    assert sum(isinstance(step, Began) for step in told) == sum(isinstance(step, Ended) for _, step in run.steps)


@given(_rules, st.lists(_told))
def test_everything_ends_and_the_stream_waits_for_what_comes_next(rules: ClipRules, all_told: list[Told]) -> None:
    run = _run(rules, all_told)
    assert run.state.phase is Phase.BUFFERING
    assert run.state.due_us is None
    assert not run.state.reasons


@given(_rules, st.lists(_told))
def test_clips_do_not_overlap(rules: ClipRules, all_told: list[Told]) -> None:
    ended_us = 0
    for from_us, until_us in _run(rules, all_told).clips():
        assert ended_us <= from_us <= until_us
        ended_us = until_us


_in_order = _told.map(lambda told: replace(told, late_us=min(told.late_us, told.wait_us)))
"""Told of in the order in which it happened: what was before a clip that has ended is not recorded any more."""


@given(_rules, st.lists(_in_order, min_size=1))
def test_clips_cover_each_event_with_what_was_before_and_after(rules: ClipRules, all_told: list[Told]) -> None:
    run = _run(rules, all_told)
    clips = run.clips()
    began_us: int | None = None
    for _, step in run.steps:
        if isinstance(step, Began):
            began_us = step.edge.at_us
        elif isinstance(step, Ended):
            assert began_us is not None
            _assert_covered(began_us - rules.pre_us, step.at_us + rules.post_us, clips)


def _assert_covered(from_us: int, until_us: int, clips: list[tuple[int, int]]) -> None:
    for begins_us, ends_us in clips:
        if begins_us <= from_us <= ends_us:
            from_us = ends_us
    assert from_us >= until_us


@given(_rules, st.lists(_told), st.integers(0, LONGEST_US - 1))
def test_a_start_holds_until_its_stop_whatever_others_do(rules: ClipRules, others: list[Told], most_us: int) -> None:
    mine = Reason(Origin.EXTERNAL)
    run = Run(State(rules))
    run.take(Told(mine, is_start=True, wait_us=0, late_us=0, lasts_us=None))
    began_us = run.now_us
    for told in others:
        if run.now_us + told.wait_us - began_us >= most_us:
            break
        run.take(told)
        assert run.state.phase is Phase.RECORDING
    run.take(Told(mine, is_start=False, wait_us=most_us - (run.now_us - began_us), late_us=0, lasts_us=None))
    assert mine not in run.state.reasons
    assert not any(isinstance(step, ClipEnds) for at_us, step in run.steps if at_us < run.now_us)


@given(_rules)
def test_a_start_without_a_stop_ends_after_ten_minutes(rules: ClipRules) -> None:
    run = Run(State(rules))
    run.take(Told(_REASONS[0], is_start=True, wait_us=0, late_us=0, lasts_us=None))
    began_us = run.now_us
    run.let_pass(LONGEST_US - 1)
    assert run.state.phase is Phase.RECORDING
    run.let_pass(rules.post_us + 1)
    assert [step for _, step in run.steps if isinstance(step, Ended)] == [Ended(began_us + LONGEST_US)]
    assert run.clips() == [(began_us - rules.pre_us, began_us + LONGEST_US + rules.post_us)]


@given(st.integers(0, 60 * _S), st.integers(1, 300 * _S), st.data())
def test_what_happens_in_the_hold_extends_the_clip(pre_us: int, post_us: int, data: st.DataObject) -> None:
    run = Run(State(ClipRules(True, pre_us, post_us)))
    pulse = Told(_REASONS[0], is_start=True, wait_us=0, late_us=0, lasts_us=_S)
    run.take(pulse)
    began_us = run.now_us
    waits_us = _S + data.draw(st.integers(0, post_us - 1))
    run.let_pass(waits_us)
    phases = [run.state.phase]
    run.take(pulse)
    phases.append(run.state.phase)
    assert phases == [Phase.HOLDING, Phase.RECORDING]
    run.let_pass(_S + post_us)
    assert run.clips() == [(began_us - pre_us, began_us + waits_us + _S + post_us)]


def test_a_clock_that_is_set_back_by_days_ends_what_goes_on_and_events_are_recorded_as_before() -> None:
    state, _ = take_edge(State(ClipRules(True, 0, _S)), _start_at(10_000_000 * _S), 10_000_000 * _S)
    now_us = 1_000 * _S
    state, steps = pass_time(state, now_us)
    assert [type(step) for step in steps] == [Ended, ClipEnds]
    assert (state.phase, state.due_us) == (Phase.BUFFERING, None)
    state, steps = take_edge(state, _start_at(now_us), now_us)
    assert [type(step) for step in steps] == [ClipBegins, Began]
    state, steps = pass_time(state, now_us + LONGEST_US)
    assert steps == (Ended(now_us + LONGEST_US),)


def _start_at(at_us: int) -> Edge:
    return Edge(1, "door", _REASONS[0], is_start=True, at_us=at_us)


def test_an_event_that_is_told_of_late_does_not_shorten_the_clip_of_the_one_before() -> None:
    run = Run(State(ClipRules(True, 0, 5 * _S)))
    run.take(Told(_REASONS[0], is_start=True, wait_us=0, late_us=0, lasts_us=3 * _S))
    began_us = run.now_us
    run.take(Told(_REASONS[1], is_start=True, wait_us=4 * _S, late_us=3 * _S, lasts_us=0))
    run.let_pass(10 * _S)
    assert run.clips() == [(began_us, began_us + 8 * _S)]


@given(_rules, st.lists(_told), st.lists(_told))
def test_other_rules_end_and_begin_clips_but_no_events(rules: ClipRules, before: list[Told], after: list[Told]) -> None:
    run = Run(State(rules))
    for told in before:
        run.take(told)
    reasons = dict(run.state.reasons)
    for wanted, phases in ((False, {Phase.IDLE}), (True, {Phase.RECORDING if reasons else Phase.BUFFERING})):
        run.state, steps = take_rules(run.state, ClipRules(wanted, rules.pre_us, rules.post_us), run.now_us)
        run.steps += [(run.now_us, step) for step in steps]
        assert run.state.phase in phases
        assert run.state.reasons == reasons
    for told in after:
        run.take(told)
    run.let_pass(LONGEST_US + rules.post_us + 1)
    ended_us = 0
    for from_us, until_us in run.clips():
        assert ended_us <= from_us <= until_us
        ended_us = until_us
