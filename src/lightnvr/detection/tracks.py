"""Tracks: which of the things in one sample is which of the sample before, and which have been still for long."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightnvr.detection.detector import Found
from lightnvr.recording.detection import Box

STILL_SAMPLES = 3
STILL_US = 30_000_000
"""Something that was in the same place in this many samples, over this long, has come to rest."""

_SAME = 0.3
"""Least overlap (intersection over union) of one thing in two samples."""

_MOVED = 0.15
"""Something has moved when its centre did, by this part of its own size. Boxes of what stands still tremble less."""

_MISSED = 3
"""Something that moves is forgotten when it was not seen in this many samples."""

_MISSED_STILL_US = 600_000_000
"""Something still is remembered for so long unseen: a parked car that is overlooked at times is not a new one."""

_MOST_TRACKS = 256
"""Tracks of one stream, so that a detector that finds anything cannot fill the memory."""


@dataclass(slots=True)
class Track:
    """One thing over several samples. `rest` is where it came to rest, or last began to."""

    id: int
    label: str
    box: Box
    rest: Box
    resting_since_us: int
    seen_us: int
    resting_samples: int = 1
    missed: int = 0
    foreign_id: int | None = None

    @property
    def still(self) -> bool:
        """Whether it has been in one place for long."""
        return self.resting_samples >= STILL_SAMPLES and self.seen_us - self.resting_since_us >= STILL_US

    def seen(self, box: Box, at_us: int) -> None:
        """Take where it is now."""
        self.box, self.seen_us, self.missed = box, at_us, 0
        if _has_moved(self.rest, box):
            self.rest, self.resting_since_us, self.resting_samples = box, at_us, 1
        else:
            self.resting_samples += 1


class Tracks:
    """The tracks of one stream. Ids count up from 1."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._last_id = 0
        self._last_us = 0

    def follow(self, found: Sequence[Found], at_us: int) -> Sequence[Track]:
        """Return the track of each thing in a sample, in the same order: known ones go on, others begin."""
        if at_us < self._last_us:
            # The clock was set back by days: how long anything stood still is not known any more.
            self._tracks = []
        self._last_us = at_us
        matched = self._matches(found)
        tracks = [matched.get(index) or self._begin(item, at_us) for index, item in enumerate(found)]
        for index, track in matched.items():
            track.seen(found[index].box, at_us)
        here = {track.id for track in tracks}
        for track in self._tracks:
            track.missed += track.id not in here
        self._tracks = [track for track in self._tracks if _is_remembered(track, at_us)]
        if len(self._tracks) > _MOST_TRACKS:
            self._tracks = sorted(self._tracks, key=lambda track: track.seen_us)[-_MOST_TRACKS:]
        return tracks

    def _matches(self, found: Sequence[Found]) -> dict[int, Track]:
        """Pair things with tracks: by the detector's own id when it has one, else by the greatest overlap first."""
        matched: dict[int, Track] = {}
        pairs: list[tuple[float, int, Track]] = []
        for index, item in enumerate(found):
            for track in self._tracks:
                if track.label != item.label or track.foreign_id != item.track_id:
                    continue
                overlap = 1.0 if item.track_id is not None else iou(item.box, track.box)
                if overlap >= _SAME:
                    pairs.append((overlap, index, track))
        taken: set[int] = set()
        for _, index, track in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2].id)):
            if index not in matched and track.id not in taken:
                matched[index] = track
                taken.add(track.id)
        return matched

    def _begin(self, item: Found, at_us: int) -> Track:
        self._last_id += 1
        track = Track(self._last_id, item.label, item.box, item.box, at_us, at_us, foreign_id=item.track_id)
        self._tracks.append(track)
        return track


def iou(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    union = one.width * one.height + other.width * other.height - shared
    return min(1.0, shared / union) if union > 0 else 0.0


def _has_moved(rest: Box, box: Box) -> bool:
    across = abs(box.x + box.width / 2 - rest.x - rest.width / 2)
    down = abs(box.y + box.height / 2 - rest.y - rest.height / 2)
    return across > _MOVED * max(rest.width, box.width) or down > _MOVED * max(rest.height, box.height)


def _is_remembered(track: Track, at_us: int) -> bool:
    return track.missed < _MISSED or (track.still and at_us - track.seen_us < _MISSED_STILL_US)
