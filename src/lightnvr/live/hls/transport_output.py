"""HLS for every player: MPEG-TS segments."""

import logging
from collections.abc import Callable, Sequence

from lightnvr.live.hls.cutter import Cutter
from lightnvr.live.hls.pace import Pace, seconds
from lightnvr.live.hls.placing import Placing, ProgramDates
from lightnvr.live.hls.window import Part, Window
from lightnvr.media.packets import MediaItem, MediaPacket, Track
from lightnvr.media.transport_segments import TRANSPORT_STREAM_CODECS, TransportStreamFailed, TransportStreamWriter

_WINDOW = 6

log = logging.getLogger(__name__)


class TransportOutput:
    """Makes the segments of one stream. Implements `Output` and `Segments`."""

    def __init__(
        self, segment_s: float, gop_s: Callable[[], float | None], wall_us: Callable[[int], int], first_number: int
    ) -> None:
        """See Cutter and ProgramDates; `first_number` is the first segment's."""
        self._cutter = Cutter(self, segment_s, gop_s)
        self._dates = ProgramDates(wall_us)
        self._writer = TransportStreamWriter()
        self._placing: Placing | None = None
        self.tracks: Sequence[Track] = ()
        """The tracks in the newest segment, also when the camera is gone."""
        self._packets: list[MediaPacket] = []
        self._first: MediaPacket | None = None
        self._new_run = False
        self.window = Window(first_number, _WINDOW)

    @property
    def pace(self) -> Pace | None:
        """How long segments are, None while nothing has come."""
        return self._cutter.pace

    @property
    def is_ready(self) -> bool:
        """Whether there is something to play."""
        return self.window.has_complete

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output."""
        self._cutter.take(items)

    def close(self) -> None:
        """See Output."""
        self.window.close()
        self._cutter.close()
        self._packets.clear()

    def begin(self, first: MediaPacket, tracks: Sequence[Track], pace: Pace, *, new_run: bool) -> None:
        """See Segments."""
        if new_run or self._placing is None:
            self._placing = Placing(first)
        self._new_run = self._new_run or new_run
        self._first, self.tracks, self._packets = first, tracks, []

    def add(self, packet: MediaPacket) -> None:
        """See Segments."""
        self._packets.append(packet)

    def end(self, end_s: float) -> None:
        """See Segments."""
        first, placing, pace = self._first, self._placing, self._cutter.pace
        if first is None or placing is None or pace is None:
            return
        tracks = [track for track in self.tracks if track.codec in TRANSPORT_STREAM_CODECS]
        if first.track not in tracks:
            self._packets, self._new_run = [], True
            return
        duration_s = end_s - seconds(first)
        date_us = self._dates.begin(first, new_run=self._new_run)
        self._dates.end(date_us, duration_s)
        packets, self._packets = self._packets, []
        try:
            content = self._write(tracks, packets, placing)
        except TransportStreamFailed as error:
            log.warning("a segment was left out: %s", error)
            self._new_run = True
            return
        self.window.begin(date_us, discontinuity=self._new_run, target_s=pace.target_s)
        self.window.add(Part(content, duration_s, first.is_keyframe))
        self.window.complete()
        self._new_run = False

    def _write(self, tracks: Sequence[Track], packets: Sequence[MediaPacket], placing: Placing) -> bytes:
        shifts = {track.index: placing.shift(track) for track in tracks}
        try:
            return self._writer.write(tracks, packets, shifts)
        except TransportStreamFailed:
            # Sound that cannot be written must not cost the pictures.
            video = [track for track in tracks if track.kind == "video"]
            if len(video) == len(tracks):
                raise
            return self._writer.write(video, packets, shifts)
