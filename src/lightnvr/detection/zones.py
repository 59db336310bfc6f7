"""Zones: parts of a stream's picture in which detections count."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import detection_zones

MOST_ZONES = 16
_LEAST_POINTS = 3
_MOST_POINTS = 32
_MOST_BYTES = 255

Point: TypeAlias = tuple[float, float]


class InvalidZone(ValueError):
    """This cannot be a zone; the text is a sentence saying why."""


class Anchor(StrEnum):
    """Which point of a detection's box has to lie within a zone."""

    CENTRE = "centre"
    FOOT = "foot"
    """The middle of its lower edge: where somebody stands."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone. `key` names it among those of its stream, `color` is how it is drawn, such as `#3b82f6`.

    `polygon` has 3 to 32 corners, x and y in fractions of the picture from its upper left corner. Only detections of
    the labels `filter_classes` (separated by commas, empty is all) with at least `min_confidence`, a fraction, count.
    """

    key: str
    name: str
    enabled: bool
    color: str
    polygon: tuple[Point, ...]
    filter_classes: str
    min_confidence: float
    anchor: Anchor = Anchor.CENTRE

    def check(self) -> None:
        """Raise InvalidZone when this cannot be one."""
        if not self.key or not all(_is_short(text) for text in (self.key, self.name, self.color, self.filter_classes)):
            raise InvalidZone(f"It has no id, or a text of it has more than {_MOST_BYTES} bytes or control characters.")
        if not _LEAST_POINTS <= len(self.polygon) <= _MOST_POINTS:
            raise InvalidZone(f"It must have {_LEAST_POINTS} to {_MOST_POINTS} corners.")
        if not all(0 <= value <= 1 for point in self.polygon for value in point):
            raise InvalidZone("A corner of it lies outside of the picture.")
        if not 0 <= self.min_confidence <= 1:
            raise InvalidZone("Its least confidence is no fraction from 0 to 1.")


class ZoneStore:
    """The zones of all streams, and whoever follows their changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: list[Callable[[int], None]] = []

    def on_changed(self, changed: Callable[[int], None]) -> None:
        """Have this called on the event loop with the id of a stream whose zones were changed. It must not block."""
        self._followers.append(changed)

    async def of(self, stream_id: int) -> tuple[Zone, ...]:
        """Return the zones of a stream, in the order they were made."""
        async with self._database.reading.connect() as connection:
            return await zones_of(connection, stream_id)

    async def replace(self, stream_id: int, zones: Sequence[Zone]) -> None:
        """Give a stream these zones and no others, all or none of them. Raises InvalidZone."""
        check_zones(zones)
        async with self._database.writing.begin() as connection:
            await connection.execute(delete(detection_zones).where(detection_zones.c.stream_id == stream_id))
            for zone in zones:
                await add_zone(connection, stream_id, zone)
        for changed in tuple(self._followers):
            changed(stream_id)


def check_zones(zones: Sequence[Zone]) -> None:
    """Raise InvalidZone, naming the zone, when these cannot be the zones of one stream."""
    if len(zones) > MOST_ZONES:
        raise InvalidZone(f"Too many zones: a stream has {MOST_ZONES} at most.")
    keys: set[str] = set()
    for number, zone in enumerate(zones):
        try:
            zone.check()
        except InvalidZone as error:
            raise InvalidZone(f"zones[{number}]: {error}") from None
        if zone.key in keys:
            raise InvalidZone(f"zones[{number}]: There is another zone with this id.")
        keys.add(zone.key)


async def zones_of(connection: AsyncConnection, stream_id: int) -> tuple[Zone, ...]:
    """Return the zones of a stream, in the order they were made."""
    table = detection_zones.c
    query = select(detection_zones).where(table.stream_id == stream_id).order_by(table.id)
    rows = (await connection.execute(query)).mappings()
    return tuple(
        Zone(
            row["key"],
            row["name"],
            row["enabled"],
            row["color"],
            tuple((float(x), float(y)) for x, y in json.loads(row["polygon"])),
            row["filter_classes"],
            row["min_confidence"],
            Anchor(row["anchor"]),
        )
        for row in rows
    )


async def add_zone(connection: AsyncConnection, stream_id: int, zone: Zone) -> None:
    """Store one more zone of a stream. Raises InvalidZone."""
    zone.check()
    values = {
        "stream_id": stream_id,
        "key": zone.key,
        "name": zone.name,
        "enabled": zone.enabled,
        "color": zone.color,
        "polygon": json.dumps(zone.polygon, separators=(",", ":")),
        "filter_classes": zone.filter_classes,
        "min_confidence": zone.min_confidence,
        "anchor": zone.anchor.value,
    }
    await connection.execute(insert(detection_zones).values(values))


def _is_short(text: str) -> bool:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return size <= _MOST_BYTES and all(character >= " " and character != "\x7f" for character in text)
