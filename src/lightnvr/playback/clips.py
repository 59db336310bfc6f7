"""Clips: exactly one span of what was recorded of a stream, as one MP4."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.playback.clip import Clip
from lightnvr.playback.clip_making import make_clip
from lightnvr.playback.clip_plan import ClipNotPossible, cuts
from lightnvr.playback.clip_source import ClipSource, read_source
from lightnvr.playback.timeline import NothingRecorded
from lightnvr.recording.model import Recording, RecordingFileMissing, RecordingNotFound
from lightnvr.recording.service import MediaIndex, RecordedTime, RecordingFile, Recordings

MAX_CLIP_US = 86_400 * 1_000_000
_MOST_RECORDINGS = 20_000


class Clips:
    """Cuts clips out of recordings, open ones among them. `now_us` gives microseconds since 1970 UTC."""

    def __init__(self, recorded: RecordedTime, recordings: Recordings, now_us: Callable[[], int]) -> None:
        self._recorded = recorded
        self._recordings = recordings
        self._now_us = now_us

    async def cut(self, stream_name: str, start_us: int, end_us: int, *, audio: bool = True) -> Clip:
        """Return the clip of a span, MAX_CLIP_US long at most. Nothing of the media is read for it yet.

        Raises NothingRecorded, ClipNotPossible, OSError.
        """
        end_us = min(end_us, self._now_us())
        found = await self._recorded.overlapping(stream_name, start_us, end_us, _MOST_RECORDINGS)
        indexes = await self._recorded.media(found)
        files: list[tuple[RecordingFile, MediaIndex]] = []
        for recording in found:
            if recording.id not in indexes or recording.damaged:
                continue
            try:
                files.append((await self._recordings.file(recording.id), indexes[recording.id]))
            except RecordingNotFound:
                continue  # it was deleted just now
            except RecordingFileMissing as error:
                raise _missing(recording) from error
        return await asyncio.to_thread(_clip, files, start_us, end_us, audio=audio)


def clip_file_name(stream_name: str, clip: Clip) -> str:
    """Return a name for the file of a clip, such as `Front_Door_20260801_100000.mp4`, the time in UTC."""
    stem = "".join(c if c.isalnum() or c == "-" else "_" for c in stream_name)
    return f"{stem}_{datetime.fromtimestamp(clip.parts[0].first_us / 1e6, UTC):%Y%m%d_%H%M%S}.mp4"


def _clip(files: Sequence[tuple[RecordingFile, MediaIndex]], start_us: int, end_us: int, *, audio: bool) -> Clip:
    sources: list[ClipSource] = []
    for file, index in files:
        try:
            source = read_source(file, index, audio=audio)
        except RecordingFileMissing as error:
            raise _missing(file.recording) from error
        except MalformedBox as error:
            raise ClipNotPossible(f"The file of recording {file.recording.id} is damaged: {error}.") from error
        if source is not None:
            sources.append(source)
    chosen = cuts(sources, start_us, end_us)
    if not chosen:
        raise NothingRecorded("No recordings found for the specified time range")
    return make_clip(chosen)


def _missing(recording: Recording) -> ClipNotPossible:
    begin, end = (
        datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for us in (recording.start_us, recording.end_us)
    )
    return ClipNotPossible(
        f"The file of recording {recording.id}, from {begin} to {end}, is not on the disk: export what is before and "
        "what is after it."
    )
