"""How much was recorded when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.playback.density import density
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.service import Covered


def recording(start_us: int, end_us: int, method: CaptureMethod = CaptureMethod.CONTINUOUS) -> Covered:
    """The time that a recording covers."""
    return Covered(start_us, end_us, method)


def test_each_bucket_has_the_seconds_that_lie_in_it() -> None:
    found = [
        recording(-5_000_000, 5_000_000),
        recording(10_000_000, 12_000_000, CaptureMethod.DETECTION),
        recording(29_000_000, 60_000_000),
    ]
    buckets = density(found, 0, 30_000_000, 3)
    assert [bucket.start_us for bucket in buckets] == [0, 10_000_000, 20_000_000]
    assert [bucket.recorded_s for bucket in buckets] == [5.0, 2.0, 1.0]
    assert [bucket.triggered_s for bucket in buckets] == [0.0, 2.0, 0.0]


def test_a_span_without_recordings_is_empty() -> None:
    assert [bucket.recorded_s for bucket in density([], 0, 10, 2)] == [0.0, 0.0]


@given(
    st.lists(st.integers(0, 1_000_000_000), min_size=2, max_size=40, unique=True).map(sorted),
    st.integers(0, 500_000_000),
    st.integers(1, 500_000_000),
    st.integers(1, 50),
)
def test_the_buckets_add_up_to_the_span(times: list[int], start_us: int, length_us: int, buckets: int) -> None:
    found = [recording(early, late) for early, late in zip(times[::2], times[1::2], strict=False)]
    end_us = start_us + length_us
    inside = sum(max(0, min(each.end_us, end_us) - max(each.start_us, start_us)) for each in found)
    total = sum(bucket.recorded_s for bucket in density(found, start_us, end_us, buckets))
    assert total == pytest.approx(inside / 1e6, abs=0.001 * buckets)
