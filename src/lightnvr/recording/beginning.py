"""Begins the segments of one stream: when each begins, what its file is called, on which storage it is."""

from collections.abc import Callable, Iterable

from lightnvr.media.mp4.muxer import MuxFailed
from lightnvr.media.packets import MediaPacket, Track
from lightnvr.recording.layout import recording_path
from lightnvr.recording.open_recordings import RecordingFacts
from lightnvr.recording.place import RecorderSettings, RecordingPlace
from lightnvr.recording.segment import Segment
from lightnvr.recording.storage import Storage

_CONTIGUOUS_US = 250_000
"""Segments that are this close join: less than this is the jitter of arrival, not a gap."""

_MOST_EARLY_US = 12 * 3600 * 1_000_000
"""Beyond this the clock was set back on purpose, and the later times were wrong."""


class Beginning:
    """Begins one segment after the other, so that those without a gap between them join. Belongs to one recorder."""

    def __init__(self, place: RecordingPlace, measured_fps: Callable[[], float]) -> None:
        self._place = place
        self._measured_fps = measured_fps
        self._clock_epoch = place.clock.epoch
        self._last_end_us = 0

    @property
    def clock_was_set(self) -> bool:
        """Whether the clock was set since the latest segment began."""
        return self._clock_epoch != self._place.clock.epoch

    def begin(self, settings: RecorderSettings, tracks: Iterable[Track], packet: MediaPacket) -> Segment:
        """Return a segment of these tracks that begins with a keyframe, on the first storage that takes it.

        Raises OSError when none does, and MuxFailed.
        """
        refused: OSError | None = None
        for storage in self._place.storages.candidates(settings.storage):
            try:
                storage.check()
                return self._begin_on(storage, settings, tracks, packet)
            except OSError as error:
                self._place.storages.refused(storage, error)
                refused = refused or error
        raise refused or FileNotFoundError("there is no storage")

    def end_at(self, segment: Segment, packet: MediaPacket) -> None:
        """Let a segment end where the next one will begin, which is with this packet.

        That is never later than when the packet came: a camera whose clock runs fast must not push recordings into the
        future.
        """
        end_us = segment.recording.facts.start_us + int(segment.age_s(packet) * 1e6)
        arrived_us = self._place.clock.wall_us(packet.arrival_ns)
        if end_us - arrived_us > _MOST_EARLY_US:
            self._last_end_us = arrived_us
            return
        self._last_end_us = end_us if abs(arrived_us - end_us) <= _CONTIGUOUS_US else min(end_us, arrived_us)
        segment.end_limit_us = self._last_end_us

    def ended(self, segment: Segment) -> None:
        """Note where a segment ended that no other one follows without a gap."""
        self._last_end_us = max(self._last_end_us, segment.recording.progress.end_us)

    def _begin_on(
        self, storage: Storage, settings: RecorderSettings, of_stream: Iterable[Track], packet: MediaPacket
    ) -> Segment:
        place = self._place
        start_us = self._start_us(packet)
        tracks = [packet.track if track.index == packet.track.index else track for track in of_stream]
        for attempt in range(1000):
            facts = RecordingFacts(
                stream_name=settings.stream_name,
                storage=storage,
                path=recording_path(
                    settings.folder, start_us, settings.capture_method, place.directory_format, attempt
                ),
                start_us=start_us,
                codec=packet.track.codec,
                width=packet.track.width,
                height=packet.track.height,
                fps=round(self._measured_fps(), 2),
                capture_method=settings.capture_method,
                schedule_restricted=settings.schedule_restricted,
            )
            try:
                segment = Segment(place.disk, facts, tracks, packet, place.fragment_duration_us)
            except FileExistsError:
                continue
            except MuxFailed:
                if len(tracks) == 1:
                    raise
                # Audio that MP4 cannot take must not cost the video.
                tracks = [packet.track]
                continue
            place.open_recordings.add(segment.recording)
            return segment
        raise FileExistsError(f"a thousand recordings begin at {start_us}")

    def _start_us(self, packet: MediaPacket) -> int:
        arrived_us = self._place.clock.wall_us(packet.arrival_ns)
        self._clock_epoch = self._place.clock.epoch
        early_us = self._last_end_us - arrived_us
        if abs(early_us) <= _CONTIGUOUS_US or 0 < early_us < _MOST_EARLY_US:
            return self._last_end_us
        return arrived_us
