"""The one filter chain for what detectors find: threshold, labels, zones, tracks, and what has stood still for long."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lightnvr.detection.detector import Found
from lightnvr.detection.tracks import Tracks
from lightnvr.detection.zones import Anchor, Zone
from lightnvr.recording.detection import Box

MOTION = "motion"
"""The label of built-in motion: what moves is never still, although the place where it moves may be the same."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What of one stream counts. `threshold` is the least score, a fraction.

    `labels` are the only ones (`include`) or those that do not count (`exclude`); any other filter, or no labels,
    lets all of them through. Zones that are not enabled do not matter; with none enabled nothing is left out.
    """

    threshold: float = 0.0
    object_filter: Literal["", "none", "include", "exclude"] = ""
    labels: frozenset[str] = frozenset()
    zones: tuple[Zone, ...] = ()

    @classmethod
    def of(
        cls,
        threshold: float,
        object_filter: Literal["", "none", "include", "exclude"],
        object_filter_list: str,
        zones: Sequence[Zone],
    ) -> "Rules":
        """Make them from a stream's settings; labels are separated by commas."""
        return cls(threshold, object_filter, labels_listed(object_filter_list), tuple(zones))

    def wants(self, label: str) -> bool:
        """Whether the object filter lets a label through."""
        if not self.labels or self.object_filter not in {"include", "exclude"}:
            return True
        return (label in self.labels) == (self.object_filter == "include")


@dataclass(frozen=True, slots=True)
class Sifted:
    """What of one sample counts.

    `passed` went through all filters and has its track and its zone. `moving` is what of it justifies an event:
    everything but what has been standing still for long.
    """

    passed: tuple[Found, ...]
    moving: tuple[Found, ...]


class Sieve:
    """Filters the samples of one stream, in the order they were taken. It remembers tracks, and has no clock."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._areas = _areas(rules.zones)
        self._tracks = Tracks()

    def take(self, rules: Rules) -> None:
        """Go by other rules from now on; tracks are kept, so that a parked car does not count as new."""
        self._rules = rules
        self._areas = _areas(rules.zones)

    def sift(self, found: Sequence[Found], at_us: int) -> Sifted:
        """Filter one sample, taken at this moment in microseconds since 1970 UTC."""
        counting = [placed for item in found if (placed := self._placed(item)) is not None]
        tracks = iter(self._tracks.follow([item for item in counting if _can_rest(item)], at_us))
        passed: list[Found] = []
        moving: list[Found] = []
        for item in counting:
            track = next(tracks) if _can_rest(item) else None
            named = item if track is None or item.track_id is not None else replace(item, track_id=track.id)
            passed.append(named)
            if track is None or not track.still:
                moving.append(named)
        return Sifted(tuple(passed), tuple(moving))

    def _placed(self, item: Found) -> Found | None:
        """Return what is found with the zone that it is in; None when it does not count."""
        if item.score < self._rules.threshold or not self._rules.wants(item.label):
            return None
        if not self._areas or not has_box(item):
            return item
        zone = next((area.zone for area in self._areas if area.holds(item)), None)
        return None if zone is None else replace(item, zone=zone.key)


def has_box(item: Found) -> bool:
    """Whether it says where in the picture it is."""
    return item.box.width > 0 and item.box.height > 0


def contains(polygon: Sequence[tuple[float, float]], x: float, y: float) -> bool:
    """Whether a point lies within a polygon, by the even-odd rule: a line from it crosses the border an odd number."""
    inside = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside


def _can_rest(item: Found) -> bool:
    return has_box(item) and item.label != MOTION


@dataclass(frozen=True, slots=True)
class _Area:
    """A zone with its labels taken apart."""

    zone: Zone
    labels: frozenset[str]

    def holds(self, item: Found) -> bool:
        if self.labels and item.label not in self.labels:
            return False
        return item.score >= self.zone.min_confidence and contains(
            self.zone.polygon, *_point(item.box, self.zone.anchor)
        )


def _areas(zones: Sequence[Zone]) -> tuple[_Area, ...]:
    return tuple(_Area(zone, labels_listed(zone.filter_classes)) for zone in zones if zone.enabled)


def _point(box: Box, anchor: Anchor) -> tuple[float, float]:
    down = box.height if anchor is Anchor.FOOT else box.height / 2
    return box.x + box.width / 2, box.y + down


def labels_listed(listed: str) -> frozenset[str]:
    """Return labels that are separated by commas."""
    return frozenset(label for part in listed.split(",") if (label := part.strip()))
