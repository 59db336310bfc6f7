"""The fragment index comes back from the database as it went in."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.recording.fragment_index import FragmentIndex, IndexedFragment, UnknownIndexVersion

FRAGMENTS = st.lists(
    st.tuples(
        st.integers(0, 1 << 20),
        st.integers(0, (1 << 32) - 1),
        st.integers(-(1 << 30), 1 << 40),
        st.integers(0, (1 << 32) - 1),
        st.booleans(),
    ),
    max_size=50,
)


def index_of(drawn: list[tuple[int, int, int, int, bool]]) -> FragmentIndex:
    index, end, end_us = FragmentIndex(), 0, 0
    for gap, size, gap_us, duration_us, keyframe in drawn:
        start_us = max(0, end_us + gap_us)
        index.append(IndexedFragment(end + gap, size, start_us, duration_us, keyframe))
        end, end_us = end + gap + size, start_us + duration_us
    return index


@given(FRAGMENTS)
def test_what_is_packed_is_unpacked(drawn: list[tuple[int, int, int, int, bool]]) -> None:
    index = index_of(drawn)
    assert len(index) == len(drawn)
    assert list(FragmentIndex.unpack(index.pack())) == list(index)


@given(FRAGMENTS.filter(bool), st.data())
def test_an_index_that_is_cut_off_gives_its_beginning_or_an_error(
    drawn: list[tuple[int, int, int, int, bool]], data: st.DataObject
) -> None:
    index = index_of(drawn)
    packed = index.pack()
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    try:
        found = list(FragmentIndex.unpack(cut))
    except IndexError:
        return
    assert found == list(index)[: len(found)]


def test_an_index_of_a_later_version_is_refused() -> None:
    with pytest.raises(UnknownIndexVersion):
        FragmentIndex.unpack(b"\x02")
    assert list(FragmentIndex.unpack(b"")) == []
    assert list(FragmentIndex.unpack(FragmentIndex().pack())) == []


def test_a_usual_index_is_small() -> None:
    index, at = FragmentIndex(), 1200
    for number in range(1800):
        index.append(IndexedFragment(at, 131_072, number * 500_000, 500_000, number % 4 == 0))
        at += 131_072
    assert len(index.pack()) < 9 * 1800


def test_it_can_be_packed_while_it_grows() -> None:
    """The database is written by one thread, the recording by another."""
    index, ended, failures = FragmentIndex(), threading.Event(), list[Exception]()

    def pack() -> None:
        while not ended.is_set():
            try:
                found = list(FragmentIndex.unpack(index.pack()))
            except ValueError as failure:
                failures.append(failure)
                return
            if [fragment.offset for fragment in found] != [10 * number for number in range(len(found))]:
                failures.append(ValueError(found))

    packing = threading.Thread(target=pack)
    packing.start()
    for number in range(20_000):
        index.append(IndexedFragment(10 * number, 10, number, 1, number % 2 == 0))
    ended.set()
    packing.join(60)
    assert failures == []
