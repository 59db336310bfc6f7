"""Places in a sorted set are found by the digits of an order."""

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.recording import bits
from lightnvr.recording.model import RecordingSort
from lightnvr.recording.orders import ORDERS, places

_SIZES = st.integers(0, 5000) | st.integers(2**20, 2**22) | st.integers(0, 2**60)
_ENDS = st.integers(-5, 2**56) | st.integers(1_700_000_000_000_000, 1_700_020_000_000_000)
_VALUES = st.one_of(
    st.tuples(st.just(RecordingSort.SIZE_BYTES), st.dictionaries(st.integers(4000, 4200), _SIZES, min_size=1)),
    st.tuples(st.just(RecordingSort.END_TIME), st.dictionaries(st.integers(4000, 4200), _ENDS, min_size=1)),
)


@given(
    values=_VALUES, at=st.integers(0, 300), many=st.integers(1, 50), descending=st.booleans(), few=st.integers(0, 20)
)
def test_the_part_of_some_places_has_all_of_them(
    values: tuple[RecordingSort, dict[int, int]], at: int, many: int, descending: bool, few: int
) -> None:
    sort, value_of = values
    order = ORDERS[sort]
    rows = order.bits_of(value_of.items())
    digits: list[dict[int, int]] = [{} for _ in range(order.digits)]
    for block, row in rows.items():
        for digit, some in enumerate(order.split(row)):
            digits[digit][block] = some
    in_order = sorted(value_of, key=lambda key: (value_of[key], key), reverse=descending)
    first = at % len(in_order)
    many = min(many, len(in_order) - first)
    skipped, part = places(digits, bits.bits_of(value_of), first, many, descending=descending, few=few)
    part_in_order = sorted(bits.ids_of(part), key=lambda key: (value_of[key], key), reverse=descending)
    assert part_in_order[skipped : skipped + many] == in_order[first : first + many]


@given(value=_SIZES, more=st.integers(0, 2**50))
def test_a_greater_value_is_in_no_lower_bucket(value: int, more: int) -> None:
    for order in ORDERS.values():
        assert order.bucket_of(value) <= order.bucket_of(value + more)


def test_every_digit_of_an_id_is_cleared_at_once() -> None:
    order = ORDERS[RecordingSort.SIZE_BYTES]
    row = order.bits_of([(1, 2**51), (5, 123_456_789)])[0]
    assert row & ~order.all_digits(1 << 1) == order.bits_of([(5, 123_456_789)])[0]
    assert row & ~order.all_digits(1 << 1 | 1 << 5) == 0
