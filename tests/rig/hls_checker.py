"""Holds a playlist, and how it changes, against RFC 8216bis. Each method fails with what is wrong."""

from itertools import pairwise

from tests.rig.hls_playlist import ListedSegment, MediaPlaylist, merged, read_playlist

_ROUNDING_S = 0.0001
_DATES_S = 0.12
"""Dates follow the time of arrival, so they may differ from the sum of durations by a little."""


class HlsChecker:
    """Follows one playlist from answer to answer; `latest` is the playlist as a client has it now."""

    def __init__(self) -> None:
        self.latest: MediaPlaylist | None = None
        self.segments: dict[int, ListedSegment] = {}
        """Every complete segment that was ever listed, by number."""
        self.seen = 0

    def see(self, text: str) -> MediaPlaylist:
        """Check the next answer, full or delta, and return the full playlist."""
        playlist = read_playlist(text)
        if playlist.skipped:
            assert self.latest is not None, "the first playlist must be whole"
            playlist = merged(self.latest, playlist)
        check_promises(playlist)
        check_segments(playlist)
        if self.latest is not None:
            check_change(self.latest, playlist)
        self.latest = playlist
        self.segments |= {segment.number: segment for segment in playlist.complete}
        self.seen += 1
        return playlist

    @property
    def discontinuities(self) -> int:
        """How many segments began anew."""
        return sum(segment.discontinuity for segment in self.segments.values())


def check_promises(playlist: MediaPlaylist) -> None:
    """The head: versions and hold-backs (sections 4.4.3.7, 4.4.3.8, 7)."""
    assert playlist.target >= 1
    if not playlist.part_target:
        assert not any(segment.parts for segment in playlist.segments)
        return
    assert playlist.version >= 9
    assert playlist.control["CAN-BLOCK-RELOAD"] == "YES"
    assert float(playlist.control["PART-HOLD-BACK"]) >= 3 * playlist.part_target - _ROUNDING_S
    assert float(playlist.control["HOLD-BACK"]) >= 3 * playlist.target
    assert float(playlist.control["CAN-SKIP-UNTIL"]) >= 6 * playlist.target
    number, part = playlist.next_part
    assert f"part_{number}.{part}.m4s" in playlist.hint


def check_segments(playlist: MediaPlaylist) -> None:
    """Durations, parts, dates and init segments (sections 4.4.3.1, 4.4.4.1, 4.4.4.5, 4.4.4.6, 4.4.4.9)."""
    for segment in playlist.segments:
        assert segment.date is not None, segment
        if segment.uri:
            assert 0 < segment.duration < playlist.target + 0.5, segment
        if ".m4s" in segment.uri or segment.parts:
            assert segment.init, f"nothing says how to read segment {segment.number}"
        _check_parts(playlist, segment)
    for one, other in pairwise(playlist.segments):
        assert other.number == one.number + 1
        if not other.discontinuity and one.date is not None and other.date is not None:
            assert abs(other.date - one.date - one.length) < _DATES_S, (one, other)


def _check_parts(playlist: MediaPlaylist, segment: ListedSegment) -> None:
    for index, part in enumerate(segment.parts):
        assert part.duration <= playlist.part_target + _ROUNDING_S, (playlist.part_target, part)
        may_be_last = index == len(segment.parts) - 1 and segment.uri
        assert may_be_last or part.duration >= 0.85 * playlist.part_target, (playlist.part_target, part)
    if segment.uri and segment.parts:
        assert abs(sum(part.duration for part in segment.parts) - segment.duration) < 0.001, segment


def check_change(before: MediaPlaylist, after: MediaPlaylist) -> None:
    """What may change from one answer to the next (section 6.2.1 and 6.2.2)."""
    assert after.target == before.target
    assert after.part_target == before.part_target
    assert after.sequence >= before.sequence
    assert after.sequence <= before.segments[-1].number + 1, "segments that were never listed are gone"
    assert after.next_part >= before.next_part
    gone = [segment for segment in before.segments if segment.number < after.sequence]
    assert after.discontinuity_sequence == before.discontinuity_sequence + sum(s.discontinuity for s in gone)
    if gone:
        assert sum(segment.length for segment in after.complete) >= 3 * after.target - 0.5, "the list is too short"
    now = {segment.number: segment for segment in after.segments}
    for old in before.segments:
        new = now.get(old.number)
        if new is None:
            continue
        assert (new.date, new.discontinuity, new.init) == (old.date, old.discontinuity, old.init), (old, new)
        if old.uri:
            assert (new.uri, new.duration) == (old.uri, old.duration), (old, new)
        if new.parts:
            assert new.parts[: len(old.parts)] == old.parts, (old, new)
