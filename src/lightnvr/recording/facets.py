"""Which recordings have what lists are filtered by: sets of ids, kept as bits, so that any combination is quick.

A facet is something a recording has or has not: a tag, a label, its stream, its day. For each, `recording_facets` holds
one bit for each id, 4096 ids to a row, and no row without a bit. What is stored follows from the other tables; whoever
changes those does so through `store`, `marks` and `care`, which keep it right.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_facets
from lightnvr.recording.model import BY_DETECTION, DAY_US, CaptureMethod, Recording

_BLOCK_BITS = 12
_BLOCK_IDS = 1 << _BLOCK_BITS
_BLOCK_BYTES = _BLOCK_IDS // 8
_ROWS_AT_ONCE = 500
_PG_LOCK = 4_711_004
"""Of PostgreSQL: only one transaction at a time may change bits, as on SQLite, or one would undo the other's."""

Bits = dict[int, int]
"""A set of recordings: for each block of 4096 ids that has any, an integer with the bit of each id set."""


class FacetKind(StrEnum):
    """What a facet is about."""

    STREAM = "stream"
    DAY = "day"
    METHOD = "method"
    PROTECTED = "protected"
    DETECTION = "detection"
    TAG = "tag"
    LABEL = "label"


class Facet(NamedTuple):
    """One thing that recordings have or have not."""

    kind: FacetKind
    value: str = ""


PROTECTED = Facet(FacetKind.PROTECTED)
DETECTION = Facet(FacetKind.DETECTION)

_PUT = text(
    "INSERT INTO recording_facets (kind, value, block, bits) VALUES (:kind, :value, :block, :bits)"
    " ON CONFLICT (kind, value, block) DO UPDATE SET bits = excluded.bits"
)
_REMOVE = text("DELETE FROM recording_facets WHERE kind = :kind AND value = :value AND block = :block")


def day_facet(start_us: int) -> Facet:
    """Return the facet of the UTC day of a start. Days are in order as text."""
    return Facet(FacetKind.DAY, f"{start_us // DAY_US:06}")


def facets_of(recording: Recording) -> Iterator[Facet]:
    """Yield the facets that follow from the row of a recording, without tags and labels."""
    return facets_of_row(
        recording.stream_name, recording.start_us, recording.capture_method, protected=recording.protected
    )


def facets_of_row(stream_name: str, start_us: int, method: CaptureMethod, *, protected: bool) -> Iterator[Facet]:
    """Yield the same for the columns of the row."""
    yield Facet(FacetKind.STREAM, stream_name)
    yield Facet(FacetKind.METHOD, method.value)
    yield day_facet(start_us)
    if protected:
        yield PROTECTED
    if method in BY_DETECTION:
        yield DETECTION


def bits_of(ids: Iterable[int]) -> Bits:
    """Return a set of these ids."""
    bits: defaultdict[int, int] = defaultdict(int)
    for key in ids:
        bits[key >> _BLOCK_BITS] |= 1 << (key & _BLOCK_IDS - 1)
    return dict(bits)


def ids_of(bits: Bits) -> list[int]:
    """Return the ids of a set, ascending."""
    ids: list[int] = []
    for block in sorted(bits):
        first, left = block << _BLOCK_BITS, bits[block]
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


def has(bits: Bits, key: int) -> bool:
    """Return whether an id is in a set."""
    return bool(bits.get(key >> _BLOCK_BITS, 0) >> (key & _BLOCK_IDS - 1) & 1)


def count(bits: Bits) -> int:
    """Return how many ids a set has."""
    return sum(block.bit_count() for block in bits.values())


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


async def read(connection: AsyncConnection, condition: ColumnElement[bool]) -> dict[Facet, Bits]:
    """Return the facets for which a condition on `recording_facets` holds, in order."""
    table = recording_facets.c
    query = select(table.kind, table.value, table.block, table.bits).where(condition)
    found: dict[tuple[str, str], Bits] = {}
    # There are hundreds of rows, so that what is done for each counts.
    for kind, value, block, bits in (await connection.execute(query)).all():
        found.setdefault((kind, value), {})[block] = int.from_bytes(bits, "little")
    return {Facet(FacetKind(kind), value): found[kind, value] for kind, value in sorted(found)}


async def having(
    connection: AsyncConnection,
    kind: FacetKind,
    values: Iterable[str] | None = None,
    *,
    blocks: Sequence[int] | None = None,
) -> Bits:
    """Return what has any facet of a kind, or any with these values; of all blocks, or from first to last."""
    condition = recording_facets.c.kind == kind.value
    if values is not None:
        condition = condition & recording_facets.c.value.in_(list(values))
    if blocks is not None:
        first, last = (blocks[0], blocks[-1]) if blocks else (0, -1)
        condition = condition & recording_facets.c.block.between(first, last)
    query = select(recording_facets.c.block, recording_facets.c.bits).where(condition)
    joined: defaultdict[int, int] = defaultdict(int)
    for block, bits in (await connection.execute(query)).all():
        joined[block] |= int.from_bytes(bits, "little")
    return dict(joined)


async def lock(connection: AsyncConnection) -> None:
    """Wait until no other transaction changes facets.

    Comes first in each transaction that does, before any row is changed: else two could wait for each other.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PG_LOCK})


async def change(
    connection: AsyncConnection, add: Mapping[Facet, Iterable[int]], remove: Mapping[Facet, Iterable[int]]
) -> None:
    """Store that recordings have facets, by their ids, and that recordings have them no more."""
    added, removed = _by_row(add), _by_row(remove)
    await lock(connection)
    keys = sorted({*added, *removed})
    blocks: defaultdict[Facet, list[int]] = defaultdict(list)
    for facet, block in keys:
        blocks[facet].append(block)
    there: dict[tuple[Facet, int], int] = {}
    table = recording_facets.c
    for facet, wanted in blocks.items():
        of_facet = (table.kind == facet.kind.value) & (table.value == facet.value)
        for first in range(0, len(wanted), _ROWS_AT_ONCE):
            some = table.block.in_(wanted[first : first + _ROWS_AT_ONCE])
            rows = await connection.execute(select(table.block, table.bits).where(of_facet, some))
            there |= {(facet, block): int.from_bytes(bits, "little") for block, bits in rows.all()}
    await _store(
        connection,
        {key: (there.get(key, 0), there.get(key, 0) & ~removed.get(key, 0) | added.get(key, 0)) for key in keys},
    )


async def forget(connection: AsyncConnection, ids: Iterable[int]) -> None:
    """Store that there are no recordings with these ids any more."""
    gone = bits_of(ids)
    await lock(connection)
    table = recording_facets.c
    for block, bits in sorted(gone.items()):
        query = select(table.kind, table.value, table.bits).where(table.block == block)
        changes: dict[tuple[Facet, int], tuple[int, int]] = {}
        for kind, value, content in (await connection.execute(query)).all():
            was = int.from_bytes(content, "little")
            changes[Facet(FacetKind(kind), value), block] = was, was & ~bits
        await _store(connection, changes)


def rows_for(recordings: Iterable[tuple[int, Iterable[Facet]]]) -> Iterator[tuple[str, str, int, bytes]]:
    """Yield the rows of `recording_facets` for recordings with these ids and facets: kind, value, block, bits."""
    bits: defaultdict[tuple[Facet, int], bytearray] = defaultdict(lambda: bytearray(_BLOCK_BYTES))
    for key, facets in recordings:
        block, bit = key >> _BLOCK_BITS, key & _BLOCK_IDS - 1
        for facet in facets:
            bits[facet, block][bit >> 3] |= 1 << (bit & 7)
    for (facet, block), content in sorted(bits.items()):
        yield facet.kind.value, facet.value, block, bytes(content)


def _by_row(facets: Mapping[Facet, Iterable[int]]) -> dict[tuple[Facet, int], int]:
    return {(facet, block): bits for facet, ids in facets.items() for block, bits in bits_of(ids).items()}


async def _store(connection: AsyncConnection, changes: Mapping[tuple[Facet, int], tuple[int, int]]) -> None:
    changed = {key: bits for key, (was, bits) in changes.items() if bits != was}
    put = [{**_key(key), "bits": bits.to_bytes(_BLOCK_BYTES, "little")} for key, bits in changed.items() if bits]
    empty = [_key(key) for key, bits in changed.items() if not bits]
    if put:
        await connection.execute(_PUT, put)
    if empty:
        await connection.execute(_REMOVE, empty)


def _key(key: tuple[Facet, int]) -> dict[str, str | int]:
    (kind, value), block = key
    return {"kind": kind.value, "value": value, "block": block}
