"""How short space is, and how much has to be freed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.storage.pressure import Pressure, PressureRules, Space, bytes_to_free, pressure, seconds_to_target

RULES = PressureRules()


@pytest.mark.parametrize(
    ("free", "level"),
    [(200, Pressure.NORMAL), (199, Pressure.WARNING), (99, Pressure.CRITICAL), (49, Pressure.EMERGENCY)],
)
def test_the_bands_begin_where_they_are_said_to(free: int, level: Pressure) -> None:
    assert pressure(Space(1000, free), RULES) is level


@given(st.integers(0, 10**6), st.floats(0, 10**4))
def test_after_freeing_there_is_enough_for_a_while(free: int, rate: float) -> None:
    space = Space(10**6, free)
    freed = bytes_to_free(space, RULES, rate)
    left = space.free_bytes + freed - rate * RULES.lookahead_s
    assert left >= 10**5 - 1
    if freed:
        assert left <= 10**5 + 1


def test_the_time_until_cleaning_is_foreseen() -> None:
    assert seconds_to_target(Space(1000, 300), RULES, 2.0) == 100.0
    assert seconds_to_target(Space(1000, 300), RULES, 0.0) == -1.0
    assert seconds_to_target(Space(1000, 50), RULES, 2.0) == 0.0
