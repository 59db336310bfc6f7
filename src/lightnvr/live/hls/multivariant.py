"""Multivariant playlists: the main and the sub-stream of a camera, for the player to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightnvr.live.hls.pace import Pace
from lightnvr.live.hls.window import Window
from lightnvr.media.codec_strings import codec_strings
from lightnvr.media.mp4.muxer import init_segment
from lightnvr.media.packets import Track

_LEAST_S = 1.0
_HEADROOM = 1.2


@dataclass(frozen=True, slots=True)
class Variant:
    """One stream: `bandwidth` is its peak and `average` its mean, in bits a second; `size` is in pixels."""

    uri: str
    codecs: Sequence[str]
    size: tuple[int, int]
    frame_rate: float
    bandwidth: int
    average: int


def variant(uri: str, tracks: Sequence[Track], window: Window, pace: Pace) -> Variant:
    """Return what there is to say of a stream whose segments are in this window. Raises MuxFailed, MalformedBox."""
    video = next(track for track in tracks if track.kind == "video")
    segments = [segment for segment in window.listed if segment.duration_s > 0]
    total_s = sum(segment.duration_s for segment in segments)
    average = int(sum(segment.size for segment in segments) * 8 / total_s) if total_s else 0
    peaks = [segment.size * 8 / segment.duration_s for segment in segments if segment.duration_s >= _LEAST_S]
    return Variant(
        uri=uri,
        codecs=tuple(codec_strings(init_segment(tracks).content).values()),
        size=(video.width, video.height),
        frame_rate=1 / pace.frame_s,
        bandwidth=max(1, int(max(peaks, default=average * _HEADROOM))),
        average=max(1, average),
    )


def multivariant_playlist(variants: Sequence[Variant], version: int) -> str:
    """Return the playlist; the first variant is what players begin with."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{version}"]
    for each in variants:
        attributes = (
            f"BANDWIDTH={each.bandwidth}",
            f"AVERAGE-BANDWIDTH={each.average}",
            f'CODECS="{",".join(each.codecs)}"',
            f"RESOLUTION={each.size[0]}x{each.size[1]}",
            f"FRAME-RATE={each.frame_rate:.3f}",
        )
        lines += (f"#EXT-X-STREAM-INF:{','.join(attributes)}", each.uri)
    return "\n".join(lines) + "\n"
