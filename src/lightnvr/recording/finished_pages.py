"""Pages of lists without the recordings that are being written, for clients that do not expect them.

They are few, at most one or two of each stream. So a page is read as always, with room for all of them, and they are
taken out; how many come before it follows from the order.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from lightnvr.recording.model import Recording, RecordingFilter, RecordingPage, RecordingSort

ReadPage = Callable[[RecordingFilter, int, int], Awaitable[RecordingPage]]
"""Returns a page of a filter, from an offset on, of at most so many recordings."""

_SAME_START = 100


async def finished_page(
    read: ReadPage, opened: Iterable[Recording], wanted: RecordingFilter, offset: int, limit: int
) -> RecordingPage:
    """Return `limit` finished recordings from `offset` on, and how many finished ones match.

    `opened` are all that are being written, whether they match or not.
    """
    among = [recording for recording in opened if await _matches(read, recording, wanted)]
    page = await read(wanted, offset, limit + len(among) if limit else 0)
    total = max(0, page.total - len(among))
    if not page.recordings:
        return RecordingPage((), total)
    first = _place(page.recordings[0], wanted.sort)
    before = sum((_place(recording, wanted.sort) > first) is wanted.descending for recording in _but(among, page))
    finished = [recording for recording in page.recordings if recording.complete]
    return RecordingPage(tuple(finished[before : before + limit]), total)


async def _matches(read: ReadPage, recording: Recording, wanted: RecordingFilter) -> bool:
    if wanted.streams and recording.stream_name not in wanted.streams:
        return False
    if (wanted.start_us or 0) > recording.start_us:
        return False
    if wanted.end_us is not None and wanted.end_us < recording.start_us:
        return False
    if not wanted.by_facets:
        return True
    start_us = recording.start_us
    alone = replace(wanted, streams=(recording.stream_name,), start_us=start_us, end_us=start_us)
    found = (await read(alone, 0, _SAME_START)).recordings
    return any(other.id == recording.id for other in found)


def _but(opened: list[Recording], page: RecordingPage) -> list[Recording]:
    on_page = {recording.id for recording in page.recordings}
    return [recording for recording in opened if recording.id not in on_page]


def _place(recording: Recording, sort: RecordingSort) -> tuple[bytes, int, int]:
    values = {
        RecordingSort.START_TIME: recording.start_us,
        RecordingSort.END_TIME: recording.end_us,
        RecordingSort.SIZE_BYTES: recording.size_bytes,
    }
    name = recording.stream_name.encode() if sort is RecordingSort.STREAM_NAME else b""
    return name, values.get(sort, 0), recording.id
