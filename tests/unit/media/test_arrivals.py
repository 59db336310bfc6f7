"""Packets that were read late are said to have come when they did."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.arrivals import Arrivals

_TIME_BASE = Fraction(1, 90_000)
_PICTURE = 6000
_PICTURE_NS = _PICTURE * 1_000_000_000 // 90_000
_START_NS = 50_000_000_000
_MS = 1_000_000


def _came(index: int) -> int:
    return _START_NS + index * _PICTURE_NS


def _read(arrivals: Arrivals, dts: int | None, read_ns: int) -> int:
    arrivals.note(dts, read_ns)
    return arrivals.came_ns(read_ns)


def test_a_packet_that_was_waited_for_came_when_it_was_read() -> None:
    arrivals = Arrivals(_TIME_BASE)
    for index in range(100):
        arrivals.taken_until(_came(index - 1))
        assert _read(arrivals, index * _PICTURE, _came(index)) == _came(index)


def test_packets_that_gathered_came_one_after_the_other() -> None:
    arrivals = Arrivals(_TIME_BASE)
    _read(arrivals, 0, _came(0))
    arrivals.taken_until(_came(0))
    for index in range(1, 9):
        assert _read(arrivals, index * _PICTURE, _came(8) + 20 * _MS) == pytest.approx(_came(index), abs=_MS)


@pytest.mark.parametrize("drift", [0.999, 1.001])
def test_a_clock_that_runs_a_little_fast_or_slow_is_followed(drift: float) -> None:
    arrivals = Arrivals(_TIME_BASE)
    _read(arrivals, 0, _came(0))
    for batch in range(1, 9001, 9):
        arrivals.taken_until(_came(batch - 1))
        for index in range(batch, batch + 9):
            came_ns = _read(arrivals, round(index * _PICTURE * drift), _came(batch + 8))
            assert came_ns == pytest.approx(_came(index), abs=100 * _MS)


@pytest.mark.parametrize("jump_s", [-3600, -10, 10, 3600])
def test_after_the_camera_set_its_clock_arrivals_are_right_again(jump_s: int) -> None:
    arrivals, came_ns = Arrivals(_TIME_BASE), 0
    for index in range(60):
        jump = jump_s * 90_000 if index >= 30 else 0
        arrivals.taken_until(_came(index - 1))
        came_ns = _read(arrivals, index * _PICTURE + jump, _came(index))
        assert _came(index - 1) <= came_ns <= _came(index)
    assert came_ns == pytest.approx(_came(59), abs=_MS)


@given(st.lists(st.tuples(st.none() | st.integers(-(1 << 40), 1 << 40), st.integers(0, 1 << 34), st.booleans())))
def test_no_packet_came_after_it_was_read_nor_before_the_last_one(
    packets: list[tuple[int | None, int, bool]],
) -> None:
    arrivals, read_ns, last_ns = Arrivals(_TIME_BASE), _START_NS, 0
    for dts, later_ns, rested in packets:
        if rested:
            arrivals.taken_until(read_ns)
            last_ns = max(last_ns, read_ns)
        read_ns += later_ns
        came_ns = _read(arrivals, dts, read_ns)
        assert last_ns <= came_ns <= read_ns
        last_ns = came_ns
