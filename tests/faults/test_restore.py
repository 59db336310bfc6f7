"""Everything is lost but a backup and the footage: an empty machine becomes what was there."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cameras import film, in_thread
from tests.cameras.rtsp import RtspCamera, camera
from tests.rig.product import all_recordings
from tests.rig.recorded import recorded_numbers
from tests.rig.waiting import until
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess

_OLD_PASSWORD = "chosen long before"
_NAME = "Front Door"


def _client(server: ServerProcess, password: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=("admin", password), timeout=30)


def _serve(folder: Path) -> ServerProcess:
    folder.mkdir(exist_ok=True)
    return ServerProcess([COMMAND, "serve", "--config", folder / "lightnvr.ini"], folder)


def _restore(backup: Path, folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "restore", backup, "--config", folder / "lightnvr.ini", "--data-dir", folder / "data", *words],
        input=typed,
        env={name: value for name, value in os.environ.items() if not name.startswith("LIGHTNVR_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _wait_until_recorded(client: httpx.Client) -> None:
    def recorded() -> bool:
        (stream,) = client.get("/api/streams").raise_for_status().json()["streams"]
        return bool(stream["recording"] == "recording")

    until(recorded, "the camera is recorded")


def _record_a_file(client: httpx.Client, count: int) -> None:
    """Record until there are so many finished recordings."""
    client.put(f"/api/streams/{_NAME}", json={"enabled": True}).raise_for_status()
    _wait_until_recorded(client)
    until(lambda: any(float(str(row["duration"])) >= 2 for row in _open(client)), "some seconds")
    client.put(f"/api/streams/{_NAME}", json={"enabled": False}).raise_for_status()
    until(lambda: [row["complete"] for row in all_recordings(client, _NAME)] == [True] * count, "it is finished")


def _open(client: httpx.Client) -> list[dict[str, object]]:
    return [row for row in all_recordings(client, _NAME) if not row["complete"]]


def _files(rows: list[dict[str, object]]) -> list[object]:
    return [(row["file_path"], row["start_time_unix"], row["duration"], row["size_bytes"]) for row in rows]


def _before(folder: Path, cam: RtspCamera, backup: Path) -> list[dict[str, object]]:
    """An installation with a password of its own, a recording, a backup of then, and another recording."""
    folder.mkdir()
    (folder / "lightnvr.ini").write_text(f"[storage]\npath = {folder.parent / 'footage'}\n")
    with _serve(folder) as server:
        with _client(server, ADMIN_PASSWORD) as client:
            change = {"new_password": _OLD_PASSWORD, "old_password": ADMIN_PASSWORD}
            client.put("/api/auth/users/1/password", json=change).raise_for_status()
        with _client(server, _OLD_PASSWORD) as client:
            body = {"name": _NAME, "url": cam.url, "enabled": False}
            client.post("/api/streams", json=body).raise_for_status()
            _record_a_file(client, 1)
            client.put(f"/api/streams/{_NAME}", json={"enabled": True}).raise_for_status()
            _wait_until_recorded(client)
            until(lambda: any(float(str(row["duration"])) >= 2 for row in _open(client)), "some seconds")
            # While it is being recorded, and stored as such.
            made = client.post("/api/system/backup").raise_for_status().json()
            backup.write_bytes(client.get(made["backupUrl"]).raise_for_status().content)
            _record_a_file(client, 2)
            _record_a_file(client, 3)
            rows = all_recordings(client, _NAME)
            assert client.get("/api/streams").json()["streams"][0]["status"] == "stopped"
        refused = _restore(backup, folder, "--yes")
        assert refused.returncode == 1
        assert "Another LightNVR is running" in refused.stderr
        assert server.stop(signal.SIGTERM) == 0
    return rows


def test_an_empty_machine_becomes_what_was_lost(tmp_path: Path) -> None:
    backup, second = tmp_path / "backup.zip", tmp_path / "second"
    with in_thread(lambda: camera(film("h264", "aac"), credentials=("viewer", "s3cret/pass"))) as cam:
        before = _before(tmp_path / "first", cam.camera, backup)
        shutil.rmtree(tmp_path / "first")
        second.mkdir()

        told = _restore(backup, second, typed="n\n")
        assert told.returncode == 1
        assert "1 users, 1 streams, 2 recordings" in told.stdout
        assert str(second / "data" / "lightnvr.db") in told.stdout
        assert not (second / "data" / "lightnvr.db").exists()
        done = _restore(backup, second, "--yes")
        assert done.returncode == 0, done.stderr
        assert (second / "lightnvr.ini").read_text() == f"[storage]\npath = {tmp_path / 'footage'}\n"

        with _serve(second) as server:
            with _client(server, ADMIN_PASSWORD) as stranger:
                assert stranger.get("/api/streams").status_code == 401
            with _client(server, _OLD_PASSWORD) as client:
                # What was made since the backup is found by itself.
                until(lambda: len(all_recordings(client, _NAME)) >= 3, "everything is listed")
                _wait_until_recorded(client)
                until(lambda: any(float(str(row["duration"])) >= 2 for row in _open(client)), "some seconds")
                client.put(f"/api/streams/{_NAME}", json={"enabled": False}).raise_for_status()
                until(lambda: not _open(client), "everything is finished")
                after = all_recordings(client, _NAME)
                assert _files(after)[:3] == _files(before)
                assert len(after) == 4
                for row in after:
                    copy = tmp_path / "played.mp4"
                    copy.write_bytes(client.get(f"/api/recordings/play/{row['id']}").raise_for_status().content)
                    numbers = recorded_numbers(copy)
                    assert len(numbers) >= 15
                    assert None not in numbers
                until(lambda: not (second / "data" / "restored").exists(), "it is noted that all was found")
            assert "Traceback" not in server.output


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_restore_by_the_api_is_done_at_the_next_start(tmp_path: Path, *, confirmed: bool) -> None:
    (tmp_path / "lightnvr.ini").write_text("[general]\nlog_level = 2\n")
    with _serve(tmp_path) as server, _client(server, ADMIN_PASSWORD) as client:
        filename = client.post("/api/system/backup").raise_for_status().json()["filename"]
        body = {"name": _NAME, "url": "rtsp://192.0.2.1/x", "enabled": False}
        client.post("/api/streams", json=body).raise_for_status()
        (tmp_path / "lightnvr.ini").write_text("[general]\nlog_level = 3\n")
        body = {"filename": filename, "confirm": confirmed}
        told = client.post("/api/system/restore", json=body).raise_for_status().json()
        assert {file["role"] for file in told["files"]} == {"database", "settings"}
    with _serve(tmp_path) as server, _client(server, ADMIN_PASSWORD) as client:
        names = [stream["name"] for stream in client.get("/api/streams").raise_for_status().json()["streams"]]
    assert names == ([] if confirmed else [_NAME])
    assert ("log_level = 2" in (tmp_path / "lightnvr.ini").read_text()) is confirmed
    assert bool(list((tmp_path / "data").glob("lightnvr.db.replaced-*"))) is confirmed
