"""Numbers about events, for Prometheus."""

from collections.abc import Iterator
from typing import Literal

from lightnvr.api.exposition import Family
from lightnvr.events.service import EventServices


def of_events(events: EventServices) -> Iterator[Family]:
    """Yield what there is to tell of events. Says nothing of any stream."""
    counts, pictures = events.log.counts, events.pictures
    told: tuple[tuple[str, Literal["counter", "gauge"], str, int], ...] = (
        ("lightnvr_event_changes_total", "counter", "Changes of events that were stored and told.", counts.changes),
        ("lightnvr_event_changes_waiting", "gauge", "Changes of events that are not stored yet.", events.log.waiting),
        (
            "lightnvr_event_changes_lost_total",
            "counter",
            "Changes given up because the database took none for too long.",
            counts.lost_changes,
        ),
        ("lightnvr_event_detections_lost_total", "counter", "Detections given up likewise.", counts.lost_detections),
        ("lightnvr_event_store_failures_total", "counter", "How often the database took no events.", counts.failures),
        ("lightnvr_event_pictures_total", "counter", "Pictures of events that were made.", pictures.made),
        ("lightnvr_event_pictures_missing_total", "counter", "Those that could not be made.", pictures.missing),
    )
    for name, kind, text, value in told:
        family = Family(name, kind, text)
        family.add(value)
        yield family
