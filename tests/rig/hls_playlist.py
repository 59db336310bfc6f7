"""Reads media playlists of HLS (RFC 8216bis), strictly: what is not known is an error."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class ListedPart:
    """EXT-X-PART: seconds, address, whether it begins with a keyframe."""

    duration: float
    uri: str
    independent: bool


@dataclass(slots=True)
class ListedSegment:
    """A segment; without `uri` it is the one that grows. `date` is in seconds since 1970."""

    number: int
    uri: str = ""
    duration: float = 0.0
    date: float | None = None
    discontinuity: bool = False
    init: str = ""
    parts: list[ListedPart] = field(default_factory=list)

    @property
    def length(self) -> float:
        """Seconds so far."""
        return self.duration if self.uri else sum(part.duration for part in self.parts)


@dataclass(slots=True)
class MediaPlaylist:
    """What a media playlist says."""

    version: int = 1
    target: int = 0
    part_target: float = 0.0
    control: Attributes = field(default_factory=dict)
    sequence: int = 0
    discontinuity_sequence: int = 0
    skipped: int = 0
    segments: list[ListedSegment] = field(default_factory=list)
    hint: str = ""
    reports: list[Attributes] = field(default_factory=list)

    @property
    def complete(self) -> list[ListedSegment]:
        """The segments that do not grow any more."""
        return [segment for segment in self.segments if segment.uri]

    @property
    def next_part(self) -> tuple[int, int]:
        """The numbers of segment and part that come next."""
        last = self.segments[-1]
        return (last.number + 1, 0) if last.uri else (last.number, len(last.parts))


_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]+)(?:,|$)')


def attributes(text: str) -> Attributes:
    """Read an attribute list (section 4.2)."""
    found = {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}
    assert sum(len(match.group()) for match in _ATTRIBUTE.finditer(text)) == len(text), text
    return found


def read_playlist(text: str) -> MediaPlaylist:
    """Read a media playlist."""
    assert text.startswith("#EXTM3U\n"), text
    assert text.endswith("\n"), text
    reader = _Reader()
    for line in text.splitlines()[1:]:
        reader.read(line)
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self.playlist = MediaPlaylist()
        self._init = ""
        self._next = ListedSegment(0)
        self._tags: dict[str, Callable[[str], None]] = {
            "#EXT-X-VERSION": self._version,
            "#EXT-X-TARGETDURATION": self._target,
            "#EXT-X-PART-INF": self._part_target,
            "#EXT-X-SERVER-CONTROL": self._control,
            "#EXT-X-MEDIA-SEQUENCE": self._sequence,
            "#EXT-X-DISCONTINUITY-SEQUENCE": self._discontinuity_sequence,
            "#EXT-X-SKIP": self._skip,
            "#EXT-X-DISCONTINUITY": self._discontinuity,
            "#EXT-X-PROGRAM-DATE-TIME": self._date,
            "#EXT-X-MAP": self._map,
            "#EXT-X-PART": self._part,
            "#EXTINF": self._duration,
            "#EXT-X-PRELOAD-HINT": self._hint,
            "#EXT-X-RENDITION-REPORT": self._report,
        }

    def read(self, line: str) -> None:
        if line.startswith("#"):
            name, _, value = line.partition(":")
            assert name in self._tags, f"an unknown line: {line}"
            self._tags[name](value)
        else:
            assert line, "an empty line"
            self._next.uri = line
            self._end_segment()

    def finish(self) -> MediaPlaylist:
        assert self._next.parts or self._next.date is None, "what is said of a segment needs one"
        if self._next.parts:
            self._end_segment()
        return self.playlist

    def _end_segment(self) -> None:
        self._next.number = self.playlist.sequence + self.playlist.skipped + len(self.playlist.segments)
        self._next.init = self._next.init or self._init
        self.playlist.segments.append(self._next)
        self._next = ListedSegment(0)

    def _version(self, value: str) -> None:
        self.playlist.version = int(value)

    def _target(self, value: str) -> None:
        self.playlist.target = int(value)

    def _part_target(self, value: str) -> None:
        self.playlist.part_target = float(attributes(value)["PART-TARGET"])

    def _control(self, value: str) -> None:
        self.playlist.control = attributes(value)

    def _sequence(self, value: str) -> None:
        assert not self.playlist.segments, "the sequence number stands before the segments"
        self.playlist.sequence = int(value)

    def _discontinuity_sequence(self, value: str) -> None:
        assert not self.playlist.segments, "the discontinuity sequence stands before the segments"
        self.playlist.discontinuity_sequence = int(value)

    def _skip(self, value: str) -> None:
        assert not self.playlist.segments, "what is skipped stands before the segments"
        self.playlist.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])

    def _discontinuity(self, _value: str) -> None:
        self._next.discontinuity = True

    def _date(self, value: str) -> None:
        self._next.date = datetime.fromisoformat(value).timestamp()

    def _map(self, value: str) -> None:
        self._init = self._next.init = attributes(value)["URI"]

    def _part(self, value: str) -> None:
        about = attributes(value)
        part = ListedPart(float(about["DURATION"]), about["URI"], about.get("INDEPENDENT") == "YES")
        self._next.parts.append(part)

    def _duration(self, value: str) -> None:
        assert value.endswith(","), value
        self._next.duration = float(value[:-1])

    def _hint(self, value: str) -> None:
        about = attributes(value)
        assert about["TYPE"] == "PART"
        self.playlist.hint = about["URI"]

    def _report(self, value: str) -> None:
        self.playlist.reports.append(attributes(value))


def merged(before: MediaPlaylist, delta: MediaPlaylist) -> MediaPlaylist:
    """Put back what a delta playlist left out, from the playlist that the client had (section 6.2.5.1)."""
    if not delta.skipped:
        return delta
    known = {segment.number: segment for segment in before.segments}
    skipped = [known[delta.sequence + index] for index in range(delta.skipped)]
    init = skipped[-1].init
    for segment in delta.segments:
        init = segment.init = segment.init or init
    delta.segments = [*skipped, *delta.segments]
    delta.skipped = 0
    return delta
