"""The kinds of output that HLS has, and what they can carry."""

from collections.abc import Callable, Sequence

from lightnvr.live.channel import Channel
from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.hls.fragment_output import FragmentOutput
from lightnvr.live.hls.transport_output import TransportOutput
from lightnvr.live.output import OutputKind
from lightnvr.media.packets import Track
from lightnvr.media.transport_segments import TRANSPORT_STREAM_CODECS

_FRAGMENT_CODECS = frozenset(("h264", "hevc", "av1", "aac", "opus", "mp3"))


class HlsOutputs:
    """Makes the outputs of streams."""

    def __init__(self, segment_s: float, wall_us: Callable[[int], int], now: Callable[[], float]) -> None:
        """`segment_s` is how long segments are to be, in seconds.

        `wall_us` gives the date of a moment of the monotonic clock, `now` seconds since 1970 UTC. Segments are numbered
        from `now` on: so numbers go on growing when an output is made anew, and no cache takes one segment for another.
        """
        self._segment_s = segment_s
        self._wall_us = wall_us
        self._now = now

    def transport(self, channel: Channel) -> OutputKind[TransportOutput]:
        """Return the kind that makes MPEG-TS segments of this stream."""
        hub = channel.source.hub
        return OutputKind(
            "hls", lambda: TransportOutput(self._segment_s, lambda: hub.gop_s, self._wall_us, int(self._now()))
        )

    def low_latency(self, channel: Channel) -> OutputKind[FragmentOutput]:
        """Return the kind that makes parts of this stream."""
        hub = channel.source.hub
        return OutputKind(
            "ll_hls", lambda: FragmentOutput(self._segment_s, lambda: hub.gop_s, self._wall_us, int(self._now()))
        )


def fits_transport_stream(tracks: Sequence[Track]) -> bool:
    """Whether players take all of these from MPEG-TS."""
    return all(track.codec in TRANSPORT_STREAM_CODECS for track in tracks)


def check_fragments(name: str, tracks: Sequence[Track]) -> None:
    """Raise UnsupportedTracks when no player of HLS shows these pictures."""
    for track in tracks:
        if track.codec not in _FRAGMENT_CODECS:
            raise UnsupportedTracks(
                f"{name} sends {track.codec.upper()}, which HLS cannot carry. Set the camera to H.264 or H.265, "
                f"or watch its pictures one by one."
            )
