"""Small pictures out of recordings: of the first moment, the middle and the end."""

import asyncio
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av

from lightnvr.media.late import LateModule
from lightnvr.media.packets import CodedPacket, MediaPacket, Track
from lightnvr.media.snapshot import PictureForm, UndecodablePicture, decode_keyframe, encode_jpeg
from lightnvr.playback.made_media import MadeMedia
from lightnvr.playback.thumbnail_cache import ThumbnailCache
from lightnvr.recording.fragment_table import FragmentTable
from lightnvr.recording.model import Recording, RecordingNotFound
from lightnvr.recording.service import MediaIndex, RecordedTime, Recordings

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

INDEXES = 3
_FORM = PictureForm(width=320, quality=70)
_THREADS = 2
_MOST_WAITING = 24
_BEFORE_END_US = 1_000_000
_NEAR_END = 0.9


class NoThumbnail(LookupError):
    """There is no picture of this recording that can be shown; the text says why."""


class ThumbnailsOff(Exception):
    """Such thumbnails are switched off; the text names the setting."""


class ThumbnailsBusy(Exception):
    """So many thumbnails are being made that this one is not begun. Another try in two seconds may do."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG. `lasting` is false while the recording grows, so that another picture may be right a moment later."""

    jpeg: bytes
    lasting: bool


class Thumbnails:
    """Makes a thumbnail when it is asked for first, and keeps it. Belongs to the event loop.

    One keyframe is read, by the index of fragments, and decoded; two are at a time.
    """

    def __init__(
        self, recordings: Recordings, recorded: RecordedTime, cache: ThumbnailCache, *, each: int = INDEXES
    ) -> None:
        """`each` is how many of a recording may be asked for, 0 to 3; it may be replaced."""
        self.each = each
        self._recordings = recordings
        self._recorded = recorded
        self._cache = cache
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="thumbnails")
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self.decoded = 0
        """How many keyframes were decoded."""

    async def get(self, recording_id: int, index: int) -> Thumbnail:
        """Return thumbnail 0 (the first moment), 1 (the middle) or 2 (a second before the end).

        Raises RecordingNotFound, RecordingFileMissing, NoThumbnail, ThumbnailsBusy, ThumbnailsOff.
        """
        if not self.each:
            raise ThumbnailsOff("Thumbnails are switched off: generate_thumbnails is false.")
        if index >= self.each:
            raise ThumbnailsOff(f"There is no thumbnail {index}: thumbnails_per_recording is {self.each}.")
        recording = await self._recordings.get(recording_id)
        lasting = recording.complete or index == 0
        name = _name(recording, index)
        if lasting:
            kept = await asyncio.to_thread(self._cache.read, name)
            if kept is not None:
                return Thumbnail(kept, lasting)
        making = self._making.get(name)
        if making is None:
            if len(self._making) >= _MOST_WAITING:
                raise ThumbnailsBusy("Too many thumbnails are being made. Try again in two seconds.")
            making = self._making[name] = asyncio.create_task(self._make(recording, index, lasting))
            making.add_done_callback(lambda done: self._made(name, done))
        # One who gives up waiting must not end it for the others.
        return Thumbnail(await asyncio.shield(making), lasting)

    async def forget(self, recordings: Sequence[Recording]) -> None:
        """Remove the thumbnails of recordings that are deleted."""
        names = [_name(recording, index) for recording in recordings for index in range(INDEXES)]
        await asyncio.to_thread(self._cache.remove, names)

    async def tidy(self) -> None:
        """Remove the thumbnails of recordings that are gone: one that was deleted just before a crash may be left."""
        names = {name: name.split("_") for name in await asyncio.to_thread(self._cache.names)}
        ids = sorted({int(parts[0]) for parts in names.values() if parts[0].isdecimal() and len(parts[0]) < 19})
        there = {(str(each.id), str(each.start_us)) for each in await self._recorded.by_ids(ids)}
        gone = [name for name, parts in names.items() if tuple(parts[:2]) not in there]
        await asyncio.to_thread(self._cache.remove, gone)

    async def close(self) -> None:
        """End the threads; what waits for them is given up."""
        for task in list(self._making.values()):
            task.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _made(self, name: str, done: "asyncio.Task[bytes]") -> None:
        del self._making[name]
        if not done.cancelled():
            # When all who waited have left, nobody is there to see that it failed.
            done.exception()

    async def _make(self, recording: Recording, index: int, lasting: bool) -> bytes:
        file = await self._recordings.file(recording.id)
        media = (await self._recorded.media([recording])).get(recording.id)
        if media is None:
            raise NoThumbnail("It is not known where the pictures of this recording are.")
        place = _keyframe(media.table, index)
        self.decoded += 1
        try:
            jpeg = await asyncio.get_running_loop().run_in_executor(
                self._pool, _picture, file.path, media, place, recording.codec
            )
        except (UndecodablePicture, av.FFmpegError, OSError) as error:
            raise NoThumbnail(f"The picture cannot be decoded: {error}.") from error
        if lasting:
            name = _name(recording, index)
            await asyncio.to_thread(self._cache.keep, name, jpeg)
            try:
                await self._recordings.get(recording.id)
            except RecordingNotFound:
                # It was deleted meanwhile, and what was kept of it before that.
                await asyncio.to_thread(self._cache.remove, [name])
                raise
        return jpeg


def _name(recording: Recording, index: int) -> str:
    # With the start: when the database is made anew from the files, other recordings get the same ids.
    return f"{recording.id}_{recording.start_us}_{index}"


def _keyframe(table: FragmentTable, index: int) -> tuple[int, int]:
    """Return offset and size of the fragment that begins with the keyframe at or before the moment of a thumbnail."""
    keys = np.flatnonzero(table.keyframes)
    if not len(keys):
        raise NoThumbnail("This recording has no keyframe.")
    length_us = table.end_us
    near_end = length_us - _BEFORE_END_US if length_us > 2 * _BEFORE_END_US else length_us * _NEAR_END
    moment_us = (0, length_us / 2, near_end)[index]
    at = int(np.searchsorted(table.starts_us[keys], moment_us, side="right")) - 1
    place = keys[max(0, at)]
    return int(table.offsets[place]), int(table.sizes[place])


def _picture(path: Path, media: MediaIndex, place: tuple[int, int], codec: str) -> bytes:
    """Return the picture of the keyframe that a fragment begins with, as JPEG. Blocks."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if media.table.is_made:
            fragment = b"".join(MadeMedia(media.table, 0).read(descriptor, place[0], sum(place)))
        else:
            fragment = os.pread(descriptor, place[1], place[0])
    finally:
        os.close(descriptor)
    with av.open(io.BytesIO(media.init_segment + fragment), "r", format="mp4") as container:
        stream = container.streams.video[0]
        for packet in container.demux(stream):
            if packet.is_keyframe and packet.size:
                extradata = bytes(stream.codec_context.extradata or b"")
                track = Track(0, "video", codec, packet.time_base, stream, extradata, container=container)
                keyframe = MediaPacket(track, cast("CodedPacket", packet), 0, 0, 0, True, 0, packet.size)
                frame = decode_keyframe(keyframe)
                return encode_jpeg(frame, *_even(frame), _FORM.quality or 0)
    raise UndecodablePicture("no keyframe is where it should be")


def _even(frame: av.VideoFrame) -> tuple[int, int]:
    width, height = _FORM.size(frame.width, frame.height)
    return max(2, width & ~1), max(2, height & ~1)
