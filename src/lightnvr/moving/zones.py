"""Zones of the original's streams."""

import json
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.detection.zones import MOST_ZONES, InvalidZone, Point, Zone, add_zone, zones_of
from lightnvr.moving.original import Original, OriginalRow
from lightnvr.moving.report import Report, Thing
from lightnvr.moving.values import flag, number, text


async def take_over_zones(
    connection: AsyncConnection, original: Original, stream_ids: Mapping[str, int], report: Report
) -> None:
    """Store every zone that its stream has not yet; `stream_ids` are by name. Raises DamagedTable."""
    there: dict[int, set[str]] = {}
    for row in original.rows("detection_zones"):
        what = f"zone {text(row['name'])} of {text(row['stream_name'])}"
        stream_id = stream_ids.get(text(row["stream_name"]).strip())
        if stream_id is None:
            report.left(Thing.ZONE, what, "Its stream is not there.")
            continue
        if stream_id not in there:
            there[stream_id] = {zone.key for zone in await zones_of(connection, stream_id)}
        keys = there[stream_id]
        try:
            zone = _zone(row)
            if zone.key in keys:
                report.present(Thing.ZONE)
                continue
            if len(keys) >= MOST_ZONES:
                raise InvalidZone(f"A stream has {MOST_ZONES} zones at most.")
            await add_zone(connection, stream_id, zone)
        except InvalidZone as error:
            report.left(Thing.ZONE, what, str(error))
            continue
        keys.add(zone.key)
        report.taken(Thing.ZONE)


def _zone(row: OriginalRow) -> Zone:
    return Zone(
        key=text(row["id"]),
        name=text(row["name"]),
        enabled=flag(row["enabled"], default=True),
        color=text(row["color"]),
        polygon=_polygon(text(row["polygon"])),
        filter_classes=text(row["filter_classes"]),
        # Nothing, or less, is no limit in the original.
        min_confidence=max(0.0, float(number(row["min_confidence"]) or 0)),
    )


def _polygon(stored: str) -> tuple[Point, ...]:
    try:
        told: object = json.loads(stored)
        if not isinstance(told, list):
            raise TypeError
        # Zones that were drawn over the edge end there.
        return tuple((_within(point["x"]), _within(point["y"])) for point in told)
    except (ValueError, KeyError, TypeError):
        raise InvalidZone("Its corners cannot be read.") from None


def _within(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return min(1.0, max(0.0, float(value)))
