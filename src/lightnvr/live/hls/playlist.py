"""Media playlists (RFC 8216, and RFC 8216bis for low latency)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lightnvr.live.hls.fragment_output import FragmentOutput
from lightnvr.live.hls.pace import Pace
from lightnvr.live.hls.window import Segment, Window

_PART_LISTED_TARGETS = 3
"""Parts are listed in segments that are no further from the end than so many target durations (section 4.4.4.9)."""

_SKIP_TARGETS = 6
"""What a delta playlist leaves out is further from the end than so many target durations (section 4.4.3.8)."""


def transport_playlist(window: Window, pace: Pace, query: str) -> str:
    """Return the playlist of MPEG-TS segments. `query` is added to each address: empty, or from the `?` on."""
    listed = [segment for segment in window.listed if segment.is_complete]
    lines = _head(3, pace, window, listed)
    for segment in listed:
        lines += _dated(segment)
        lines += (f"#EXTINF:{segment.duration_s:.5f},", f"segment_{segment.number}.ts{query}")
    return _text(lines)


@dataclass(frozen=True, slots=True)
class RenditionReport:
    """Where another playlist of the same camera is, so that a player can change over without asking first."""

    uri: str
    last_segment: int
    last_part: int


def low_latency_playlist(
    output: FragmentOutput, pace: Pace, query: str, *, skip: bool, report: RenditionReport | None
) -> str:
    """Return the playlist of parts; with `skip` a delta of it (section 6.2.5.1), when there is anything to leave out.

    `query` is added to each address: empty, or from the `?` on.
    """
    window = output.window
    listed = [segment for segment in window.listed if segment.parts]
    skipped = _skippable(listed, pace) if skip else 0
    lines = _head(9, pace, window, listed)
    hold_back_s = math.ceil(3 * pace.part_s * 1000) / 1000
    control = (
        "CAN-BLOCK-RELOAD=YES",
        f"CAN-SKIP-UNTIL={skip_boundary_s(pace):.1f}",
        f"HOLD-BACK={3 * pace.target_s:.1f}",
        f"PART-HOLD-BACK={hold_back_s:.3f}",
    )
    lines[3:3] = (f"#EXT-X-SERVER-CONTROL:{','.join(control)}", f"#EXT-X-PART-INF:PART-TARGET={pace.part_s:.3f}")
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    init = listed[skipped - 1].init if skipped else None
    remaining_s = sum(segment.duration_s for segment in listed[skipped:])
    for segment in listed[skipped:]:
        lines += _dated(segment)
        if segment.init != init:
            init = segment.init
            lines.append(f'#EXT-X-MAP:URI="init_{init}.mp4{query}"')
        remaining_s -= segment.duration_s
        if remaining_s < _PART_LISTED_TARGETS * pace.target_s:
            lines += _parts(segment, query)
        if segment.is_complete:
            lines += (f"#EXTINF:{segment.duration_s:.5f},", f"seg_{segment.number}.m4s{query}")
    number, part = next_part(window)
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part_{number}.{part}.m4s{query}"')
    if report is not None:
        lines.append(
            f'#EXT-X-RENDITION-REPORT:URI="{report.uri}{query}",LAST-MSN={report.last_segment},'
            f"LAST-PART={report.last_part}"
        )
    return _text(lines)


def skip_boundary_s(pace: Pace) -> float:
    """Return how far from the end segments must be to be left out, in seconds."""
    return float(_SKIP_TARGETS * pace.target_s)


def next_part(window: Window) -> tuple[int, int]:
    """Return the numbers of segment and part that come next."""
    last = window.last
    if last is None:
        return 0, 0
    return (last.number + 1, 0) if last.is_complete else (last.number, len(last.parts))


def newest_part(window: Window) -> tuple[int, int] | None:
    """Return the numbers of segment and part that came last, None when none did."""
    for segment in reversed(window.listed):
        if segment.parts:
            return segment.number, len(segment.parts) - 1
    return None


def _head(version: int, pace: Pace, window: Window, listed: Sequence[Segment]) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{version}",
        f"#EXT-X-TARGETDURATION:{pace.target_s}",
        f"#EXT-X-MEDIA-SEQUENCE:{listed[0].number if listed else 0}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{window.discontinuities}",
    ]


def _dated(segment: Segment) -> list[str]:
    date = datetime.fromtimestamp(segment.date_us / 1e6, UTC).isoformat(timespec="milliseconds")
    lines = ["#EXT-X-DISCONTINUITY"] if segment.discontinuity else []
    return [*lines, f"#EXT-X-PROGRAM-DATE-TIME:{date.replace('+00:00', 'Z')}"]


def _parts(segment: Segment, query: str) -> list[str]:
    return [
        f'#EXT-X-PART:DURATION={part.duration_s:.5f},URI="part_{segment.number}.{index}.m4s{query}"'
        f"{',INDEPENDENT=YES' if part.independent else ''}"
        for index, part in enumerate(segment.parts)
    ]


def _skippable(listed: Sequence[Segment], pace: Pace) -> int:
    remaining_s = sum(segment.duration_s for segment in listed)
    count = 0
    for segment in listed:
        remaining_s -= segment.duration_s
        if remaining_s < skip_boundary_s(pace):
            break
        count += 1
    return count


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
