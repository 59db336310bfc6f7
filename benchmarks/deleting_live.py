"""Deleting many recordings on a server that records: what is lost, and how long others wait."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.cameras import camera_process
from benchmarks.continuity import Continuity, SeenRecordings, continuity
from benchmarks.many_recordings import CAMERAS, FIRST_START_US, SEGMENT_US
from benchmarks.mp4_file import recordings_in
from benchmarks.options import say
from benchmarks.server import Camera, LightNvr, lightnvr_server
from lightnvr.recording.model import DAY_US
from lightnvr.recording.storage import Storage

_SEGMENT_S = 10
_LEAST_S = 30.0
_SORTS = ("start_time", "end_time", "size_bytes", "stream_name", "id")


@dataclass(slots=True)
class LiveDeleting:
    """What was found while `deleted` recordings were deleted in `took_s` seconds."""

    deleted: int = 0
    took_s: float = 0.0
    lists_s: list[float] = field(default_factory=list)
    gaps_s: Sequence[float] = ()
    dropped: int = 0
    found: Continuity = field(default_factory=Continuity)


def delete_while_recording(cache: Path, database: Path, folder: Path, deletions: int, cameras: int) -> LiveDeleting:
    """Have a server delete the oldest recordings of a large database by their age while it records cameras."""
    data = folder / "live"
    data.mkdir()
    shutil.copy(database, data / "lightnvr.db")
    Storage(1, "main", data / "recordings").adopt()
    with closing(sqlite3.connect(data / "lightnvr.db")) as connection, connection:
        connection.execute("UPDATE storages SET root = ?", (str(data / "recordings"),))
        # Other benchmarks leave accounts of theirs; the server makes its administrator only when there is none.
        connection.execute("DELETE FROM users")
    outcome = LiveDeleting()
    environment = {
        "LIGHTNVR_STORAGE_RETENTION_DAYS": str(_days_to_keep(deletions)),
        "LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST": "false",
    }
    with camera_process(cache, cameras) as running, lightnvr_server(data, environment) as server:
        server.start()
        server.add(running, segment_s=_SEGMENT_S)
        server.wait_until_recording(running)
        # Their names are those of the large database too; only what is recorded now is looked at.
        seen = SeenRecordings(data / "lightnvr.db", (camera.name for camera in running))
        seen.begin_after_latest()
        _delete(server, seen, outcome)
        streams = server.client.get("/api/streams").raise_for_status().json()["streams"]
        outcome.dropped = sum(stream["dropped_packets"] for stream in streams)
        server.stop()
        seen.look()
        outcome.gaps_s = seen.gaps_s()
        say("decoding what was recorded meanwhile")
        outcome.found = sum((continuity(_files(server, camera)) for camera in running), Continuity())
    return outcome


def _files(server: LightNvr, camera: Camera) -> list[Path]:
    return sorted(recordings_in(server.footage / camera.name))


def _days_to_keep(deletions: int) -> int:
    until_us = FIRST_START_US + deletions // CAMERAS * SEGMENT_US
    return max(1, int((time.time() * 1e6 - until_us) // DAY_US))


def _delete(server: LightNvr, seen: SeenRecordings, outcome: LiveDeleting) -> None:
    ends = threading.Event()
    asking = threading.Thread(target=_ask, args=(server.url, server.client.auth, ends, outcome.lists_s))
    asking.start()
    began = time.monotonic()
    try:
        while True:
            answer = server.client.post("/api/storage/cleanup", json={}).raise_for_status().json()
            outcome.deleted += answer["deleted_count"]
            seen.look()
            say(f"{outcome.deleted} deleted")
            if answer["finished"]:
                break
        outcome.took_s = time.monotonic() - began
        while time.monotonic() - began < _LEAST_S:
            seen.look()
            time.sleep(0.5)
    finally:
        ends.set()
        asking.join()


def _ask(url: str, auth: httpx.Auth | None, ends: threading.Event, times: list[float]) -> None:
    with httpx.Client(base_url=url, auth=auth, timeout=60, trust_env=False) as client:
        client.get("/api/recordings", params={"limit": 1}).raise_for_status()
        while not ends.wait(0.05):
            query: dict[str, str | int] = {"limit": 100, "page": 1 + len(times), "sort": _SORTS[len(times) % 5]}
            began = time.perf_counter()
            client.get("/api/recordings", params=query).raise_for_status()
            times.append(time.perf_counter() - began)
