"""The kinds of output that HLS has, and what they can carry."""

from collections.abc import Callable, Sequence

from lightnvr.live.channel import Channel
from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.hls.fragment_output import FragmentOutput
from lightnvr.live.hls.transport_output import TransportOutput
from lightnvr.live.hls.window import Window
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
        self._windows: dict[tuple[int, bool, bool, str], Window] = {}

    def transport(self, channel: Channel) -> OutputKind[TransportOutput]:
        """Return the kind that makes MPEG-TS segments of this stream."""
        hub = channel.source.hub

        def make() -> TransportOutput:
            number = self._first_number(channel, "hls")
            output = TransportOutput(self._segment_s, lambda: hub.gop_s, self._wall_us, number)
            self._remember(channel, "hls", output.window)
            return output

        return OutputKind("hls", make)

    def low_latency(self, channel: Channel) -> OutputKind[FragmentOutput]:
        """Return the kind that makes parts of this stream."""
        hub = channel.source.hub

        def make() -> FragmentOutput:
            number = self._first_number(channel, "ll_hls")
            output = FragmentOutput(self._segment_s, lambda: hub.gop_s, self._wall_us, number)
            self._remember(channel, "ll_hls", output.window)
            return output

        return OutputKind("ll_hls", make)

    def _first_number(self, channel: Channel, kind: str) -> int:
        # An output that is made anew at once, or had segments of less than a second, is ahead of the clock.
        before = self._windows.get(self._key(channel, kind))
        return max(int(self._now()), 0 if before is None else before.next_number)

    def _remember(self, channel: Channel, kind: str, window: Window) -> None:
        self._windows[self._key(channel, kind)] = window

    @staticmethod
    def _key(channel: Channel, kind: str) -> tuple[int, bool, bool, str]:
        return channel.source.stream_id, channel.source.is_sub, channel.silent, kind


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
