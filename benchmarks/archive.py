"""A month of one camera that can really be played: one file of a quarter of an hour, under thousands of names."""

import io
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from benchmarks.options import say
from lightnvr.db.engine import database_url
from lightnvr.db.migrating import migrate
from lightnvr.media.ingest import VideoIngest
from lightnvr.media.packets import MediaPacket, Track
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.layout import DirectoryFormat, recording_path
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import RecordingFacts
from lightnvr.recording.ranks import COUNT_ALL_SQL
from lightnvr.recording.segment import Segment
from lightnvr.recording.storage import Storage

STREAM = "cam0"
SEGMENT_S = 900
_FILM_S = 60
_FRAGMENT_US = 500_000
_FOLDER = "cam0"


@dataclass(frozen=True, slots=True)
class Archive:
    """What was made: recordings without a gap from `start_us` to `end_us`, microseconds since 1970 UTC."""

    start_us: int
    end_us: int
    recordings: int


async def make_archive(data_dir: Path, end_us: int, days: int) -> Archive:
    """Fill a data folder with so many days that end then; each file is a hard link to the same content."""
    root = data_dir / "recordings"
    storage = Storage(1, "main", root)
    storage.adopt()
    say("making a quarter of an hour of footage")
    count = days * 86_400 // SEGMENT_S
    start_us = end_us - count * SEGMENT_S * 1_000_000
    starts = [start_us + number * SEGMENT_S * 1_000_000 for number in range(count)]
    first = _write(storage, starts[0])
    facts, size = first.recording.facts, first.recording.segment.finalise()
    first.recording.segment.close()
    paths = [recording_path(_FOLDER, at, CaptureMethod.CONTINUOUS, DirectoryFormat.YEAR_MONTH_DAY) for at in starts]
    for path in paths[1:]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.link(facts.absolute_path, root / path)
    database = data_dir / "lightnvr.db"
    await migrate(database_url("", database))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO storages (id, name, root) VALUES (1, 'main', ?)", (str(root),))
        connection.executemany(
            "INSERT INTO recordings (id, stream_name, storage_id, path, start_us, end_us, size_bytes, complete, codec,"
            " width, height, fps, capture_method, schedule_restricted, protected, damaged)"
            " VALUES (?, ?, 1, ?, ?, ?, ?, 1, 'h264', 1280, 720, 15.0, 'continuous', 0, 0, '')",
            [
                (number + 1, STREAM, str(path), at, at + SEGMENT_S * 1_000_000, size)
                for number, (path, at) in enumerate(zip(paths, starts, strict=True))
            ],
        )
        connection.execute(
            "INSERT INTO recording_media (recording_id, init_segment, fragments, synced_bytes)"
            " SELECT id, ?, ?, size_bytes FROM recordings",
            (first.recording.segment.init.content, first.recording.segment.index.pack()),
        )
        connection.execute(
            "INSERT INTO recording_days (day, stream_name, recordings, size_bytes, recorded_us)"
            " SELECT start_us / 86400000000, stream_name, count(*), sum(size_bytes), sum(end_us - start_us)"
            " FROM recordings GROUP BY 1, 2"
        )
        for statement in COUNT_ALL_SQL:
            connection.execute(statement)
    return Archive(start_us, end_us, count)


def _write(storage: Storage, start_us: int) -> Segment:
    tracks: list[Track] = []
    packets = _packets(tracks)
    origin = next(packets)
    facts = RecordingFacts(
        stream_name=STREAM,
        storage=storage,
        path=recording_path(_FOLDER, start_us, CaptureMethod.CONTINUOUS, DirectoryFormat.YEAR_MONTH_DAY),
        start_us=start_us,
        codec="h264",
        width=1280,
        height=720,
        fps=15.0,
        capture_method=CaptureMethod.CONTINUOUS,
        schedule_restricted=False,
    )
    facts.absolute_path.parent.mkdir(parents=True, exist_ok=True)
    segment = Segment(OsDisk(), facts, tracks, origin, _FRAGMENT_US)
    segment.add(origin)
    for packet in packets:
        segment.add(packet)
        segment.write(start_us + SEGMENT_S * 1_000_000)
    segment.finish(start_us + SEGMENT_S * 1_000_000)
    return segment


def _packets(tracks: list[Track]) -> Iterator[MediaPacket]:
    """Yield a film again and again until it is as long as a recording; its track is appended first."""
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=15", "-t", str(_FILM_S)]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "2M", "-g", "30", "-bf", "0", "-sc_threshold", "0"]
    command += ["-f", "mpegts", "-"]
    content = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    film: list[MediaPacket] = []
    with av.open(io.BytesIO(content), "r") as source:
        ingest = VideoIngest(source.streams.video[0], tracks.append)
        for packet in source.demux():
            if packet.dts is not None and packet.size and isinstance(packet.stream, VideoStream):
                taken = ingest.accept(packet, 0)
                film += [taken] if taken else []
    ticks = round(Fraction(_FILM_S) / film[0].track.time_base)
    for turn in range(SEGMENT_S // _FILM_S):
        for shown in film:
            yield shown._replace(dts=shown.dts + turn * ticks, pts=shown.pts + turn * ticks)
