"""HLS playlists of recorded spans (RFC 8216): byte ranges into the files as they lie on the disk."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from lightnvr.playback.media_segments import TARGET_US, MediaSegments

_VERSION = 7
_LEAST_TARGET_S = 2 * TARGET_US // 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlaylistType(StrEnum):
    """Whether more can be appended later (RFC 8216, section 4.3.3.5)."""

    VOD = "VOD"
    EVENT = "EVENT"


@dataclass(frozen=True, slots=True)
class PlaylistPart:
    """What a playlist shows of one recording.

    `start_us` is when its media begins, microseconds since 1970 UTC. `init_uri` and `media_uri` are relative to the
    playlist.
    """

    start_us: int
    segments: MediaSegments
    init_uri: str
    media_uri: str


def media_playlist(
    parts: Sequence[PlaylistPart], kind: PlaylistType, *, ended: bool, keyframes_only: bool = False
) -> str:
    """Return the playlist of these parts, which are in order of time.

    The timestamps of each recording begin at zero, so a discontinuity stands between any two; the wall-clock time of
    each is given, from which players know how long a gap was.
    """
    parts = [part for part in parts if len(part.segments)]
    longest_us = max((int(part.segments.durations_us.max()) for part in parts), default=0)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{max(_LEAST_TARGET_S, math.ceil(longest_us / 1e6))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{kind}",
        "#EXT-X-I-FRAMES-ONLY" if keyframes_only else "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for number, part in enumerate(parts):
        if number:
            lines.append("#EXT-X-DISCONTINUITY")
        lines.append(f'#EXT-X-MAP:URI="{part.init_uri}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(part.start_us + int(part.segments.starts_us[0]))}")
        segments, uri = part.segments, part.media_uri
        lines.extend(
            f"#EXTINF:{duration_us / 1e6:.6f},\n#EXT-X-BYTERANGE:{size}@{offset}\n{uri}"
            for offset, size, duration_us in zip(
                segments.offsets.tolist(), segments.sizes.tolist(), segments.durations_us.tolist(), strict=True
            )
        )
    if ended:
        lines.append("#EXT-X-ENDLIST")
    lines.append("")
    return "\n".join(lines)


def _date_time(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
