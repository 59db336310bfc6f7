"""HLS playlists of recorded spans (RFC 8216): byte ranges into the files as they lie on the disk."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from lightnvr.playback.media_segments import TARGET_US, MediaSegments

_VERSION = 7
_LEAST_TARGET_S = 2 * TARGET_US // 1_000_000
_GAP_US = 2_000
"""Recordings that follow each other join to the microsecond, so what is longer is a gap."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlaylistType(StrEnum):
    """Whether more can be appended later (RFC 8216, section 4.3.3.5)."""

    VOD = "VOD"
    EVENT = "EVENT"


@dataclass(frozen=True, slots=True)
class PlaylistPart:
    """What a playlist shows of one recording.

    `start_us` is when its media begins, microseconds since 1970 UTC, and `length_us` how long it is as a whole.
    """

    recording_id: int
    start_us: int
    length_us: int
    init_segment: bytes
    segments: MediaSegments


def media_playlist(
    parts: Sequence[PlaylistPart], kind: PlaylistType, *, ended: bool, keyframes_only: bool = False
) -> str:
    """Return the playlist of these parts, which are in order of time, with addresses relative to `/api/timeline/`.

    Timestamps in the files begin at zero. The playlist asks for them shifted to one time line, which runs on from file
    to file: a discontinuity stands only where there is a gap, or where the coding changes. The wall-clock time of each
    part is given, from which players know how long a gap was.
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
    before: PlaylistPart | None = None
    ends_us = 0
    inits: dict[bytes, int] = {}
    heads: dict[int, str] = {}
    for part in parts:
        wanted_us = part.start_us - parts[0].start_us
        # A camera whose clock runs fast makes files that are longer than the time they cover: they must not overlap.
        runs_on = before is not None and wanted_us - ends_us < _GAP_US
        shift_us = ends_us if runs_on else wanted_us
        if before is not None and not (runs_on and part.init_segment == before.init_segment):
            lines.append("#EXT-X-DISCONTINUITY")
        # Equal ones have one address, so that players need not fetch them again.
        init_id = inits.setdefault(part.init_segment, part.recording_id)
        lines.append(f'#EXT-X-MAP:URI="init/{init_id}.mp4"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(part.start_us + int(part.segments.starts_us[0]))}")
        before, ends_us = part, shift_us + part.length_us
        lines.append(_entries(part.segments, f"media/{part.recording_id}.mp4?shift={shift_us}", heads))
    if ended:
        lines.append("#EXT-X-ENDLIST")
    lines.append("")
    return "\n".join(lines)


def _entries(segments: MediaSegments, uri: str, heads: dict[int, str]) -> str:
    # Most durations come again and again, and to write one as a decimal fraction takes longer than all the rest.
    durations_us: list[int] = segments.durations_us.tolist()
    for duration_us in set(durations_us).difference(heads):
        heads[duration_us] = f"#EXTINF:{duration_us / 1e6:.6f},\n#EXT-X-BYTERANGE:"
    return "\n".join(
        [
            f"{heads[duration_us]}{size}@{offset}\n{uri}"
            for offset, size, duration_us in zip(
                segments.offsets.tolist(), segments.sizes.tolist(), durations_us, strict=True
            )
        ]
    )


def _date_time(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
