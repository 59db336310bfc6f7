"""How much was recorded when, for drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.service import Covered

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

_TRIGGERED = frozenset({CaptureMethod.MOTION, CaptureMethod.DETECTION})


@dataclass(frozen=True, slots=True)
class DensityBucket:
    """One part of a span: its start in microseconds since 1970 UTC, and seconds of footage in it.

    `triggered_s` is the part of `recorded_s` that motion or a detection was the reason for.
    """

    start_us: int
    recorded_s: float
    triggered_s: float


def density(recordings: Sequence[Covered], start_us: int, end_us: int, buckets: int) -> list[DensityBucket]:
    """Divide a span into equal buckets and say how much of each the recordings cover."""
    edges = start_us + np.arange(buckets + 1, dtype=np.int64) * (end_us - start_us) // buckets
    recorded = _covered(recordings, edges)
    triggered = _covered([each for each in recordings if each.capture_method in _TRIGGERED], edges)
    return [
        DensityBucket(edge, of_all, of_triggered)
        for edge, of_all, of_triggered in zip(edges[:-1].tolist(), recorded, triggered, strict=True)
    ]


def _covered(recordings: Sequence[Covered], edges: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[float]:
    if not recordings:
        return [0.0] * (len(edges) - 1)
    starts = np.array([each.start_us for each in recordings], np.int64)
    ends = np.array([each.end_us for each in recordings], np.int64)
    # Seconds of footage before an edge, for all edges at once; a bucket has what its edges differ by.
    order = np.sort(starts)
    before = np.searchsorted(order, edges)
    started = before * edges - np.concatenate(([0], np.cumsum(order)))[before]
    order = np.sort(ends)
    before = np.searchsorted(order, edges)
    ended = before * edges - np.concatenate(([0], np.cumsum(order)))[before]
    # Two recordings of the same time, as after an import, do not make it longer.
    covered: list[float] = (np.minimum(np.diff(started - ended), np.diff(edges)) / 1e6).round(3).tolist()
    return covered
