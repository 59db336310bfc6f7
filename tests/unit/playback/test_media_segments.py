"""Cutting recordings into media segments: at keyframes, nothing missing, nothing twice, and never cut again."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.playback.media_segments import TARGET_US, keyframe_segments, media_segments
from lightnvr.recording.fragment_index import IndexedFragment
from lightnvr.recording.fragment_table import FragmentTable

_HEAD = 1200

Drawn = list[tuple[int, int, bool]]
FRAGMENTS = st.lists(
    st.tuples(st.integers(1, 100_000), st.integers(1, 4_000_000), st.booleans()), min_size=1, max_size=80
)


def _table(drawn: Drawn) -> FragmentTable:
    fragments: list[IndexedFragment] = []
    offset, start_us = _HEAD, 0
    for place, (size, duration_us, keyframe) in enumerate(drawn):
        fragments.append(IndexedFragment(offset, size, start_us, duration_us, keyframe or not place))
        offset, start_us = offset + size, start_us + duration_us
    return FragmentTable.of(fragments)


@given(FRAGMENTS)
def test_segments_hold_every_byte_and_every_moment_once(drawn: Drawn) -> None:
    table = _table(drawn)
    for segments in (media_segments(table, is_whole=True),):
        ends = segments.offsets + segments.sizes
        assert segments.offsets[0] == _HEAD
        assert ends[-1] == _HEAD + sum(size for size, _, _ in drawn)
        assert all(end == begin for end, begin in zip(ends, segments.offsets[1:], strict=False))
        assert int(segments.durations_us.sum()) == table.end_us
        assert set(segments.offsets.tolist()) <= set(table.offsets[table.keyframes].tolist())


@given(FRAGMENTS)
def test_a_recording_that_grows_only_gets_more_segments(drawn: Drawn) -> None:
    before: list[tuple[int, int]] = []
    for length in range(1, len(drawn) + 1):
        for is_whole in (False, True):
            segments = media_segments(_table(drawn[:length]), is_whole=is_whole)
            rows: list[tuple[int, int]] = list(zip(segments.offsets.tolist(), segments.sizes.tolist(), strict=True))
            assert rows[: len(before)] == before
            if not is_whole:
                before = rows


@given(FRAGMENTS)
def test_segments_are_as_long_as_keyframes_allow(drawn: Drawn) -> None:
    table = _table(drawn)
    segments = media_segments(table, is_whole=True)
    keys = table.starts_us[table.keyframes].tolist()
    longest_gap = max([late - early for early, late in pairwise([*keys, table.end_us])])
    assert int(segments.durations_us.max()) <= 2 * TARGET_US + longest_gap


@given(FRAGMENTS, st.integers(0, 100_000_000), st.integers(1, 100_000_000))
def test_a_span_begins_at_the_keyframe_before_it(drawn: Drawn, from_us: int, length_us: int) -> None:
    segments = media_segments(_table(drawn), is_whole=True)
    shown = segments.between(from_us, from_us + length_us)
    if from_us >= int(segments.starts_us[-1] + segments.durations_us[-1]):
        assert len(shown) == 0
        return
    assert shown.starts_us[0] <= from_us or from_us < 0
    assert int(shown.starts_us[0] + shown.durations_us[0]) > from_us
    assert int(shown.starts_us[-1]) < from_us + length_us


@given(FRAGMENTS)
def test_each_keyframe_is_a_segment_for_fast_playback(drawn: Drawn) -> None:
    table = _table(drawn)
    segments = keyframe_segments(table, is_whole=True)
    assert segments.offsets.tolist() == table.offsets[table.keyframes].tolist()
    assert segments.sizes.tolist() == table.sizes[table.keyframes].tolist()
    assert int(segments.durations_us.sum()) == table.end_us
