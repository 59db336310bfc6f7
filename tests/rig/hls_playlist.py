"""Reads media playlists of HLS (RFC 8216bis), strictly: what is not known is an error."""

import re
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
    playlist = MediaPlaylist()
    init, growing = "", ListedSegment(0)

    def begun() -> ListedSegment:
        growing.number = playlist.sequence + playlist.skipped + len(playlist.segments)
        growing.init = growing.init or init
        return growing

    for line in text.splitlines()[1:]:
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-VERSION":
                playlist.version = int(value)
            case "#EXT-X-TARGETDURATION":
                playlist.target = int(value)
            case "#EXT-X-PART-INF":
                playlist.part_target = float(attributes(value)["PART-TARGET"])
            case "#EXT-X-SERVER-CONTROL":
                playlist.control = attributes(value)
            case "#EXT-X-MEDIA-SEQUENCE":
                assert not playlist.segments, "the sequence number stands before the segments"
                playlist.sequence = int(value)
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                assert not playlist.segments, "the discontinuity sequence stands before the segments"
                playlist.discontinuity_sequence = int(value)
            case "#EXT-X-SKIP":
                playlist.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
            case "#EXT-X-DISCONTINUITY":
                begun().discontinuity = True
            case "#EXT-X-PROGRAM-DATE-TIME":
                begun().date = datetime.fromisoformat(value).timestamp()
            case "#EXT-X-MAP":
                init = growing.init = attributes(value)["URI"]
            case "#EXT-X-PART":
                about = attributes(value)
                part = ListedPart(float(about["DURATION"]), about["URI"], about.get("INDEPENDENT") == "YES")
                begun().parts.append(part)
            case "#EXTINF":
                begun().duration = float(value.rstrip(","))
            case "#EXT-X-PRELOAD-HINT":
                about = attributes(value)
                assert about["TYPE"] == "PART"
                playlist.hint = about["URI"]
            case "#EXT-X-RENDITION-REPORT":
                playlist.reports.append(attributes(value))
            case _ if line and not line.startswith("#"):
                segment = begun()
                segment.uri = line
                playlist.segments.append(segment)
                growing = ListedSegment(0)
            case _:
                raise AssertionError(f"an unknown line: {line}")
    assert growing.parts or growing.date is None, "what is said of a segment needs one"
    if growing.parts:
        playlist.segments.append(begun())
    return playlist


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
