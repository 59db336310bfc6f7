"""Sets of recordings by their ids, kept as bits, so that any combination of them is quick."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

BLOCK_BITS = 12
BLOCK_IDS = 1 << BLOCK_BITS

Bits = Mapping[int, int]
"""A set of recordings: for each block of 4096 ids that has any, an integer with the bit of each id set."""


def bits_of(ids: Iterable[int]) -> Bits:
    """Return a set of these ids."""
    bits: defaultdict[int, int] = defaultdict(int)
    for key in ids:
        bits[key >> BLOCK_BITS] |= 1 << (key & BLOCK_IDS - 1)
    return dict(bits)


def ids_of(bits: Bits) -> list[int]:
    """Return the ids of a set, ascending."""
    ids: list[int] = []
    for block in sorted(bits):
        first, left = block << BLOCK_BITS, bits[block]
        while left:
            lowest = left & -left
            ids.append(first + lowest.bit_length() - 1)
            left ^= lowest
    return ids


def page_of(bits: Bits, offset: int, limit: int, *, descending: bool) -> list[int]:
    """Return `limit` ids of a set from `offset` on, in their order or against it. Only their blocks are looked at."""
    found: list[int] = []
    for block in sorted(bits, reverse=descending):
        many = bits[block].bit_count()
        if offset >= many:
            offset -= many
            continue
        ids = ids_of({block: bits[block]})
        found += (ids[::-1] if descending else ids)[offset : offset + limit - len(found)]
        offset = 0
        if len(found) >= limit:
            break
    return found


def count(bits: Bits) -> int:
    """Return how many ids a set has."""
    return sum(block.bit_count() for block in bits.values())


def count_both(some: Bits, others: Bits) -> int:
    """Return how many ids are in each of two sets. The first should be the smaller one."""
    return sum((bits & others.get(block, 0)).bit_count() for block, bits in some.items())


def both(some: Bits, others: Bits) -> Bits:
    """Return what is in each of two sets."""
    if len(others) < len(some):
        some, others = others, some
    found = {block: bits & others[block] for block, bits in some.items() if block in others}
    return {block: bits for block, bits in found.items() if bits}


def either(sets: Iterable[Bits]) -> Bits:
    """Return what is in any of some sets."""
    joined: defaultdict[int, int] = defaultdict(int)
    for bits in sets:
        for block, content in bits.items():
            joined[block] |= content
    return dict(joined)


def without(some: Bits, others: Bits) -> Bits:
    """Return what is in the first set and not in the second."""
    found = {block: bits & ~others.get(block, 0) for block, bits in some.items()}
    return {block: bits for block, bits in found.items() if bits}
