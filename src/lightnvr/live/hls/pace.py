"""How long segments and parts of a stream are going to be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lightnvr.media.packets import MediaPacket

ENOUGH_S = 0.4
"""So much footage must be there before anything can be said, or shown."""

_SHORTEST_PART_S, _LONGEST_PART_S = 0.3, 0.5
_JITTER = 1.08
"""The part target over the usual length of a part: parts may be 15 % shorter than the target, but not longer."""

_UNSEEN_GOP_S = 4.0
"""A GOP that is still not over after so long is taken for a long one."""

_LONG_GOP_S = 10.0
_LONGEST_TARGET_S = 30
_EARLY_S = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """What a playlist promises. All in seconds.

    No segment is longer than `target_s` (when rounded) and no part than `part_s`; `frame_s` is the usual distance of
    two pictures. A segment ends with the first keyframe after `segment_s`.
    """

    segment_s: float
    target_s: int
    part_s: float
    frame_s: float

    @property
    def due_s(self) -> float:
        """The age at which a segment ends with a keyframe; a little less than wanted, for cameras count unevenly."""
        return self.segment_s - _EARLY_S

    @property
    def longest_s(self) -> float:
        """The longest that a segment may be."""
        return self.target_s + 0.49

    def widened(self, other: "Pace") -> "Pace":
        """Return the pace for a stream whose coding changed: what was promised, unless it can no longer be kept."""
        return Pace(self.segment_s, max(self.target_s, other.target_s), max(self.part_s, other.part_s), other.frame_s)


def seconds(packet: MediaPacket) -> float:
    """Return the dts of a packet in seconds."""
    base = packet.track.time_base
    return packet.dts * base.numerator / base.denominator


def find_pace(video: Sequence[MediaPacket], gop_s: float | None, segment_s: float) -> Pace | None:
    """Return the pace for what has come so far, None while too little has.

    `gop_s` is the length of the source's GOPs, None while none was complete.
    """
    times = [seconds(packet) for packet in video]
    gaps = [after - before for before, after in pairwise(times)]
    if not gaps or times[-1] - times[0] < ENOUGH_S:
        return None
    if gop_s is None:
        keyframes = [seconds(packet) for packet in video if packet.is_keyframe]
        if len(keyframes) > 1:
            gop_s = max(after - before for before, after in pairwise(keyframes))
        elif times[-1] - times[0] < _UNSEEN_GOP_S:
            return None
        else:
            gop_s = _LONG_GOP_S
    gop_s = max(gop_s, 0.001)
    expected_s = math.ceil((segment_s - _EARLY_S) / gop_s) * gop_s
    target_s = max(1, min(math.ceil(expected_s - _EARLY_S), _LONGEST_TARGET_S))
    frame_s, longest_gap_s = median(gaps), max(gaps)
    part_s = _part_frames(frame_s, gop_s) * frame_s if longest_gap_s <= _LONGEST_PART_S else longest_gap_s
    return Pace(segment_s, target_s, math.ceil(part_s * _JITTER * 1000) / 1000, frame_s)


def _part_frames(frame_s: float, gop_s: float) -> int:
    """Return how many pictures a part has: as many as fit, but rather a number that GOPs can be divided by."""
    most = max(1, int(_LONGEST_PART_S / frame_s + 0.01))
    gop_frames = round(gop_s / frame_s)
    for count in range(most, 0, -1):
        if count * frame_s < _SHORTEST_PART_S:
            break
        if gop_frames % count == 0:
            return count
    return most
