"""What a detector is: pictures in, detections out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lightnvr.media.packets import MediaPacket
from lightnvr.recording.detection import Box

if TYPE_CHECKING:
    # Loaded by what looks, not by what only knows of it: it takes memory.
    from lightnvr.detection.pixels import Pixels


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture of a stream: `pixels` is height x width x 3 (RGB) or height x width (luma only).

    `at_us` is when it was taken, microseconds since 1970 UTC on the clock of recordings. `keyframe` is what it was
    decoded from, when that was a keyframe.
    """

    stream_id: int
    stream_name: str
    at_us: int
    pixels: "Pixels"
    keyframe: MediaPacket | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Something in a picture. `score` is a fraction.

    `track_id` and `zone` are given only by detectors that follow things, or know zones, themselves.
    """

    label: str
    score: float
    box: Box
    track_id: int | None = None
    zone: str = ""


class DetectionFailed(Exception):
    """A detector could not look at a picture; the text is a sentence for a person, without secrets."""


class Detector(Protocol):
    """Looks at pictures. Called by one thread at a time; each call may be about several streams.

    One that compares pictures with earlier ones of the same stream (motion) keeps its own memory by stream id.
    """

    @property
    def wants_colour(self) -> bool:
        """Whether it needs RGB; else luma is enough, which is cheaper."""
        ...

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Width and height in pixels of the pictures it wants; None takes any."""
        ...

    def look(self, pictures: Sequence[Picture]) -> Sequence[Sequence[Found]]:
        """Return what is in each picture, in the same order. Raises DetectionFailed."""
        ...

    def forget(self, stream_id: int) -> None:
        """Drop what is remembered of a stream."""
        ...

    def interrupt(self) -> None:
        """Have what is looked at now fail soon: nobody waits for it any more. Called by any thread."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
