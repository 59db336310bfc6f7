"""What Home Assistant's sensors show: motion and counts of each stream, as they are now."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lightnvr.events.model import ChangeKind, EventChange
from lightnvr.events.telling.messages import level_name

_TAKEN = frozenset({"motion", "detection_count", "snapshot"})
"""Topics beside which no label of the same name can be counted."""

_MOST_LABELS = 100
"""So many labels of a stream are counted; triggers may name whatever they like."""

OFF_AFTER_S = 30.0
"""Motion is over so long after the last of it."""


@dataclass(slots=True)
class _Sensor:
    """`going` are the events that go on; `labels` the topics of labels that were ever counted."""

    safe: str
    going: set[int] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    off: asyncio.TimerHandle | None = None


class Sensors:
    """Keeps the present value of each topic below `cameras/`. Belongs to the event loop.

    Only the present value counts: what changed twice before it could be told is told once.
    """

    def __init__(self, changed: Callable[[], None], off_after_s: float = OFF_AFTER_S) -> None:
        """`changed` is called when there is something to tell."""
        self._changed = changed
        self.off_after_s = off_after_s
        self._sensors: dict[int, _Sensor] = {}
        self._present: dict[str, str] = {}
        self._untold: dict[str, None] = {}

    def follow(self, streams: Iterable[tuple[int, str]]) -> None:
        """Know exactly these streams, by id and name in topics."""
        known = dict(streams)
        for stream_id in [key for key, sensor in self._sensors.items() if known.get(key) != sensor.safe]:
            sensor = self._sensors.pop(stream_id)
            if sensor.off is not None:
                sensor.off.cancel()
            for topic in self._topics(sensor):
                self._present.pop(topic, None)
                self._untold.pop(topic, None)
        for stream_id, safe in known.items():
            if stream_id not in self._sensors:
                self._sensors[stream_id] = _Sensor(safe)
                self._over(stream_id)

    def take(self, change: EventChange) -> None:
        """Show what became of an event."""
        sensor = self._sensors.get(change.event.stream_id)
        if sensor is None:
            return
        # Also an update that comes after the end, such as that there is a picture now.
        if change.event.end_us is not None:
            sensor.going.discard(change.event.id)
        else:
            sensor.going.add(change.event.id)
            self._set(f"{sensor.safe}/motion", "ON", always=False)
        # An update without anything seen tells of something else, such as that there is a picture now.
        if change.seen or change.kind is ChangeKind.BEGAN:
            counts = Counter(level_name(detection.label) for detection in change.seen)
            # Motion without anything that was told apart is one thing.
            self._set(f"{sensor.safe}/detection_count", str(sum(counts.values()) or 1))
            new = sorted(counts.keys() - _TAKEN - sensor.labels)
            sensor.labels.update(new[: max(0, _MOST_LABELS - len(sensor.labels))])
            for label in sorted(sensor.labels):
                self._set(f"{sensor.safe}/{label}", str(counts[label]), always=label in counts)
        if sensor.off is not None:
            sensor.off.cancel()
            sensor.off = None
        if not sensor.going:
            loop = asyncio.get_running_loop()
            sensor.off = loop.call_later(self.off_after_s, self._over, change.event.stream_id)
        self._changed()

    def present(self) -> dict[str, str]:
        """Return the present value of every topic, which counts as told."""
        self._untold.clear()
        return dict(self._present)

    def untold(self) -> dict[str, str]:
        """Return the values that changed since they were told, which count as told."""
        untold = {topic: self._present[topic] for topic in self._untold}
        self._untold.clear()
        return untold

    def close(self) -> None:
        """End the timers."""
        for sensor in self._sensors.values():
            if sensor.off is not None:
                sensor.off.cancel()

    def _over(self, stream_id: int) -> None:
        sensor = self._sensors[stream_id]
        sensor.off = None
        self._set(f"{sensor.safe}/motion", "OFF", always=False)
        for name in ("detection_count", *sensor.labels):
            self._set(f"{sensor.safe}/{name}", "0", always=False)
        self._changed()

    def _set(self, topic: str, value: str, *, always: bool = True) -> None:
        if always or self._present.get(topic) != value:
            self._present[topic] = value
            self._untold[topic] = None

    @staticmethod
    def _topics(sensor: _Sensor) -> list[str]:
        return [f"{sensor.safe}/{name}" for name in ("motion", "detection_count", *sensor.labels)]
