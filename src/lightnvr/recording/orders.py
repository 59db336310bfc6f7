"""The order of finished recordings by end or by size, so that any page of any set of them is found at once.

The values of an order are cut into buckets, which have numbers in the same order. For each binary digit of the number,
the first one first, there is a set of the recordings whose bucket has it. A sorted set falls apart into those without
the digit and those with it; counting them tells in which of both the places lie that are looked for, and so on with the
next digit (O'Neil and Quass, "Improved Query Performance with Variant Indexes", 1997, section 2: bit-sliced indexes).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lightnvr.recording import bits
from lightnvr.recording.bits import BLOCK_BITS, BLOCK_IDS, Bits
from lightnvr.recording.model import RecordingSort

_END_BITS = 31
# Sizes are cut into 1024 buckets for each doubling, whatever the bit rate and the length of files; below 2 MiB evenly.
_STEPS_BITS = 10
_LEAST_BITS = 10
_OCTAVES = 30


@dataclass(frozen=True, slots=True)
class Order:
    """How values become buckets; no bucket has more than so many binary digits."""

    digits: int
    bucket_of: Callable[[int], int]

    def bits_of(self, values: Iterable[tuple[int, int]]) -> dict[int, int]:
        """Return for each block the digits of these (id, value): the sets of a block's digits, one above the other.

        The set of the first digit has the lowest 4096 bits.
        """
        found: dict[int, int] = {}
        for key, value in values:
            bucket, mine = min(self.bucket_of(value), (1 << self.digits) - 1), 0
            for digit in range(self.digits):
                if bucket >> self.digits - 1 - digit & 1:
                    mine |= 1 << digit * BLOCK_IDS
            block = key >> BLOCK_BITS
            found[block] = found.get(block, 0) | mine << (key & BLOCK_IDS - 1)
        return found

    def all_digits(self, some: int) -> int:
        """Return the bits of some ids of a block, in the sets of all digits."""
        return some * sum(1 << digit * BLOCK_IDS for digit in range(self.digits))

    def split(self, row: int) -> Iterator[int]:
        """Yield the set of each digit, out of what `bits_of` gives for a block."""
        mask = (1 << BLOCK_IDS) - 1
        for digit in range(self.digits):
            yield row >> digit * BLOCK_IDS & mask


def _of_end(end_us: int) -> int:
    return max(0, end_us) >> _END_BITS


def _of_size(size_bytes: int) -> int:
    octave = min(_OCTAVES, max(0, size_bytes.bit_length() - (_LEAST_BITS + _STEPS_BITS + 1)))
    return (octave << _STEPS_BITS) + (size_bytes >> _LEAST_BITS + octave)


ORDERS: Mapping[RecordingSort, Order] = {
    RecordingSort.END_TIME: Order(22, _of_end),
    RecordingSort.SIZE_BYTES: Order(15, _of_size),
}
"""Ends are in buckets of 36 minutes, until the year 2255; sizes may be up to 2 PiB."""


def places(
    digits: Sequence[Bits], chosen: Bits, first: int, many: int, *, descending: bool, few: int
) -> tuple[int, Bits]:
    """Return a part of a set that has the places from `first` on in it, if the set is sorted, and how many come before.

    There must be so `many` places. The part is as small as the digits tell, or smaller than `few`.
    """
    if not digits or bits.count(chosen) <= few:
        return first, chosen
    with_it, without_it = bits.both(chosen, digits[0]), bits.without(chosen, digits[0])
    before, after = (with_it, without_it) if descending else (without_it, with_it)
    of_before = bits.count(before)
    if first + many <= of_before:
        return places(digits[1:], before, first, many, descending=descending, few=few)
    if first >= of_before:
        return places(digits[1:], after, first - of_before, many, descending=descending, few=few)
    skipped, head = places(digits[1:], before, first, of_before - first, descending=descending, few=few)
    _, tail = places(digits[1:], after, 0, first + many - of_before, descending=descending, few=few)
    return skipped, bits.either((head, tail))
