"""Which recordings have what lists are filtered by: sets of ids, stored as bits.

A facet is something a recording has or has not: a tag, a label, its stream, its day. For each, `recording_facets` holds
one bit for each id, 4096 ids to a row, and no row without a bit. The ends and sizes of finished recordings are there
too, each as a row for 4096 ids that has the digits of the order (`orders`) one above the other. What is stored follows
from the other tables; whoever changes those does so through `store`, `marks` and `care`, which keep it right.

Each change of a block's rows gives the block a mark that no block ever had, by which `known_facets` sees what changed.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_facets
from lightnvr.recording.bits import BLOCK_BITS, BLOCK_IDS, Bits, bits_of
from lightnvr.recording.model import BY_DETECTION, DAY_US, CaptureMethod, Recording, RecordingSort
from lightnvr.recording.orders import ORDERS, Order

_BLOCK_BYTES = BLOCK_IDS // 8
_BLOCKS_AT_ONCE = 200
_MARK_BYTES = 8
_PG_LOCK = 4_711_004
"""Of PostgreSQL: only one transaction at a time may change bits, as on SQLite, or one would undo the other's."""


class FacetKind(StrEnum):
    """What a facet is about."""

    STREAM = "stream"
    DAY = "day"
    METHOD = "method"
    PROTECTED = "protected"
    DETECTION = "detection"
    TAG = "tag"
    LABEL = "label"
    END = "end"
    SIZE = "size"
    CHANGE = "change"


class Facet(NamedTuple):
    """One thing that recordings have or have not."""

    kind: FacetKind
    value: str = ""


PROTECTED = Facet(FacetKind.PROTECTED)
DETECTION = Facet(FacetKind.DETECTION)
ORDERED = {RecordingSort.END_TIME: Facet(FacetKind.END), RecordingSort.SIZE_BYTES: Facet(FacetKind.SIZE)}
"""What holds the digits of each order."""

_ORDER_OF = {facet.kind: ORDERS[sort] for sort, facet in ORDERED.items()}
_Row = tuple[Facet, int]
"""A row of the table: its facet and its block."""

_PUT = text(
    "INSERT INTO recording_facets (kind, value, block, bits) VALUES (:kind, :value, :block, :bits)"
    " ON CONFLICT (kind, value, block) DO UPDATE SET bits = excluded.bits"
)
_REMOVE = text("DELETE FROM recording_facets WHERE kind = :kind AND value = :value AND block = :block")


def order_of(kind: FacetKind) -> Order | None:
    """Return the order whose digits the rows of a kind have, None for what has one set."""
    return _ORDER_OF.get(kind)


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


async def having(connection: AsyncConnection, facet: Facet, blocks: Iterable[int]) -> Bits:
    """Return which recordings of some blocks have a facet."""
    table = recording_facets.c
    query = select(table.block, table.bits).where(
        table.kind == facet.kind.value, table.value == facet.value, table.block.in_(list(blocks))
    )
    return {block: int.from_bytes(bits, "little") for block, bits in (await connection.execute(query)).all()}


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
    await _change(connection, _by_row(add), _by_row(remove))


async def place(connection: AsyncConnection, recording_id: int, *, end_us: int, size_bytes: int) -> None:
    """Store where a recording comes in the orders by end and by size. It may have come elsewhere before."""
    await place_all(connection, [(recording_id, end_us, size_bytes)])


async def place_all(connection: AsyncConnection, some: Collection[tuple[int, int, int]]) -> None:
    """Store the same for several recordings: the id, end and size of each."""
    values = {
        FacetKind.END: [(recording_id, end_us) for recording_id, end_us, _ in some],
        FacetKind.SIZE: [(recording_id, size_bytes) for recording_id, _, size_bytes in some],
    }
    blocks = bits_of(recording_id for recording_id, _, _ in some)
    added: dict[_Row, int] = {}
    removed: dict[_Row, int] = {}
    for facet in ORDERED.values():
        order = _ORDER_OF[facet.kind]
        digits = order.bits_of(values[facet.kind])
        added |= {(facet, block): digits[block] for block in blocks}
        removed |= {(facet, block): order.all_digits(only) for block, only in blocks.items()}
    await _change(connection, added, removed)


async def _change(connection: AsyncConnection, added: Mapping[_Row, int], removed: Mapping[_Row, int]) -> None:
    await lock(connection)
    keys = sorted({*added, *removed})
    there = await _rows_there(connection, keys)
    await _store(
        connection,
        {key: (there.get(key, 0), there.get(key, 0) & ~removed.get(key, 0) | added.get(key, 0)) for key in keys},
    )


async def _rows_there(connection: AsyncConnection, keys: Collection[_Row]) -> dict[_Row, int]:
    """Return the rows that there are of these, and perhaps others of the same facets, in one query as a rule."""
    table = recording_facets.c
    values: defaultdict[FacetKind, set[str]] = defaultdict(set)
    for facet, _ in keys:
        values[facet.kind].add(facet.value)
    blocks = sorted({block for _, block in keys})
    there: dict[_Row, int] = {}
    for first in range(0, len(blocks), _BLOCKS_AT_ONCE):
        some = table.block.in_(blocks[first : first + _BLOCKS_AT_ONCE])
        queries = [
            select(table.kind, table.value, table.block, table.bits).where(
                table.kind == kind.value, table.value.in_(sorted(of_kind)), some
            )
            for kind, of_kind in values.items()
        ]
        for kind, value, block, bits in (await connection.execute(union_all(*queries))).all():
            there[Facet(FacetKind(kind), value), block] = int.from_bytes(bits, "little")
    return there


async def forget(connection: AsyncConnection, ids: Iterable[int]) -> None:
    """Store that there are no recordings with these ids any more."""
    gone = bits_of(ids)
    await lock(connection)
    table = recording_facets.c
    for block, bits in sorted(gone.items()):
        query = select(table.kind, table.value, table.bits).where(table.block == block)
        changes: dict[_Row, tuple[int, int]] = {}
        for kind, value, content in (await connection.execute(query.where(table.kind != FacetKind.CHANGE.value))).all():
            facet, was = Facet(FacetKind(kind), value), int.from_bytes(content, "little")
            order = order_of(facet.kind)
            changes[facet, block] = was, was & ~(bits if order is None else order.all_digits(bits))
        await _store(connection, changes)


def rows_for(recordings: Iterable[tuple[int, Iterable[Facet]]]) -> Iterator[tuple[str, str, int, bytes]]:
    """Yield the rows of `recording_facets` for recordings with these ids and facets: kind, value, block, bits."""
    bits: defaultdict[_Row, bytearray] = defaultdict(lambda: bytearray(_BLOCK_BYTES))
    for key, facets in recordings:
        block, bit = key >> BLOCK_BITS, key & BLOCK_IDS - 1
        for facet in facets:
            bits[facet, block][bit >> 3] |= 1 << (bit & 7)
    for (facet, block), content in sorted(bits.items()):
        yield facet.kind.value, facet.value, block, bytes(content)


def rows_of_order(sort: RecordingSort, values: Iterable[tuple[int, int]]) -> Iterator[tuple[str, str, int, bytes]]:
    """Yield the same rows for the order of finished recordings with these ids and ends, or sizes, ascending by id."""
    facet = ORDERED[sort]
    for block, some in groupby(values, lambda each: each[0] >> BLOCK_BITS):
        bits = ORDERS[sort].bits_of(some)[block]
        yield facet.kind.value, facet.value, block, _packed(facet, bits)


def _by_row(facets: Mapping[Facet, Iterable[int]]) -> dict[_Row, int]:
    return {(facet, block): bits for facet, ids in facets.items() for block, bits in bits_of(ids).items()}


async def _store(connection: AsyncConnection, changes: Mapping[_Row, tuple[int, int]]) -> None:
    changed = {key: bits for key, (was, bits) in changes.items() if bits != was}
    put = [{**_key(key), "bits": _packed(key[0], bits)} for key, bits in changed.items() if bits]
    empty = [_key(key) for key, bits in changed.items() if not bits]
    put += [
        {**_key((Facet(FacetKind.CHANGE), block)), "bits": secrets.token_bytes(_MARK_BYTES)}
        for block in sorted({block for _, block in changed})
    ]
    if put:
        await connection.execute(_PUT, put)
    if empty:
        await connection.execute(_REMOVE, empty)


def _packed(facet: Facet, bits: int) -> bytes:
    order = order_of(facet.kind)
    return bits.to_bytes(_BLOCK_BYTES * (1 if order is None else order.digits), "little")


def _key(key: _Row) -> dict[str, str | int]:
    (kind, value), block = key
    return {"kind": kind.value, "value": value, "block": block}
