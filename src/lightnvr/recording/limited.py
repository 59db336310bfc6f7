"""Recordings of some streams only, for those who may not see the others.

A recording of another stream is answered exactly like one that does not exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lightnvr.recording.model import Marks, Recording, RecordingFilter, RecordingNotFound, RecordingPage
from lightnvr.recording.service import (
    BatchDeletions,
    Covered,
    DeletionProgress,
    MediaIndex,
    RecordedTime,
    RecordingCare,
    RecordingFile,
    RecordingMarks,
    Recordings,
    TagChange,
)


class LimitedTime:
    """Implements `RecordedTime` for these streams: nothing was recorded of any other."""

    def __init__(self, time: RecordedTime, streams: frozenset[str]) -> None:
        self._time = time
        self._streams = streams

    async def overlapping(self, stream_name: str, start_us: int, end_us: int, limit: int) -> tuple[Recording, ...]:
        """See RecordedTime."""
        if stream_name not in self._streams:
            return ()
        return await self._time.overlapping(stream_name, start_us, end_us, limit)

    async def covered(self, stream_name: str, start_us: int, end_us: int) -> Sequence[Covered]:
        """See RecordedTime."""
        if stream_name not in self._streams:
            return ()
        return await self._time.covered(stream_name, start_us, end_us)

    async def nearest(self, stream_name: str, moment_us: int, within_us: int) -> Recording | None:
        """See RecordedTime."""
        if stream_name not in self._streams:
            return None
        return await self._time.nearest(stream_name, moment_us, within_us)

    async def by_ids(self, recording_ids: Sequence[int]) -> tuple[Recording, ...]:
        """See RecordedTime."""
        found = await self._time.by_ids(recording_ids)
        return tuple(recording for recording in found if recording.stream_name in self._streams)

    async def ids_among(self, recording_ids: Sequence[int]) -> list[int]:
        """Return those of these ids that are of recordings of these streams."""
        return [recording.id for recording in await self.by_ids(recording_ids)]

    async def media(self, recordings: Sequence[Recording]) -> dict[int, MediaIndex]:
        """See RecordedTime."""
        seen = [recording for recording in recordings if recording.stream_name in self._streams]
        return await self._time.media(seen)

    async def init_segment(self, recording_id: int) -> bytes:
        """See RecordedTime."""
        if not await self.by_ids([recording_id]):
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return await self._time.init_segment(recording_id)


class LimitedRecordings:
    """Implements `Recordings` for the recordings of these streams."""

    def __init__(self, recordings: Recordings, streams: frozenset[str]) -> None:
        self._recordings = recordings
        self._streams = streams

    async def page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        limited = _narrowed(wanted, self._streams)
        if limited is None:
            return RecordingPage((), 0)
        return await self._recordings.page(limited, offset=offset, limit=limit)

    async def get(self, recording_id: int) -> Recording:
        """See Recordings."""
        recording = await self._recordings.get(recording_id)
        if recording.stream_name not in self._streams:
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return recording

    async def file(self, recording_id: int) -> RecordingFile:
        """See Recordings."""
        await self.get(recording_id)
        return await self._recordings.file(recording_id)

    def open_id(self, stream_name: str) -> int | None:
        """See Recordings."""
        return self._recordings.open_id(stream_name) if stream_name in self._streams else None

    async def finished_page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        limited = _narrowed(wanted, self._streams)
        if limited is None:
            return RecordingPage((), 0)
        return await self._recordings.finished_page(limited, offset=offset, limit=limit)

    async def delete(self, recording_id: int, *, force: bool) -> None:
        """See Recordings."""
        await self.get(recording_id)
        await self._recordings.delete(recording_id, force=force)


class LimitedCare:
    """Implements `RecordingCare` for the recordings of these streams, which `time` finds."""

    def __init__(self, care: RecordingCare, time: LimitedTime, streams: frozenset[str]) -> None:
        self._care = care
        self._time = time
        self._streams = streams

    async def protect(self, recording_id: int, protected: bool | None) -> Recording:
        """See RecordingCare."""
        await self._require(recording_id)
        return await self._care.protect(recording_id, protected)

    async def keep_for(self, recording_id: int, days: int | None) -> Recording:
        """See RecordingCare."""
        await self._require(recording_id)
        return await self._care.keep_for(recording_id, days)

    async def protect_all(self, recording_ids: Sequence[int], protected: bool) -> frozenset[int]:
        """See RecordingCare."""
        return await self._care.protect_all(await self._time.ids_among(recording_ids), protected)

    async def protected_page(
        self, stream_name: str | None, *, offset: int, limit: int, among: frozenset[str] | None = None
    ) -> RecordingPage:
        """See RecordingCare."""
        seen = self._streams if among is None else self._streams & among
        return await self._care.protected_page(stream_name, offset=offset, limit=limit, among=seen)

    async def _require(self, recording_id: int) -> None:
        if not await self._time.ids_among([recording_id]):
            raise RecordingNotFound(f"There is no recording {recording_id}.")


class LimitedMarks:
    """Implements `RecordingMarks` for the recordings of these streams, which `time` finds."""

    def __init__(self, marks: RecordingMarks, time: LimitedTime, streams: frozenset[str]) -> None:
        self._marks = marks
        self._time = time
        self._streams = streams

    async def of(self, recording_ids: Sequence[int]) -> Mapping[int, Marks]:
        """See RecordingMarks."""
        return await self._marks.of(await self._time.ids_among(recording_ids))

    async def detected(self, recording_ids: Sequence[int]) -> frozenset[int]:
        """See RecordingMarks."""
        return await self._marks.detected(await self._time.ids_among(recording_ids))

    async def set_tags(self, recording_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """See RecordingMarks."""
        if not await self._time.ids_among([recording_id]):
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return await self._marks.set_tags(recording_id, tags)

    async def change_tags(self, recording_ids: Sequence[int], add: Sequence[str], remove: Sequence[str]) -> TagChange:
        """See RecordingMarks."""
        return await self._marks.change_tags(await self._time.ids_among(recording_ids), add, remove)

    async def tags(self, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """See RecordingMarks."""
        return await self._marks.tags(self._streams if among is None else self._streams & among)

    async def labels(self, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """See RecordingMarks."""
        return await self._marks.labels(self._streams if among is None else self._streams & among)


class LimitedDeletions:
    """Implements `BatchDeletions` for the recordings of these streams, which `time` finds."""

    def __init__(self, deletions: BatchDeletions, time: LimitedTime, streams: frozenset[str]) -> None:
        self._deletions = deletions
        self._time = time
        self._streams = streams

    async def start(self, owner: int, chosen: Sequence[int] | RecordingFilter, *, absent: int = 0) -> DeletionProgress:
        """See BatchDeletions."""
        if isinstance(chosen, RecordingFilter):
            return await self._deletions.start(owner, _narrowed(chosen, self._streams) or (), absent=absent)
        seen = await self._time.ids_among(chosen)
        return await self._deletions.start(owner, seen, absent=absent + len(chosen) - len(seen))

    def progress(self, owner: int, job_id: str) -> DeletionProgress:
        """See BatchDeletions."""
        return self._deletions.progress(owner, job_id)


def _narrowed(wanted: RecordingFilter, streams: frozenset[str]) -> RecordingFilter | None:
    """Return a filter for these streams; None when none of them is asked for, for no names would be all names."""
    seen = tuple(name for name in wanted.streams or sorted(streams) if name in streams)
    return replace(wanted, streams=seen) if seen else None
