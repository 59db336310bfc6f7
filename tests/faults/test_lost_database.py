"""The database is lost: every recording is found again from its file alone, with its name, its times and its media."""

import json
import signal
from pathlib import Path

import httpx

from tests.cameras import film
from tests.rig.product import Cameras, several_cameras, wait_until_all_record
from tests.rig.recorded import recorded_numbers
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

Row = dict[str, object]

_NAMES = {"cam0": "Tür 1", "cam1": "T?r 1"}
"""Two names whose folders differ by a number only, so that a folder does not tell whose it is."""

_TOLD = (
    "stream", "file_path", "start_time", "end_time", "start_time_unix", "end_time_unix", "duration", "size_bytes",
    "capture_method", "schedule_restricted", "complete", "codec", "width", "height", "fps", "damaged",
    "protected", "retention_days", "storage", "offline",
)  # fmt: skip
_UNTRACED = {"COVERAGE_PROCESS_CONFIG": ""}


def _rows(client: httpx.Client) -> list[Row]:
    query = {"limit": "all", "order": "asc"}
    rows: list[Row] = client.get("/api/recordings", params=query).raise_for_status().json()["recordings"]
    return sorted(rows, key=lambda row: str(row["file_path"]))


def _playlists(client: httpx.Client, rows: list[Row]) -> list[str]:
    """The whole time of each stream, with exact times and byte ranges, and paths in place of ids."""
    texts = []
    start = min(int(str(row["start_time_unix"])) for row in rows) - 10
    end = max(int(str(row["end_time_unix"])) for row in rows) + 10
    for name in _NAMES.values():
        query = {"stream": name, "start": str(start), "end": str(end)}
        text = client.get("/api/timeline/manifest", params=query).raise_for_status().text
        # The span ends just after the last recording: whether that is past yet depends on when it is asked.
        text = text.replace("PLAYLIST-TYPE:EVENT", "PLAYLIST-TYPE:VOD").removesuffix("#EXT-X-ENDLIST\n")
        for row in rows:
            for kind in ("init", "media"):
                text = text.replace(f"{kind}/{row['id']}.mp4", f"{kind}/{row['file_path']}")
        texts.append(text)
    return texts


def _record_some_pictures(cameras: Cameras, count: int) -> None:
    for camera in cameras.cameras.values():
        enough = len(camera.frames_sent) + count
        until(lambda cam=camera, enough=enough: len(cam.frames_sent) >= enough, "more pictures")  # type: ignore[misc]


def _record(folder: Path, cameras: Cameras, *, kill: bool) -> None:
    with ServerProcess([COMMAND, "serve"], folder, _UNTRACED if kill else None) as server:
        with server.client() as client:
            if not client.get("/api/streams").json()["streams"]:
                for key, name in _NAMES.items():
                    body = {"name": name, "url": cameras.cameras[key].url}
                    client.post("/api/streams", json=body).raise_for_status()
            wait_until_all_record(client, len(_NAMES))
        _record_some_pictures(cameras, 30)
        if kill:
            server.kill()
        else:
            assert server.stop(signal.SIGTERM) == 0


def _mend(folder: Path) -> tuple[list[Row], list[str]]:
    """Let the server mend what the kill left behind, with its database, and tell what there is then."""
    with ServerProcess([COMMAND, "serve"], folder) as server, server.client() as client:
        for stream in client.get("/api/streams").json()["streams"]:
            client.put(f"/api/streams/{stream['id']}", json={"enabled": False}).raise_for_status()
        until(lambda: all(row["complete"] for row in _rows(client)), "everything is mended")
        first, second, *_ = _rows(client)
        client.put(f"/api/recordings/{first['id']}/protect", json={"protected": True}).raise_for_status()
        client.put(f"/api/recordings/{second['id']}/retention", json={"retention_days": 90}).raise_for_status()
        kept = folder / "data" / "recordings" / ".lightnvr-kept.json"
        until(lambda: kept.exists() and len(json.loads(kept.read_text())) == 2, "what is kept is noted")
        rows = _rows(client)
        return rows, _playlists(client, rows)


def test_every_recording_is_found_again_when_the_database_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with several_cameras(2, film("h264", "aac")) as cameras:
        _record(tmp_path, cameras.camera, kill=False)
        _record(tmp_path, cameras.camera, kill=True)
    torn = {path: path.read_bytes() for path in data.rglob("*.mp4") if b"mdat" not in path.read_bytes()[:64]}
    assert len(torn) == 2
    before, playlists = _mend(tmp_path)
    assert {row["stream"] for row in before} == set(_NAMES.values())
    for path, content in torn.items():
        path.write_bytes(content)
    for database in data.glob("lightnvr.db*"):
        database.unlink()

    with ServerProcess([COMMAND, "serve"], tmp_path) as server, server.client() as client:
        # It is seen that the storage is older than the database.
        until(lambda: client.get("/api/recordings/sync").json()["state"] == "complete", "the disk is looked at")
        assert client.get("/api/recordings/sync").json()["added"] == len(before)
        after = _rows(client)
        told = [[{member: row[member] for member in _TOLD} for row in rows] for rows in (before, after)]
        assert told[0] == told[1]
        assert _playlists(client, after) == playlists
        for row in after:
            played = client.get(f"/api/recordings/play/{row['id']}").raise_for_status().content
            copy = tmp_path / "played.mp4"
            copy.write_bytes(played)
            numbers = recorded_numbers(copy)
            assert len(numbers) >= 15
            assert None not in numbers
        again = client.post("/api/recordings/sync", params={"wait": 60}).raise_for_status().json()
        assert (again["state"], again["message"]) == ("complete", "Recording sync complete")
        counts = {name: again[name] for name in ("added", "updated", "missing", "returned", "skipped", "failed")}
        assert set(counts.values()) == {0}, counts
        assert (again["rows"], again["files"]) == (len(before), len(before))
        assert "Traceback" not in server.output
