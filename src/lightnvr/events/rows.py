"""Events as rows of the database."""

import json
from collections.abc import Mapping
from typing import Any

from lightnvr.events.edges import Origin
from lightnvr.events.model import Event, Label


def values_of(event: Event) -> dict[str, object]:
    """Return the columns that change while an event goes on."""
    return {
        "end_us": event.end_us,
        "origins": ",".join(event.origins),
        "labels": json.dumps([[label.label, label.count, label.score] for label in event.labels]),
        "zones": json.dumps(event.zones),
        "score": event.score,
        "picture": f"{event.picture_folder}/{event.picture}" if event.picture else "",
        "interrupted": event.interrupted,
    }


def marks_of(event: Event) -> frozenset[tuple[str, str]]:
    """Return what an event can be found by: pairs of kind and value."""
    return frozenset(
        {("label", label.label) for label in event.labels}
        | {("zone", zone) for zone in event.zones}
        | {("origin", origin.value) for origin in event.origins}
    )


def event_of(row: Mapping[str, Any]) -> Event:
    """Return the event of a row of `events`."""
    folder, _, picture = row["picture"].rpartition("/")
    return Event(
        id=row["id"],
        stream_id=row["stream_id"],
        stream_name=row["stream_name"],
        start_us=row["start_us"],
        end_us=row["end_us"],
        origins=tuple(Origin(name) for name in row["origins"].split(",") if name),
        labels=tuple(Label(label, int(count), float(score)) for label, count, score in json.loads(row["labels"])),
        zones=tuple(json.loads(row["zones"])),
        picture=picture,
        recording_id=row["recording_id"],
        interrupted=row["interrupted"],
        picture_folder=folder,
    )
