"""What was detected in a stream's pictures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """Where in the picture, in fractions of its width and height from the upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that was seen in a picture, or over a time.

    Times are microseconds since 1970 UTC; in a single picture both are the same. `score` is a fraction. `source` is
    empty for a detector of ours, else where it came from.
    """

    stream_name: str
    start_us: int
    end_us: int
    label: str
    score: float
    box: Box
    stream_id: int | None = None
    track_id: int | None = None
    zone: str = ""
    source: str = ""
