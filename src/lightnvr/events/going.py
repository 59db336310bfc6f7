"""Events that go on, as they are put together from edges."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lightnvr.events.edges import Edge, Origin
from lightnvr.events.model import ChangeKind, Event, Label
from lightnvr.media.packets import MediaPacket
from lightnvr.recording.detection import Detection

_MOST_LABELS = 64
_MOST_SEEN = 200
"""So many detections wait with one change; more of the same moment say nothing new."""


@dataclass(slots=True, eq=False)
class Going:
    """An event while it goes on. `id` is 0 until it was stored. Times are microseconds since 1970 UTC."""

    stream_id: int
    stream_name: str
    start_us: int
    heard_us: int
    id: int = 0
    end_us: int | None = None
    origins: list[Origin] = field(default_factory=list)
    labels: dict[str, Label] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    picture: str = ""
    picture_folder: str = ""
    picture_score: float = -1.0
    recording_id: int | None = None
    interrupted: bool = False
    marked: frozenset[tuple[str, str]] = frozenset()
    """The marks of it that were stored."""

    @classmethod
    def begun_by(cls, edge: Edge) -> "Going":
        """Return the event that begins with an edge."""
        going = cls(edge.stream_id, edge.stream_name, edge.at_us, edge.at_us)
        going.take(edge)
        return going

    def take(self, edge: Edge) -> bool:
        """Add what an edge says. Returns whether that changes anything but when it was heard of."""
        self.heard_us = max(self.heard_us, edge.at_us)
        is_other = edge.reason.origin not in self.origins
        if is_other:
            self.origins.append(edge.reason.origin)
        for detection in edge.seen:
            had = self.labels.get(detection.label)
            if had is None and len(self.labels) >= _MOST_LABELS:
                continue
            count, score = (0, 0.0) if had is None else (had.count, had.score)
            self.labels[detection.label] = Label(detection.label, count + 1, max(score, detection.score))
            if detection.zone and detection.zone not in self.zones:
                self.zones.append(detection.zone)
        return is_other or bool(edge.seen)

    def end(self, at_us: int, *, interrupted: bool = False) -> None:
        """Note when it was over; never before it began."""
        self.end_us = self.heard_us = max(at_us, self.start_us)
        self.interrupted = interrupted

    def event(self) -> Event:
        """Return it as it is now."""
        return Event(
            id=self.id,
            stream_id=self.stream_id,
            stream_name=self.stream_name,
            start_us=self.start_us,
            end_us=self.end_us,
            origins=tuple(self.origins),
            labels=tuple(self.labels.values()),
            zones=tuple(self.zones),
            picture=self.picture,
            recording_id=self.recording_id,
            interrupted=self.interrupted,
            picture_folder=self.picture_folder,
        )


@dataclass(slots=True)
class Pending:
    """A change that is not stored yet; `event` is as it was then."""

    kind: ChangeKind
    going: Going
    event: Event
    at_us: int
    seen: list[Detection] = field(default_factory=list)
    keyframe: MediaPacket | None = None
    best: float = -1.0

    def add(self, seen: Iterable[Detection], keyframe: MediaPacket | None) -> None:
        """Add what was seen in one picture; of several pictures the one with the best detection is kept."""
        some = list(seen)
        self.seen += some[: max(0, _MOST_SEEN - len(self.seen))]
        score = max((detection.score for detection in some), default=0.0)
        if keyframe is not None and (self.keyframe is None or score > self.best):
            self.keyframe, self.best = keyframe, score


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a change gave it: its number, the event's id, and the recording that shows its beginning."""

    number: int
    event_id: int
    recording_id: int | None
