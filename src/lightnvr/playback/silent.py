"""Recordings without their sound, for those who may look but not listen. Nothing is encoded, and nothing is written."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace

from lightnvr.media.mp4.boxes import MalformedBox, box
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.silencing import has_only_pictures, silence_moov, video_ids
from lightnvr.media.mp4.silent_movie import SilentMovie
from lightnvr.playback.clip_source import is_closed
from lightnvr.playback.shifted_media import ShiftedMedia
from lightnvr.recording.model import Recording, RecordingFileMissing, RecordingFilter, RecordingPage
from lightnvr.recording.service import MediaIndex, ReadRange, RecordedTime, RecordingFile, Recordings


class CannotSilence(Exception):
    """The sound cannot be taken out of a recording; the text says so to one who may not listen."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(
            f"You have no right to this: listen. Recording {recording.id} cannot be given without its sound."
        )


def silent_init(init_segment: bytes) -> bytes:
    """Return an init segment that tells of pictures only, as long as it was. Raises MalformedBox."""
    silent = bytearray(init_segment)
    silence_moov(silent, video_ids(InitSegment.parse(init_segment)))
    return bytes(silent)


class SilentRecordings:
    """Implements `Recordings`: the files have the same size and the same pictures, but are read without sound."""

    def __init__(self, recordings: Recordings, recorded: RecordedTime) -> None:
        self._recordings = recordings
        self._recorded = recorded

    async def page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        return await self._recordings.page(wanted, offset=offset, limit=limit)

    async def get(self, recording_id: int) -> Recording:
        """See Recordings."""
        return await self._recordings.get(recording_id)

    async def file(self, recording_id: int) -> RecordingFile:
        """See Recordings. Raises CannotSilence."""
        file = await self._recordings.file(recording_id)
        index = (await self._recorded.media([file.recording])).get(recording_id)
        try:
            read = await asyncio.to_thread(_reader, file, index)
        except FileNotFoundError:
            raise RecordingFileMissing(f"The file of recording {recording_id} is not on the disk.") from None
        except (MalformedBox, OSError) as error:
            raise CannotSilence(file.recording) from error
        return file if read is None else replace(file, etag=f'{file.etag[:-1]}-silent"', read=read)

    def open_id(self, stream_name: str) -> int | None:
        """See Recordings."""
        return self._recordings.open_id(stream_name)

    async def finished_page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        return await self._recordings.finished_page(wanted, offset=offset, limit=limit)

    async def delete(self, recording_id: int, *, force: bool) -> None:
        """See Recordings."""
        await self._recordings.delete(recording_id, force=force)


def _reader(file: RecordingFile, index: MediaIndex | None) -> ReadRange | None:
    """Return how to read a file without sound; None when there is none in it. Raises MalformedBox, OSError."""
    is_made = index is None or index.table.is_made
    if index is not None and not is_made and has_only_pictures(InitSegment.parse(index.init_segment)):
        return None
    descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if index is None or is_made or is_closed(descriptor):
            return SilentMovie.of(descriptor).read
    finally:
        os.close(descriptor)
    return _OpenFile(index).read


class _OpenFile:
    """A file that is still, or was left, in fragments: what stands before the first and then these."""

    def __init__(self, index: MediaIndex) -> None:
        head = silent_init(index.init_segment)
        # Fragments stay where they are: something stood between that a closed file needs.
        between = int(index.table.offsets[0]) - len(head) if len(index.table) else 0
        self._head = head + box(b"free", bytes(between - 8)) if between else head
        self._media = ShiftedMedia(index, 0, silent=True)

    def read(self, descriptor: int, start: int, stop: int) -> Iterator[bytes]:
        """See ReadRange."""
        if start < len(self._head):
            yield self._head[start:stop]
        if stop > len(self._head):
            yield from self._media.read(descriptor, max(start, len(self._head)), stop)
