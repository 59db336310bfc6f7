"""The time line of one viewer of live fMP4."""

from collections.abc import Sequence
from fractions import Fraction

from lightnvr.live.mp4_pieces import LiveFragment

_RECENT_S = 3
"""Sound that has been silent for longer says nothing of where it would go on."""


class ViewerTimeline:
    """Lets a viewer's time begin at zero and go on without a hole, whatever the viewer or the camera missed.

    Old players stop at a hole, and those that begin at zero never start when the first picture is elsewhere.
    """

    def __init__(self) -> None:
        self._last: LiveFragment | None = None
        self._tracks = 0
        self._offsets: list[int] = []
        self._joints: dict[int, int] = {}

    @property
    def seconds(self) -> float:
        """How much video was placed."""
        if self._last is None:
            return 0.0
        return (self._last.ends[0] + self._offsets[0]) / self._last.presentation.scales[0]

    def place(self, fragment: LiveFragment, tracks: int) -> bytes:
        """Return the bytes of the next fragment for this viewer, with the first so many tracks."""
        last = self._last
        if (
            last is None
            or fragment.number != last.number + 1
            or fragment.presentation is not last.presentation
            or tracks != self._tracks
        ):
            self._join(fragment, tracks)
        self._last, self._tracks = fragment, tracks
        form = fragment.of(tracks)
        decode_times = [max(0, run.decode_time + self._offsets[index]) for index, run in enumerate(form.runs)]
        if not self._joints:
            return form.content(decode_times)
        stretches = [0] * len(decode_times)
        for index, planned in enumerate(decode_times):
            ended = self._joints.pop(index, None)
            if ended is not None and 0 < planned - ended <= _RECENT_S * fragment.presentation.scales[index]:
                decode_times[index], stretches[index] = ended, planned - ended
        return form.content(decode_times, stretches)

    def _join(self, fragment: LiveFragment, tracks: int) -> None:
        scales = fragment.presentation.scales
        starts = _positions(fragment.starts[:tracks], scales)
        last = self._last
        if last is None:
            shift = -min(_recent(starts))
        else:
            moved = [end + offset for end, offset in zip(last.ends, self._offsets, strict=False)]
            ends = _positions(moved, last.presentation.scales)
            both = min(len(_recent(starts)), len(_recent(ends)))
            shift = max(end - start for end, start in zip(ends[:both], starts[:both], strict=True))
            self._joints = {index: _ceil(end * scales[index]) for index, end in enumerate(ends[: len(starts)])}
        self._offsets = [_ceil(shift * scale) for scale in scales[:tracks]]


def _positions(ticks: Sequence[int], scales: tuple[int, ...]) -> list[Fraction]:
    return [Fraction(at, scale) for at, scale in zip(ticks, scales, strict=False)]


def _recent(positions: list[Fraction]) -> list[Fraction]:
    """Return the positions, the video's first, without that of sound which has been silent for long."""
    return [at for at in positions if at >= positions[0] - _RECENT_S]


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
