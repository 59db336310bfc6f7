"""Recordings as LightNVR writes them, made faster than time passes: a short one is played again and again."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath

import av
from av.video.stream import VideoStream

from benchmarks.cameras import camera_process
from benchmarks.mp4_file import recordings_in
from benchmarks.options import say
from benchmarks.processes import NeverHappened
from benchmarks.server import lightnvr_server
from lightnvr.db.engine import database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.media.ingest import VideoIngest, audio_ingest
from lightnvr.media.packets import MediaPacket, Track
from lightnvr.recording import store
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.layout import DirectoryFormat, recording_path
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import RecordingFacts
from lightnvr.recording.segment import Segment
from lightnvr.recording.storage import Storage

STREAM = "cam0"
START_US = 1_785_578_400_000_000
"""2026-08-01 10:00:00 UTC."""

SEGMENT_S = 900
_FRAGMENT_US = 500_000
_FOOTAGE_S = 40
_FAR_US = 1 << 60


@dataclass(frozen=True, slots=True)
class RecordedHours:
    """A data folder with recordings of STREAM that follow each other, the first from START_US on."""

    data_dir: Path
    files: tuple[Path, ...]


def recorded_hours(cache: Path, folder: Path, segments: int) -> RecordedHours:
    """Make so many recordings of 15 minutes of a camera as benchmarks have them: 2 Mbit/s H.264 and AAC."""
    footage = _footage(cache, folder / "footage")
    data_dir = folder / "data"
    data_dir.mkdir()
    say(f"making {segments} recordings of {SEGMENT_S} s")
    files = asyncio.run(_make(footage, data_dir, segments))
    return RecordedHours(data_dir, files)


def _footage(cache: Path, folder: Path) -> Path:
    with camera_process(cache, 1) as cameras, lightnvr_server(folder) as server:
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        say(f"recording {_FOOTAGE_S} s to be played again and again")
        time.sleep(_FOOTAGE_S)
        server.stop()
        recorded = next(recordings_in(server.footage))
    # As cameras send it: start codes instead of lengths, parameter sets in band.
    target = folder / "footage.ts"
    subprocess.run(["ffmpeg", "-v", "error", "-i", recorded, "-c", "copy", target], check=True)
    return target


async def _make(footage: Path, data_dir: Path, segments: int) -> tuple[Path, ...]:
    storage_root = data_dir / "recordings"
    url = database_url("", data_dir / "lightnvr.db")
    await migrate(url)
    database = open_database(url)
    try:
        async with database.writing.begin() as connection:
            storage_id, _ = await store.ensure_storage(connection, "main", str(storage_root))
        storage = Storage(storage_id, "main", storage_root)
        storage.adopt()
        made: list[Path] = []
        for segment in await asyncio.to_thread(lambda: list(_segments(footage, storage, segments))):
            recording = segment.recording
            size = await asyncio.to_thread(recording.segment.finalise)
            async with database.writing.begin() as connection:
                recording_id = await store.insert_open(connection, recording)
                await store.complete(connection, recording_id, end_us=recording.progress.end_us, size_bytes=size)
                packed = recording.segment.index.pack()
                await store.store_media(connection, recording_id, fragments=packed, synced_bytes=size)
            recording.segment.close()
            made.append(recording.facts.absolute_path)
        return tuple(made)
    finally:
        await database.close()


def _segments(footage: Path, storage: Storage, count: int) -> Iterator[Segment]:
    current: Segment | None = None
    made = 0
    tracks: tuple[Track, ...] = ()
    for packet, tracks in _endless(footage):
        due = current is None or current.age_s(packet) >= SEGMENT_S
        if due and packet.is_keyframe and packet.track.kind == "video":
            start_us = START_US
            if current is not None:
                start_us = current.recording.facts.start_us + round(current.age_s(packet) * 1e6)
                current.end_limit_us = start_us
                current.finish(_FAR_US)
                yield current
                made += 1
                if made == count:
                    return
            current = Segment(OsDisk(), _facts(storage, start_us, packet.track), tracks, packet, _FRAGMENT_US)
        if current is not None:
            current.add(packet)
            current.write(_FAR_US)


def _facts(storage: Storage, start_us: int, track: Track) -> RecordingFacts:
    path = recording_path(STREAM, start_us, CaptureMethod.CONTINUOUS, DirectoryFormat.YEAR_MONTH_DAY)
    return RecordingFacts(
        stream_name=STREAM,
        storage=storage,
        path=PurePosixPath(path),
        start_us=start_us,
        codec=track.codec,
        width=track.width,
        height=track.height,
        fps=15.0,
        capture_method=CaptureMethod.CONTINUOUS,
        schedule_restricted=False,
    )


def _endless(footage: Path) -> Iterator[tuple[MediaPacket, tuple[Track, ...]]]:
    packets, tracks, length = _read(footage)
    lap = 0
    while True:
        for packet in packets:
            ticks = round(lap * length / packet.track.time_base)
            yield packet._replace(dts=packet.dts + ticks, pts=packet.pts + ticks), tracks
        lap += 1


def _read(footage: Path) -> tuple[list[MediaPacket], tuple[Track, ...], Fraction]:
    """Return whole GOPs: the packets, the tracks, and how long they last in seconds."""
    announced: list[Track] = []
    packets: list[MediaPacket] = []
    with av.open(str(footage)) as source:
        video = VideoIngest(source.streams.video[0], announced.append)
        audio = audio_ingest(source.streams.audio[0])
        if audio is None:
            raise NeverHappened("The camera has no sound.")
        for packet in source.demux():
            if packet.dts is None or not packet.size:
                continue
            if isinstance(packet.stream, VideoStream):
                taken = video.accept(packet, 0)
                packets += [taken] if taken else []
            else:
                packets += audio.accept(packet, 0)
    packets.sort(key=lambda packet: packet.time)
    last_key = max(packet.time for packet in packets if packet.is_keyframe and packet.track.kind == "video")
    packets = [packet for packet in packets if packet.time < last_key]
    return packets, (announced[0], audio.track), Fraction(last_key - packets[0].time)
