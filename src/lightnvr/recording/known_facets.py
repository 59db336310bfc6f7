"""Remembers the facets that lists were filtered by, so that the next list reads only what has changed since.

Reading them takes most of the time of a filtered list. What is remembered is what one transaction saw, with the mark
that each block of ids had then (see `facets`): another transaction that sees the same marks would read the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Row, Select, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_facets
from lightnvr.recording import bits
from lightnvr.recording.bits import Bits
from lightnvr.recording.facets import ORDERED, FacetKind, order_of
from lightnvr.recording.model import RecordingSort
from lightnvr.recording.orders import ORDERS

_MOST_BLOCKS = 16_384
"""Of 600 bytes each, so 10 MB. A million recordings are 245 blocks for each tag that is used all the time."""

_FEW_BLOCKS = 8
"""So many blocks that changed are read alone; of more, all is read again."""

_EVERY_LABEL = text(
    "WITH RECURSIVE labels (label) AS (SELECT min(value) FROM recording_facets WHERE kind = 'label' UNION ALL"
    " SELECT (SELECT min(value) FROM recording_facets WHERE kind = 'label' AND value > labels.label) FROM labels"
    " WHERE labels.label IS NOT NULL) SELECT label FROM labels WHERE label IS NOT NULL"
)
"""Goes from label to label: each has a row for every block."""

_Marks = Mapping[int, bytes]
_Columns = tuple[str, str, int, bytes]
_Query = Select[_Columns]


class Unit(NamedTuple):
    """What is read and remembered together: one facet, or all facets of a kind when `value` is None."""

    kind: FacetKind
    value: str | None = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """The sets of a unit by value, as they were under these marks; of how many blocks they are."""

    marks: _Marks
    sets: Mapping[str, Bits]
    blocks: int


class KnownFacets:
    """What was read so far, the latest used last, within bounds. Belongs to the event loop."""

    def __init__(self, most_blocks: int = _MOST_BLOCKS) -> None:
        """`most_blocks` is how many sets of up to 4096 recordings are remembered at most."""
        self._most_blocks = most_blocks
        self._units: dict[Unit, _Known] = {}
        self._labels: tuple[_Marks, tuple[str, ...]] | None = None

    async def now(self, connection: AsyncConnection) -> "FacetsNow":
        """Return the facets as the transaction of a connection sees them. They belong to whoever asked."""
        table = recording_facets.c
        query = select(table.block, table.bits).where(table.kind == FacetKind.CHANGE.value)
        marks = {row.block: row.bits for row in (await connection.execute(query)).all()}
        return FacetsNow(self, connection, marks)

    def find(self, unit: Unit) -> _Known | None:
        """Return what is remembered of a unit."""
        return self._units.get(unit)

    def keep(self, unit: Unit, known: _Known) -> None:
        """Remember a unit, and forget what was not used for the longest time when it becomes too much."""
        self._units.pop(unit, None)
        self._units[unit] = known
        surplus = sum(each.blocks for each in self._units.values()) - self._most_blocks
        while surplus > 0:
            oldest = next(iter(self._units))
            surplus -= self._units.pop(oldest).blocks

    async def labels(self, connection: AsyncConnection, marks: _Marks) -> tuple[str, ...]:
        """Return the labels that recordings have, in the eyes of a transaction that sees these marks."""
        if self._labels is None or self._labels[0] != marks:
            self._labels = marks, tuple((await connection.execute(_EVERY_LABEL)).scalars())
        return self._labels[1]


class FacetsNow:
    """The facets as one transaction sees them. What is asked for must have been loaded before."""

    def __init__(self, known: KnownFacets, connection: AsyncConnection, marks: _Marks) -> None:
        self._known = known
        self._connection = connection
        self._marks = marks
        self._sets: dict[FacetKind, dict[str, Bits]] = defaultdict(dict)

    async def labels(self) -> tuple[str, ...]:
        """Return the labels that recordings have."""
        return await self._known.labels(self._connection, self._marks)

    async def load(self, units: Iterable[Unit]) -> None:
        """Read what is not remembered of these, all in one query."""
        partial: dict[Unit, Mapping[str, Bits]] = {}
        asked: defaultdict[tuple[FacetKind, frozenset[int] | None], list[str | None]] = defaultdict(list)
        for unit in units:
            known = self._known.find(unit)
            changed = None if known is None else self._changed_since(known.marks)
            if known is None or changed is None:
                partial[unit] = {}
                asked[unit.kind, None].append(unit.value)
            elif changed:
                partial[unit] = _without(known.sets, changed)
                asked[unit.kind, changed].append(unit.value)
            else:
                self._take(unit, known)
        read: defaultdict[Unit, dict[str, dict[int, int]]] = defaultdict(dict)
        for row in await self._read([_query(kind, values, blocks) for (kind, blocks), values in asked.items()]):
            kind = FacetKind(row.kind)
            unit = Unit(kind, row.value) if Unit(kind, row.value) in partial else Unit(kind, None)
            for name, some in _sets_of(kind, row.value, int.from_bytes(row.bits, "little")):
                read[unit].setdefault(name, {})[row.block] = some
        for unit, sets in partial.items():
            new = read[unit]
            whole = {name: {**sets.get(name, {}), **new.get(name, {})} for name in {*sets, *new}}
            # One more, so that what nobody has is not remembered without end either.
            self._take(unit, _Known(self._marks, whole, 1 + sum(map(len, whole.values()))))

    def _take(self, unit: Unit, known: _Known) -> None:
        self._known.keep(unit, known)
        self._sets[unit.kind].update(known.sets)

    def each(self, kind: FacetKind) -> Mapping[str, Bits]:
        """Return the recordings of each facet of a kind, by its value."""
        return self._sets[kind]

    def having(self, kind: FacetKind, values: Collection[str] = ("",)) -> Bits:
        """Return the recordings that have any of some facets."""
        found = [self._sets[kind][value] for value in values if value in self._sets[kind]]
        return found[0] if len(found) == 1 else bits.either(found)

    def digits(self, sort: RecordingSort) -> list[Bits]:
        """Return the sets of an order, the first digit first."""
        kind = ORDERED[sort].kind
        return [self._sets[kind].get(str(digit), {}) for digit in range(ORDERS[sort].digits)]

    def _changed_since(self, marks: _Marks) -> frozenset[int] | None:
        """Return the blocks that have other marks now, None when they are so many that all is read again."""
        if marks == self._marks:
            return frozenset()
        blocks = marks.keys() | self._marks.keys()
        changed = frozenset(block for block in blocks if marks.get(block) != self._marks.get(block))
        return changed if len(changed) <= _FEW_BLOCKS else None

    async def _read(self, queries: Sequence[_Query]) -> Sequence[Row[_Columns]]:
        if not queries:
            return ()
        query = queries[0] if len(queries) == 1 else union_all(*queries)
        return (await self._connection.execute(query)).all()


def _query(kind: FacetKind, values: Sequence[str | None], blocks: Collection[int] | None) -> _Query:
    table = recording_facets.c
    query = select(table.kind, table.value, table.block, table.bits).where(table.kind == kind.value)
    if None not in values:
        query = query.where(table.value.in_(values))
    return query if blocks is None else query.where(table.block.in_(list(blocks)))


def _without(sets: Mapping[str, Bits], blocks: Collection[int]) -> Mapping[str, Bits]:
    if not blocks:
        return sets
    return {name: {block: some for block, some in of.items() if block not in blocks} for name, of in sets.items()}


def _sets_of(kind: FacetKind, value: str, content: int) -> Iterator[tuple[str, int]]:
    """Yield what a row says: the set of its facet by its value, or those of the digits of an order by their numbers."""
    order = order_of(kind)
    if order is None:
        yield value, content
        return
    for digit, some in enumerate(order.split(content)):
        if some:
            yield str(digit), some
