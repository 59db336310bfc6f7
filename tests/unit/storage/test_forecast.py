"""What recordings will take."""

import math

import pytest

from lightnvr.recording.service import RecordedDay
from lightnvr.storage.forecast import Pace, days_held, disk_bytes, needed_bytes, pace_of
from lightnvr.storage.retention import StreamRules

_TODAY = 20_000
_DAY_US = 86_400_000_000
_GB = 10**9


def _day(ago: int, size_gb: float, share: float = 1.0) -> RecordedDay:
    return RecordedDay(_TODAY - ago, "door", 96, int(share * _DAY_US), int(size_gb * _GB))


def test_the_pace_is_the_mean_of_the_last_seven_whole_days() -> None:
    older = [_day(ago, 100) for ago in (20, 12, 11)]
    latest = [_day(ago, 10 + ago, 0.5) for ago in (9, 7, 6, 4, 3, 2, 1)]
    pace = pace_of([*older, *latest, _day(0, 1, 0.1)], _TODAY)
    assert pace.bytes_per_day == pytest.approx((70 + 32) / 7 * _GB)
    assert pace.seconds_per_day == pytest.approx(43_200)
    assert pace.bits_per_second == pytest.approx((70 + 32) / 7 * _GB * 8 / 43_200)


def test_before_there_is_a_whole_day_the_bit_rate_of_today_counts_for_all_of_it() -> None:
    assert pace_of([_day(0, 1, 0.1)], _TODAY).bytes_per_day == pytest.approx(10 * _GB)


def test_nothing_recorded_takes_nothing() -> None:
    for days in ([], [_day(0, 0, 0)], [_day(1, 0, 0)]):
        assert pace_of(days, _TODAY) == Pace()
    assert Pace().bits_per_second == 0


@pytest.mark.parametrize(
    ("rules", "needed"),
    [
        (StreamRules(retention_days=30), 300.0 * _GB),
        (StreamRules(retention_days=30, quota_bytes=100 * _GB), 100.0 * _GB),
        (StreamRules(retention_days=3, quota_bytes=100 * _GB), 30.0 * _GB),
        (StreamRules(quota_bytes=100 * _GB), 100.0 * _GB),
        (StreamRules(), None),
    ],
)
def test_what_is_kept_follows_from_age_and_quota(rules: StreamRules, needed: float | None) -> None:
    assert needed_bytes(Pace(10.0 * _GB, 86_400), rules) == needed


def test_a_disk_for_so_many_days_holds_so_many_days() -> None:
    for days in (0.5, 30, 365):
        assert days_held(disk_bytes(21.6 * _GB, days, 10.0), 21.6 * _GB, 10.0) == pytest.approx(days)
    assert math.isinf(days_held(4e12, 0.0, 10.0))
