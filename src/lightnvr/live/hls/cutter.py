"""Decides where segments begin and end."""

from collections.abc import Callable, Sequence
from typing import Protocol

from lightnvr.live.hls.pace import ENOUGH_S, Pace, find_pace, seconds
from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged

_MOST_BYTES = 16 * 1024 * 1024
"""A segment that grows beyond this ends, wherever it is."""

_SILENT_NS = 2_000_000_000
"""Sound that did not come for so long is not there."""

_MOST_WAITING_BYTES = 32 * 1024 * 1024


class Segments(Protocol):
    """What makes segments out of packets."""

    def begin(self, first: MediaPacket, tracks: Sequence[Track], pace: Pace, *, new_run: bool) -> None:
        """Begin a segment with this picture, which is added next.

        `new_run` is whether it continues nothing: the first after the camera came back, changed its coding or its time.
        """
        ...

    def add(self, packet: MediaPacket) -> None:
        """Add a packet of one of the tracks."""
        ...

    def end(self, end_s: float) -> None:
        """End the segment at this time of the camera, in seconds."""
        ...


class Cutter:
    """Cuts what a camera sends into runs, and runs into segments.

    A run goes from the camera's coming to its going, or to whatever makes decoders start anew. A segment ends with a
    keyframe when it is long enough, and without one only when it would get longer than promised; and the very first,
    so that whoever asked for it sees something at once. Sound that is announced but does not come is left out.
    """

    def __init__(self, segments: Segments, segment_s: float, gop_s: Callable[[], float | None]) -> None:
        self._segments = segments
        self._segment_s = segment_s
        self._gop_s = gop_s
        self._tracks: tuple[Track, ...] = ()
        self._waiting: list[MediaPacket] = []
        self._waiting_bytes = 0
        self._in_segment = False
        self._hurry = True
        self._begins_with_key = False
        self._begin_s = self._run_begin_s = self._last_s = 0.0
        self._bytes = 0
        self._with_sound = False
        self._heard_ns: int | None = None
        self._next_begins_run = True
        self.pace: Pace | None = None

    def take(self, items: Sequence[MediaItem]) -> None:
        """Take what came; see Output."""
        for item in items:
            if isinstance(item, TracksChanged):
                self.end_run()
                self._tracks, self._heard_ns = item.tracks, None
                continue
            if item.track.kind == "audio":
                self._heard_ns = item.arrival_ns
            if self._in_segment:
                self._accept(item)
            else:
                self._wait(item)
        if self._waiting:
            self._try_to_begin()

    def end_run(self) -> None:
        """What comes next continues nothing."""
        if self._in_segment and self.pace is not None:
            self._segments.end(self._last_s + self.pace.frame_s)
        self._in_segment = False
        self._next_begins_run = True
        self._waiting.clear()
        self._waiting_bytes = 0

    def _wait(self, packet: MediaPacket) -> None:
        is_video = packet.track.kind == "video"
        if self._waiting or (is_video and packet.is_keyframe):
            self._waiting.append(packet)
            self._waiting_bytes += packet.size
        if self._waiting_bytes > _MOST_WAITING_BYTES:
            self._waiting.clear()
            self._waiting_bytes = 0

    def _try_to_begin(self) -> None:
        video = [packet for packet in self._waiting if packet.track.kind == "video"]
        found = find_pace(video, self._gop_s(), self._segment_s)
        if found is None:
            return
        self.pace = found if self.pace is None else self.pace.widened(found)
        packets, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._begin(packets[0])
        self._segments.add(packets[0])
        for packet in packets[1:]:
            # All of these are there already: only with the last is it time to show something.
            self._accept(packet, at_once=packet is video[-1])

    def _accept(self, packet: MediaPacket, *, at_once: bool = True) -> None:
        at_s = seconds(packet)
        if packet.track.kind != "video":
            if self._with_sound and at_s >= self._run_begin_s:
                self._bytes += packet.size
                self._segments.add(packet)
            return
        pace = self.pace
        if pace is None:
            return
        if not 0 <= at_s - self._last_s <= pace.longest_s:
            # Pictures that were lost on the way, or a camera that stood still: no segment may be so long.
            self.end_run()
            self._wait(packet)
            return
        if self._is_cut(packet, at_s - self._begin_s, pace, at_once=at_once):
            self._segments.end(at_s)
            self._begin(packet)
        self._last_s = at_s
        self._bytes += packet.size
        self._segments.add(packet)

    def _is_cut(self, packet: MediaPacket, age_s: float, pace: Pace, *, at_once: bool) -> bool:
        if packet.is_keyframe and (age_s >= pace.due_s or not self._begins_with_key):
            return True
        if self._hurry and at_once and age_s >= ENOUGH_S / 2:
            return True
        return age_s + pace.frame_s > pace.longest_s or self._bytes + packet.size > _MOST_BYTES

    def _begin(self, packet: MediaPacket) -> None:
        if self.pace is None:
            raise ValueError("a segment cannot begin before its pace is known")
        at_s = seconds(packet)
        new_run = self._next_begins_run
        if packet.is_keyframe:
            heard = self._heard_ns is not None and packet.arrival_ns - self._heard_ns < _SILENT_NS
            # Players wait for the sound that a header promises, and do not notice what it does not.
            new_run, self._with_sound = new_run or heard != self._with_sound, heard
        tracks = [track for track in self._tracks if track.kind == "video" or self._with_sound]
        if new_run:
            self._run_begin_s = at_s
        self._hurry = self._hurry and not self._in_segment
        self._in_segment, self._next_begins_run = True, False
        self._begins_with_key = packet.is_keyframe
        self._begin_s = self._last_s = at_s
        self._bytes = 0
        self._segments.begin(packet, tracks, self.pace, new_run=new_run)
