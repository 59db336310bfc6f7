"""Records one stream: takes packets from the hub, cuts them into segments at keyframes, writes them to a storage."""

import logging
import threading
import time
from collections.abc import Callable

from lightnvr.media.hub import Subscription
from lightnvr.media.mp4.muxer import MuxFailed
from lightnvr.media.packets import MediaPacket, Track, TracksChanged
from lightnvr.recording.beginning import Beginning
from lightnvr.recording.place import RecorderSettings, RecordingPlace
from lightnvr.recording.segment import Segment
from lightnvr.recording.unwritten import Unwritten

_LONGEST_WAIT_S = 0.5
"""Packets are taken as soon as a fragment's worth of them waits; this is for when none come."""

_LONGEST_HELD_NS = 800_000_000
"""Pictures that wait for the next one are written after this: a camera of one picture in five seconds would else lose
five seconds in a crash. Longer than packets gather before they are read, so others are not cut into small pieces."""

_PATIENCE_S = 10.0
"""How long a disk that refuses is asked again before the segment is ended."""

_RETRY_S = 2.0
_MOST_REFUSED_AUDIO = 50
_AUDIO_GRACE_S = 2.0
log = logging.getLogger(__name__)


class Recorder:
    """One thread that records one stream until it is stopped.

    `error` is empty, or a sentence saying why nothing can be written at the moment; `recording` is whether a segment is
    open. Both may be read by any thread.
    """

    def __init__(
        self,
        place: RecordingPlace,
        settings: RecorderSettings,
        subscription: Subscription,
        measured_fps: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self.settings = settings
        self._subscription = subscription
        self._beginning = Beginning(place, measured_fps)
        self._monotonic = monotonic
        self._thread = threading.Thread(target=self._run, name=f"recorder {settings.stream_name}", daemon=True)
        self._current: Segment | None = None
        self._previous: Segment | None = None
        self._tracks: tuple[Track, ...] = ()
        self._unwritten = Unwritten() if place.storages.has_fallback else None
        self._blocked_since: float | None = None
        self._gave_up = False
        self._retry_at = 0.0
        self._held_since_ns: int | None = None
        self._unmuxable: set[int] = set()
        self.error = ""
        self.mux_failures = 0

    @property
    def recording(self) -> bool:
        """Whether what arrives is being written."""
        return self._current is not None and not self.error

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the recorder to end; what has arrived is still written."""
        self._subscription.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end. Returns False when the disk did not let it end in that time, in seconds."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._subscription.closed:
            self._subscription.wait(self._wait_s())
            self._guarded(self._turn)
        self._guarded(self._turn)
        self._guarded(self._close_all)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            # A defect of ours must neither end a recording for good nor pass unseen: begin afresh, and say so.
            log.exception("%s: the recorder failed", self.settings.stream_name)
            self.error = "The recorder failed because of an error in the program; see the log."
            self._abandon()
            self._retry_at = self._monotonic() + _RETRY_S

    def _wait_s(self) -> float:
        if self._held_since_ns is None:
            return _LONGEST_WAIT_S
        held_ns = int(self._monotonic() * 1e9) - self._held_since_ns
        return min(_LONGEST_WAIT_S, max(0.0, (_LONGEST_HELD_NS - held_ns) / 1e9))

    def _turn(self) -> None:
        items = self._subscription.take()
        for item in items:
            if isinstance(item, TracksChanged):
                self._close_all()
                self._tracks = item.tracks
                if self._unwritten is not None:
                    self._unwritten.clear()
                self._unmuxable.clear()
            else:
                self._accept(item)
                self._held_since_ns = item.arrival_ns
        if not items and not self._wait_s():
            self._held_since_ns = None
            for segment in (self._previous, self._current):
                if segment is not None:
                    segment.flush()
        self._write()
        # Neither sooner, which would cost more wake-ups, nor later, which would cost footage in a crash.
        self._subscription.wake_when(None if self._current is None else self._current.next_cut_dts)

    def _accept(self, packet: MediaPacket) -> None:
        is_cut = packet.is_keyframe and packet.track.kind == "video"
        if self._unwritten is not None:
            self._unwritten.add(packet, is_cut=is_cut)
        current = self._current
        if is_cut and (current is None or self._is_due(current, packet)):
            if current is not None and not self._ends_well(current):
                return
            self._rotate(packet)
            current = self._current
        if current is None:
            return
        previous = self._previous
        if previous is not None and packet.track.kind == "audio":
            # Audio that belongs before the cut may arrive after it.
            if packet.time < current.origin.time:
                self._mux(previous, packet)
                return
            self._close(previous)
            self._previous = None
        elif previous is not None and current.age_s(packet) > _AUDIO_GRACE_S:
            self._close(previous)
            self._previous = None
        self._mux(current, packet)

    def _is_due(self, current: Segment, packet: MediaPacket) -> bool:
        if packet.track not in current.tracks:
            return True
        if self._blocked_since is not None:
            # What the disk refuses is kept in memory by the segment; another one would not be taken either.
            return False
        if self._place.storages.chosen(self.settings.storage) != current.recording.facts.storage:
            return True
        return (
            current.age_s(packet) >= self.settings.segment_duration_s
            or current.recording.facts.capture_method is not self.settings.capture_method
            or self._beginning.clock_was_set
        )

    def _ends_well(self, current: Segment) -> bool:
        """Whether a segment whose storage is away, so that another one follows elsewhere, could be written to its end.

        If not, everything from the keyframe on that was not written is recorded elsewhere, and nothing is left to do.
        """
        if self._unwritten is None or not self._place.storages.trouble(current.recording.facts.storage.id):
            return True
        try:
            for segment in (self._previous, current):
                if segment is not None:
                    segment.finish(self._place.clock.now_us())
        except OSError as error:
            self._move(error)
            return False
        return True

    def _mux(self, segment: Segment, packet: MediaPacket) -> None:
        try:
            segment.add(packet)
        except MuxFailed as failure:
            self.mux_failures += 1
            log.warning("%s: a packet was refused: %s", self.settings.stream_name, failure)
            if packet.track.kind == "audio":
                # Audio that cannot be written is left out of the next file; this one goes on with its video.
                segment.refused_audio += 1
                if segment.refused_audio >= _MOST_REFUSED_AUDIO:
                    self._unmuxable.add(packet.track.index)
            elif self._current is segment:
                self._close(segment)
                self._current = None

    def _rotate(self, packet: MediaPacket) -> None:
        if self._previous is not None:
            self._close(self._previous)
            self._previous = None
        if self._current is not None:
            self._beginning.end_at(self._current, packet)
            self._previous, self._current = self._current, None
            if len(self._previous.tracks) == 1:
                self._close(self._previous)
                self._previous = None
        if self._monotonic() < self._retry_at:
            return
        try:
            tracks = [track for track in self._tracks if track.index not in self._unmuxable]
            self._current = self._beginning.begin(self.settings, tracks, packet)
        except (OSError, MuxFailed) as error:
            self._set_error(error)
            self._retry_at = self._monotonic() + _RETRY_S
        else:
            self._blocked_since, self._retry_at = None, 0.0

    def _write(self) -> None:
        if self._blocked_since is not None and self._monotonic() < self._retry_at:
            return
        now_us = self._place.clock.now_us()
        for segment in (self._previous, self._current):
            if segment is None:
                continue
            try:
                segment.write(now_us)
            except OSError as error:
                self._blocked(segment, error)
                return
        if self.error and self._is_written():
            self._recovered()
        if self._unwritten is not None and self._previous is None:
            self._unwritten.written()

    def _blocked(self, segment: Segment, error: OSError) -> None:
        storage = segment.recording.facts.storage
        self._place.storages.refused(storage, error)
        if self._place.storages.chosen(self.settings.storage) != storage:
            self._move(error)
            return
        now = self._monotonic()
        if self._blocked_since is None:
            self._blocked_since = now
            self._set_error(error)
        self._retry_at = now + 0.5
        if now - self._blocked_since > _PATIENCE_S:
            if not self._gave_up:
                log.error("%s: recording stops, the disk refused for %g s", self.settings.stream_name, _PATIENCE_S)
            self._gave_up = True
            self._abandon()
            self._blocked_since = None
            self._retry_at = now + _RETRY_S

    def _move(self, error: OSError) -> None:
        """Go on elsewhere with the keyframe from which on not everything was written; what was is left as it is."""
        packets = [] if self._unwritten is None else self._unwritten.take()
        log.error("%s: recording goes on elsewhere: %s", self.settings.stream_name, error.strerror or error)
        for segment in (self._previous, self._current):
            if segment is not None and packets:
                self._beginning.end_at(segment, packets[0])
                segment.end_early()
        self._abandon()
        self._blocked_since, self._retry_at = None, 0.0
        for packet in packets:
            self._accept(packet)

    def _abandon(self) -> None:
        for segment in (self._previous, self._current):
            if segment is not None:
                self._place.finaliser.submit(segment.recording)
        self._previous = self._current = None

    def _close_all(self) -> None:
        for segment in (self._previous, self._current):
            if segment is not None:
                self._close(segment)
                self._beginning.ended(segment)
        self._previous = self._current = None

    def _close(self, segment: Segment) -> None:
        try:
            segment.finish(self._place.clock.now_us())
        except (OSError, MuxFailed) as error:
            log.error("%s: the end of a segment was not written: %s", self.settings.stream_name, error)
            self._set_error(error)
        self._place.finaliser.submit(segment.recording)

    def _set_error(self, error: Exception) -> None:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        root = self._place.storages.chosen(self.settings.storage).root
        sentence = f"Nothing can be written to {root}: {reason.rstrip('.')}."
        if sentence != self.error:
            log.error("%s: %s", self.settings.stream_name, sentence)
        self.error = sentence

    def _is_written(self) -> bool:
        """Whether the current segment is being written: a full disk may have room for the head of a file only."""
        return self._current is not None and bool(len(self._current.recording.segment.index))

    def _recovered(self) -> None:
        log.warning("%s: recording again", self.settings.stream_name)
        self.error = ""
        self._gave_up = False
        self._blocked_since, self._retry_at = None, 0.0
