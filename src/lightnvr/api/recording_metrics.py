"""Metrics of what is written: by stream, by storage, and how quick disk and database are."""

from collections.abc import Iterable, Iterator, Mapping

from lightnvr.api.exposition import Family
from lightnvr.api.services import ApiServices
from lightnvr.media.errors import Fault
from lightnvr.recording.open_recordings import Written
from lightnvr.streams.model import Stream

_TYPES: Mapping[Fault, str] = {
    Fault.REFUSED: "io",
    Fault.UNREACHABLE: "io",
    Fault.ENDED: "io",
    Fault.TIMEOUT: "timeout",
    Fault.STALLED: "timeout",
    Fault.UNAUTHORIZED: "protocol",
    Fault.NOT_FOUND: "protocol",
    Fault.PROTOCOL: "protocol",
    Fault.NO_VIDEO: "decode",
    Fault.UNSUPPORTED: "decode",
}
"""The original's words for what can go wrong with a camera."""


def of_cameras(services: ApiServices, streams: Iterable[Stream]) -> Iterator[Family]:
    """What comes from each camera, and what goes wrong with it."""
    frames = Family("lightnvr_stream_frames_total", "counter", "Pictures that came from the camera.")
    latency = Family(
        "lightnvr_stream_connection_latency_ms",
        "gauge",
        "Milliseconds from connecting to the camera to its first picture, the last time.",
    )
    errors = Family("lightnvr_stream_error_total", "counter", "How often the camera was lost or not reached.")
    waiting = Family("lightnvr_recording_queue_packets", "gauge", "Packets that came and are not written yet.")
    kept = Family("lightnvr_prebuffer_bytes", "gauge", "Bytes of media kept in memory for the beginning of clips.")
    shortened = Family(
        "lightnvr_prebuffer_shortened_total",
        "counter",
        "GOPs kept for a shorter time than clips need, because of their size.",
    )
    for stream in streams:
        status, label = services.supervisors.status(stream.id), stream.name
        frames.add(status.frames, stream=label)
        latency.add(round(status.connect_s * 1000, 1), stream=label)
        counts = dict.fromkeys(_TYPES.values(), 0)
        for fault, count in status.faults.items():
            counts[_TYPES[fault]] += count
        for kind, count in counts.items():
            errors.add(count, stream=label, type=kind)
        waiting.add(status.waiting_packets, stream=label)
        kept.add(status.kept_bytes, stream=label)
        shortened.add(status.shortened, stream=label)
    yield from (frames, latency, errors, waiting, kept, shortened)


def of_recordings(services: ApiServices, streams: Iterable[Stream]) -> Iterator[Family]:
    """What was written of each stream since the start."""
    size = Family("lightnvr_recording_bytes_written", "counter", "Bytes of recordings that were written.")
    recordings = Family("lightnvr_recording_segments_total", "counter", "Recordings that were begun.")
    fragments = Family("lightnvr_recording_fragments_total", "counter", "Fragments that were written.")
    gaps = Family("lightnvr_recording_gaps_total", "counter", "Gaps of more than 5 s from one recording to the next.")
    written = services.system.written()
    for stream in streams:
        of_stream, label = written.get(stream.name, Written()), stream.name
        size.add(of_stream.size_bytes, stream=label)
        recordings.add(of_stream.recordings, stream=label)
        fragments.add(of_stream.fragments, stream=label)
        gaps.add(of_stream.gaps, stream=label)
    yield from (size, recordings, fragments, gaps)
    timings = services.system.timings()
    for name, kind, text in (
        ("lightnvr_disk_sync_seconds", "sync", "Seconds to sync a file to the disk."),
        ("lightnvr_database_store_seconds", "store", "Seconds to store the progress of all recordings."),
    ):
        family, timing = Family(name, "summary", text), timings.get(kind)
        family.add(0.0 if timing is None else round(timing.seconds, 6), "_sum")
        family.add(0 if timing is None else timing.count, "_count")
        yield family


async def of_storages(services: ApiServices) -> Iterator[Family]:
    """How full each storage is, and what was deleted to keep it so."""
    report = await services.keeper.report()
    up = Family("lightnvr_storage_up", "gauge", "1 when the storage is there.")
    total = Family("lightnvr_storage_total_bytes", "gauge", "Size of the disk; absent when the storage is not there.")
    free = Family("lightnvr_storage_free_bytes", "gauge", "Free space of the disk; absent like its size.")
    rate = Family("lightnvr_storage_fill_bytes_per_second", "gauge", "How fast recordings grow.")
    for volume in report.volumes:
        up.add(not volume.error, storage=volume.name)
        rate.add(round(volume.fill_rate_bps, 1), storage=volume.name)
        if not volume.error:
            total.add(volume.total_bytes, storage=volume.name)
            free.add(volume.free_bytes, storage=volume.name)
    deleted = Family("lightnvr_recording_deletions_total", "counter", "Recordings that were deleted, by reason.")
    for reason, count in report.deleted.items():
        deleted.add(count, reason=reason.name.lower())
    freed = Family("lightnvr_recording_deleted_bytes_total", "counter", "Their size.")
    freed.add(report.freed_bytes)
    stuck = Family("lightnvr_recording_undeletable", "gauge", "Recordings that should be deleted and cannot be.")
    stuck.add(report.undeletable)
    return iter((up, total, free, rate, deleted, freed, stuck))
