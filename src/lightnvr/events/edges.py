"""Edges: somebody says that something begins or ends in front of a camera. All triggers raise them, in one form."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from lightnvr.media.packets import MediaPacket
from lightnvr.recording.detection import Detection


class Origin(StrEnum):
    """What raises edges."""

    API = "api"
    TEST = "test"
    MOTION = "motion"
    MODEL = "model"
    EXTERNAL = "external"
    ONVIF = "onvif"
    LINK = "link"


class Reason(NamedTuple):
    """Why something is going on. A stream is active while it has any reason; one that is started twice counts once.

    `key` tells the reasons of one origin apart: for a link it is the name of the other stream, mostly it is empty.
    """

    origin: Origin
    key: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A reason begins (`is_start`), goes on (again a start), or ends.

    `at_us` is when that was seen, in microseconds since 1970 UTC on the clock of recordings. A start with `until_us`
    ends by itself then, unless it is started again before; one without lasts until it is stopped, or until the safety
    limit. `seen` is what was seen and has passed all filters; `keyframe` the picture in which it was, if there was one.
    """

    stream_id: int
    stream_name: str
    reason: Reason
    is_start: bool
    at_us: int
    until_us: int | None = None
    seen: tuple[Detection, ...] = ()
    keyframe: MediaPacket | None = None


class Edges(Protocol):
    """Takes edges: the one bus that all triggers raise theirs on."""

    def raise_edge(self, edge: Edge) -> None:
        """Take an edge at once and in order. Belongs to the event loop; never blocks and loses none."""
        ...


class Witness(Protocol):
    """Is told what becomes of each stream once its state machine has decided. On the event loop; must not block."""

    def began(self, edge: Edge) -> None:
        """The stream had no reason and has one now."""
        ...

    def went_on(self, edge: Edge) -> None:
        """The stream has reasons, and got another one or the same again."""
        ...

    def ended(self, stream_id: int, at_us: int) -> None:
        """The last reason of the stream is over, at this moment in microseconds since 1970 UTC."""
        ...
