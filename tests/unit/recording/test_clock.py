"""The time that recordings carry never runs backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.recording.clock import WallClock
from tests.rig.fake_time import NOON_US, FakeTime

_DAY_S = 86_400.0


def _clock(time: FakeTime, *, not_before_us: int = 0, steps: list[float] | None = None) -> WallClock:
    return WallClock(
        monotonic_ns=time.monotonic_ns,
        system_ns=time.system_ns,
        not_before_us=not_before_us,
        on_step=None if steps is None else steps.append,
    )


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(-7000, 7000), st.floats(0, 2)), max_size=12))
def test_it_never_runs_backwards_nor_behind_the_system(passing: list[tuple[float, float, float]]) -> None:
    time, last = FakeTime(), 0
    clock = _clock(time)
    for passed, jump, later in passing:
        time.pass_s(passed)
        time.set_system(jump)
        for moment in (0.0, later):
            time.pass_s(moment)
            now = clock.now_us()
            assert now >= last
            assert now >= time.system_ns() // 1000 - 1
            last = now


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-80_000, 80_000)), max_size=8), st.floats(0, 1))
def test_two_moments_are_never_told_in_the_wrong_order(passing: list[tuple[float, float]], back: float) -> None:
    """A packet's arrival is told a little later, perhaps after the clock was set forward."""
    time, last = FakeTime(), 0
    clock = _clock(time)
    for passed, jump in passing:
        time.pass_s(1 + passed)
        earlier_ns = time.monotonic_ns() - int(back * 1e9)
        told = clock.wall_us(earlier_ns)
        assert told <= clock.now_us()
        time.set_system(max(jump, -3000))
        last = max(last, told)


@pytest.mark.parametrize("ahead_s", [0.6, 60, 3600, 86_400 * 400])
def test_a_clock_set_forward_is_followed_at_once(ahead_s: float) -> None:
    time, steps = FakeTime(), list[float]()
    clock = _clock(time, steps=steps)
    assert clock.now_us() == NOON_US
    time.pass_s(10)
    time.set_system(ahead_s)
    assert clock.now_us() == NOON_US + 10_000_000 + int(ahead_s * 1e6)
    assert clock.epoch == 1
    assert steps == [pytest.approx(ahead_s)]
    assert clock.ahead_s == 0


def test_small_corrections_are_followed_without_an_epoch() -> None:
    time, steps = FakeTime(), list[float]()
    clock = _clock(time, steps=steps)
    for _ in range(100):
        time.pass_s(60)
        time.set_system(0.003)
        assert clock.now_us() == time.system_ns() // 1000
    assert clock.epoch == 0
    assert steps == []


def test_an_hour_back_is_approached_and_never_told_twice() -> None:
    time, steps = FakeTime(), list[float]()
    clock = _clock(time, steps=steps)
    before = clock.now_us()
    time.set_system(-3600)
    assert clock.now_us() == before
    assert clock.ahead_s == pytest.approx(3600)
    time.pass_s(100)
    assert clock.now_us() == pytest.approx(before + 95_000_000, abs=10)
    for _ in range(3600 * 20 // 100):
        time.pass_s(100)
        clock.now_us()
    assert clock.now_us() == time.system_ns() // 1000
    assert clock.ahead_s == 0
    assert (clock.epoch, steps) == (0, [])


def test_more_than_a_day_back_is_followed_at_once() -> None:
    time, steps = FakeTime(), list[float]()
    clock = _clock(time, steps=steps)
    time.set_system(-2 * _DAY_S)
    assert clock.now_us() == NOON_US - 2 * 86_400_000_000
    assert clock.epoch == 1
    assert steps == [pytest.approx(-2 * _DAY_S)]


@pytest.mark.parametrize("behind_s", [0.5, 3600, 86_399])
def test_it_begins_after_the_last_recording(behind_s: float) -> None:
    time = FakeTime()
    last_end_us = NOON_US + int(behind_s * 1e6)
    clock = _clock(time, not_before_us=last_end_us)
    assert clock.now_us() >= last_end_us
    assert clock.ahead_s == pytest.approx(behind_s)
    assert clock.epoch == 0


@pytest.mark.parametrize(("stored_s", "begins_s"), [(-2, 0), (3600, 3605)])
def test_it_begins_after_what_a_crash_kept_from_being_stored(stored_s: int, begins_s: int) -> None:
    """When the system clock was set back; else it is later than all that was recorded before the crash."""
    time = FakeTime()
    clock = WallClock(
        monotonic_ns=time.monotonic_ns,
        system_ns=time.system_ns,
        not_before_us=NOON_US + stored_s * 1_000_000,
        unstored_us=5_000_000,
    )
    assert clock.now_us() == NOON_US + begins_s * 1_000_000


@pytest.mark.parametrize("last_end_us", [0, NOON_US - 1, NOON_US + 86_400_000_001])
def test_a_last_recording_long_ago_or_in_a_far_future_is_not_heeded(last_end_us: int) -> None:
    assert _clock(FakeTime(), not_before_us=last_end_us).now_us() == NOON_US
