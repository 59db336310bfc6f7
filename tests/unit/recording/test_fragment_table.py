"""The fragment index read as arrays says the same as fragment by fragment."""

import pytest
from hypothesis import given

from lightnvr.recording.fragment_index import FragmentIndex, IndexedFragment, UnknownIndexVersion
from lightnvr.recording.fragment_table import FragmentTable
from tests.unit.recording.test_fragment_index import FRAGMENTS, index_of


def _rows(table: FragmentTable) -> list[IndexedFragment]:
    columns = (table.offsets, table.sizes, table.starts_us, table.durations_us)
    rows = zip(*(column.tolist() for column in columns), table.keyframes.tolist(), strict=True)
    return [IndexedFragment(*row) for row in rows]


@given(FRAGMENTS)
def test_it_says_what_the_index_says(drawn: list[tuple[int, int, int, int, bool]]) -> None:
    index = index_of(drawn)
    assert _rows(FragmentTable.unpack(index.pack())) == list(index)
    assert _rows(FragmentTable.of(index)) == list(index)


def test_one_that_is_cut_off_or_of_another_version_is_refused() -> None:
    index = FragmentIndex()
    index.append(IndexedFragment(900, 40_000, 0, 500_000, True))
    packed = index.pack()
    for length in range(2, len(packed)):
        with pytest.raises(ValueError, match="cut off"):
            FragmentTable.unpack(packed[:length])
    with pytest.raises(UnknownIndexVersion):
        FragmentTable.unpack(b"\x03" + packed[1:])
    assert len(FragmentTable.unpack(b"")) == 0
