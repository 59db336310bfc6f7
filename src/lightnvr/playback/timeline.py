"""What can be asked about the recorded time of a stream."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.playback.density import DensityBucket, density
from lightnvr.playback.made_media import MadeMedia
from lightnvr.playback.media_segments import MediaSegments, keyframe_segments, media_segments
from lightnvr.playback.playlist import PlaylistPart, PlaylistType, media_playlist
from lightnvr.playback.shifted_media import ShiftedMedia
from lightnvr.playback.silent import silent_init
from lightnvr.recording.model import Recording, RecordingNotFound
from lightnvr.recording.service import MediaIndex, RecordedTime

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

MAX_SPAN_US = 7 * 86_400 * 1_000_000
MAX_SEGMENTS = 8640
_MOST_RECORDINGS = 70_000
_NEAR_US = 3600 * 1_000_000


class NothingRecorded(LookupError):
    """There is no recording of the stream in, or near, the time asked for."""


@dataclass(frozen=True, slots=True)
class PlayPosition:
    """Where to begin playing: a recording, and the seconds from its beginning to the keyframe."""

    recording: Recording
    offset_s: float


class Timeline:
    """Spans of recorded time as playlists. `now_us` gives microseconds since 1970 UTC; a `silent` one has no sound."""

    def __init__(self, recorded: RecordedTime, now_us: Callable[[], int], *, silent: bool = False) -> None:
        self.recorded = recorded
        self.silent = silent
        self._now_us = now_us

    def of(self, recorded: RecordedTime, *, silent: bool) -> "Timeline":
        """Return the same of other recordings, or without their sound."""
        return Timeline(recorded, self._now_us, silent=silent)

    async def segments(self, stream_name: str, start_us: int, end_us: int) -> tuple[tuple[Recording, ...], bool]:
        """Return the recordings of a span, MAX_SEGMENTS at most, and whether there are more."""
        found = await self.recorded.overlapping(stream_name, start_us, end_us, MAX_SEGMENTS + 1)
        return found[:MAX_SEGMENTS], len(found) > MAX_SEGMENTS

    async def playlist(
        self, stream_name: str, start_us: int, end_us: int | None, *, keyframes_only: bool = False
    ) -> str:
        """Return one playlist for a span.

        One that ends in the past is complete. One without an end, or with one that is still to come, can be asked for
        again and only gets longer. Raises NothingRecorded.
        """
        now_us = self._now_us()
        grows = end_us is None or end_us > now_us
        end_us = now_us if end_us is None else end_us
        found = await self.recorded.overlapping(stream_name, start_us, end_us, _MOST_RECORDINGS)
        indexes = await self.recorded.media(found)
        shown = [recording for recording in found if recording.id in indexes and not recording.damaged]

        def text() -> str:
            parts = [
                _part(recording, indexes[recording.id], start_us, end_us, keyframes_only=keyframes_only)
                for recording in shown
            ]
            parts = [part for part in parts if len(part.segments)]
            if not parts:
                raise NothingRecorded("No recordings found for the specified time range")
            kind = PlaylistType.EVENT if grows else PlaylistType.VOD
            return media_playlist(parts, kind, ended=not grows, keyframes_only=keyframes_only)

        return await asyncio.to_thread(text)

    async def position(self, stream_name: str, moment_us: int) -> PlayPosition:
        """Return the keyframe before a moment, in the recording that shows it or the nearest one.

        Raises NothingRecorded.
        """
        recording = await self.recorded.nearest(stream_name, moment_us, _NEAR_US)
        if recording is None:
            raise NothingRecorded("No recordings found for the specified time")
        index = (await self.recorded.media([recording])).get(recording.id)
        if index is None or not len(index.table):
            return PlayPosition(recording, 0.0)
        starts_us = index.table.starts_us[index.table.keyframes]
        place = int(np.searchsorted(starts_us, moment_us - recording.start_us, side="right")) - 1
        return PlayPosition(recording, int(starts_us[max(0, place)]) / 1e6 if len(starts_us) else 0.0)

    async def density(self, stream_name: str, start_us: int, end_us: int, buckets: int) -> list[DensityBucket]:
        """Return how much of each of `buckets` equal parts of a span was recorded."""
        covered = await self.recorded.covered(stream_name, start_us, end_us)
        return await asyncio.to_thread(density, covered, start_us, end_us, buckets)

    async def by_ids(self, recording_ids: list[int]) -> tuple[Recording, ...]:
        """Return chosen recordings, in this order."""
        return await self.recorded.by_ids(recording_ids)

    async def init_segment(self, recording_id: int) -> bytes:
        """Return the init segment of a recording. Raises RecordingNotFound."""
        content = await self.recorded.init_segment(recording_id)
        return silent_init(content) if self.silent else content

    async def reader(self, recording: Recording, shift_us: int) -> ShiftedMedia | MadeMedia | None:
        """Return a reader of a recording's media that begins so much later; None when its file is just that.

        Raises RecordingNotFound.
        """
        index = (await self.recorded.media([recording])).get(recording.id)
        if index is not None and index.table.is_made:
            return MadeMedia(index.table, shift_us, silent=self.silent)
        if not shift_us and not self.silent:
            return None
        if index is None:
            raise RecordingNotFound(f"The media of recording {recording.id} is not known.")
        return ShiftedMedia(index, shift_us, silent=self.silent)


def _part(recording: Recording, index: MediaIndex, start_us: int, end_us: int, *, keyframes_only: bool) -> PlaylistPart:
    cut = keyframe_segments if keyframes_only else media_segments
    whole: MediaSegments = cut(index.table, is_whole=index.is_whole)
    shown = whole.between(start_us - recording.start_us, end_us - recording.start_us)
    return PlaylistPart(recording.id, recording.start_us, index.table.end_us, index.init_segment, shown)
