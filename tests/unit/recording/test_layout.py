"""Where recordings lie."""

import time
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.recording.layout import DirectoryFormat, recording_path, start_from_name
from lightnvr.recording.model import CaptureMethod
from tests.rig.local_time import local_time

_MOMENT = int(datetime(2025, 10, 26, 1, 59, 58, 999_999, tzinfo=UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("directory_format", "method", "attempt", "path"),
    [
        (DirectoryFormat.YEAR_MONTH_DAY, "continuous", 0, "mp4/door/2025/10/26/recording_20251026_015958.mp4"),
        (DirectoryFormat.YEAR_MONTH, "manual", 0, "mp4/door/2025/10/recording_20251026_015958.mp4"),
        (DirectoryFormat.FLAT, "scheduled", 3, "mp4/door/recording_20251026_015958_3.mp4"),
        (DirectoryFormat.FLAT, "detection", 0, "mp4/door/detection_20251026_015958.mp4"),
        (DirectoryFormat.FLAT, "motion", 1, "mp4/door/detection_20251026_015958_1.mp4"),
    ],
)
def test_paths(directory_format: DirectoryFormat, method: str, attempt: int, path: str) -> None:
    assert recording_path("door", _MOMENT, CaptureMethod(method), directory_format, attempt) == PurePosixPath(path)


@given(
    st.integers(0, 4_000_000_000_000_000),
    st.sampled_from(CaptureMethod),
    st.sampled_from(DirectoryFormat),
    st.integers(0, 999),
)
def test_a_name_tells_the_second_in_which_its_recording_begins(
    start_us: int, method: CaptureMethod, directory_format: DirectoryFormat, attempt: int
) -> None:
    path = recording_path("door_2", start_us, method, directory_format, attempt)
    assert start_from_name(path.name) == start_us // 1_000_000 * 1_000_000


@given(st.text() | st.from_regex(r"(recording|detection)_[0-9_]{1,20}\.mp4", fullmatch=True))
def test_any_name_is_read_or_refused(name: str) -> None:
    start_us = start_from_name(name)
    assert start_us is None or start_us % 1_000_000 == 0


@pytest.mark.parametrize(
    "name", ["recording_20251326_000000.mp4", "recording_20251026_015958.mkv", "holiday.mp4", "a_b_c.mp4"]
)
def test_names_of_another_kind(name: str) -> None:
    assert start_from_name(name) is None


def test_the_hour_that_comes_twice_has_names_of_its_own() -> None:
    first = int(datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp())
    with local_time("CET-1CEST,M3.5.0,M10.5.0/3"):
        moments = (first, first + 3600)
        assert [time.localtime(moment)[3:5] for moment in moments] == [(2, 30), (2, 30)]
        paths = {
            recording_path("door", moment * 1_000_000, CaptureMethod.CONTINUOUS, DirectoryFormat.FLAT)
            for moment in moments
        }
    assert len(paths) == 2
