"""Events: what happened in front of a camera, from its first reason to the end of its last."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import quote

from lightnvr.events.edges import Origin
from lightnvr.media.packets import MediaPacket
from lightnvr.recording.detection import Detection


@dataclass(frozen=True, slots=True)
class Label:
    """One label of an event: how often it was seen, and the best score, a fraction."""

    label: str
    count: int
    score: float


@dataclass(frozen=True, slots=True)
class Event:
    """Times are microseconds since 1970 UTC; `end_us` is None while it goes on.

    `origins` are those of all its reasons, the first one first. `labels` are in the order in which they were first
    seen. `zones` are the keys of the zones in which anything was seen. `picture` is the name of its JPEG under
    `snapshots/` of its stream, empty while there is none; `picture_folder` is the folder there. `recording_id` is the
    recording that shows its beginning, None when there is none (yet). `interrupted` says that the server stopped while
    it went on: then its end is when it was last heard of.
    """

    id: int
    stream_id: int
    stream_name: str
    start_us: int
    end_us: int | None
    origins: tuple[Origin, ...]
    labels: tuple[Label, ...] = ()
    zones: tuple[str, ...] = ()
    picture: str = ""
    recording_id: int | None = None
    interrupted: bool = False
    picture_folder: str = ""

    @property
    def score(self) -> float:
        """The best score of all its labels, 0 without any."""
        return max((label.score for label in self.labels), default=0.0)

    @property
    def picture_address(self) -> str | None:
        """Where its picture is had from the API, None while there is none."""
        if not self.picture:
            return None
        return f"/api/snapshots/{quote(self.picture_folder)}/{quote(self.picture)}"


class EventNotFound(LookupError):
    """There is no event with this id, or not any more."""


class ChangeKind(StrEnum):
    """What became of an event."""

    BEGAN = "began"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class EventChange:
    """An event as it is now, after a change, which has been stored.

    `number` grows with each change of any event and is stored too, so that whoever was away can ask for what came
    since. `seen` is what was seen now, which may be several things in one picture; `keyframe` that picture, if any.
    """

    number: int
    kind: ChangeKind
    event: Event
    at_us: int
    seen: tuple[Detection, ...] = ()
    keyframe: MediaPacket | None = None


class EventChanges(Protocol):
    """Tells of changes as they happen."""

    def follow(self, changed: Callable[[EventChange], None]) -> None:
        """Have `changed` called on the event loop for each change, in order. It must not block."""
        ...

    def unfollow(self, changed: Callable[[EventChange], None]) -> None:
        """Take that back."""
        ...
