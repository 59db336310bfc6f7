"""A disk that is read-only or gone stops recording with a clear word, and recording goes on by itself afterwards."""

import os
import subprocess
from pathlib import Path

import httpx

from tests.cameras import film
from tests.faults.conftest import SmallDisk
from tests.rig.product import Cameras, add_streams, all_recordings, several_cameras, wait_until_all_record
from tests.rig.recorded import recorded_numbers
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess


def _failed(client: httpx.Client) -> list[str]:
    streams = client.get("/api/streams").raise_for_status().json()["streams"]
    assert {stream["status"] for stream in streams} <= {"connected", "connecting"}
    return [stream["recording_error"] for stream in streams if stream["recording"] == "failed"]


def _finished(client: httpx.Client, name: str) -> list[dict[str, object]]:
    client.put(f"/api/streams/{name}", json={"enabled": False}).raise_for_status()
    until(lambda: all(row["complete"] for row in all_recordings(client, name)), "everything is finished")
    return all_recordings(client, name)


def test_a_disk_that_is_read_only_is_told_and_recorded_to_when_it_is_writable(
    tmp_path: Path, unmounted_disk: SmallDisk
) -> None:
    unmounted_disk.mount(read_only=True)
    environment = {"LIGHTNVR_STORAGE_PATH": str(unmounted_disk.path / "recordings")}
    with several_cameras(2, film("h264", "aac")) as cameras:
        server = ServerProcess([COMMAND, "serve"], tmp_path, environment)
        with server, server.client() as client:
            add_streams(client, cameras.camera)
            until(lambda: len(_failed(client)) == 2, "both say that nothing can be written")
            assert all(f"{unmounted_disk.path} is read-only" in error for error in _failed(client)), _failed(client)
            health = client.get("/api/health").raise_for_status().json()
            assert health["status"] != "healthy"
            unmounted_disk.make_writable()
            wait_until_all_record(client, 2)
            until(lambda: client.get("/api/health").json()["status"] == "healthy", "everything is well")
            sent = len(cameras.camera.cameras["cam0"].frames_sent)
            until(lambda: len(cameras.camera.cameras["cam0"].frames_sent) > sent + 20, "pictures")
            for name in cameras.camera.cameras:
                (row,) = _finished(client, name)
                assert None not in recorded_numbers(Path(str(row["file_path"])))
        assert "Traceback" not in server.output


def test_a_disk_that_is_gone_is_told_and_nothing_is_written_in_its_place(
    tmp_path: Path, unmounted_disk: SmallDisk
) -> None:
    unmounted_disk.mount()
    root = unmounted_disk.path / "recordings"
    with several_cameras(1, film("h264", "aac")) as cameras:
        server = ServerProcess([COMMAND, "serve"], tmp_path, {"LIGHTNVR_STORAGE_PATH": str(root)})
        with server, server.client() as client:
            add_streams(client, cameras.camera, segment_duration=10)
            wait_until_all_record(client, 1)
            unmounted_disk.take_away()
            until(lambda: len(_failed(client)) == 1, "it says that nothing can be written")
            assert client.get("/api/health").json()["status"] == "critical"
            assert list(unmounted_disk.path.iterdir()) == []
            before = len(all_recordings(client, "cam0"))
            unmounted_disk.mount()
            wait_until_all_record(client, 1)
            until(lambda: len(all_recordings(client, "cam0")) > before, "another recording")
            sent = len(cameras.camera.cameras["cam0"].frames_sent)
            until(lambda: len(cameras.camera.cameras["cam0"].frames_sent) > sent + 20, "pictures")
            for row in _finished(client, "cam0"):
                path = Path(str(row["file_path"]))
                numbers = recorded_numbers(path)
                assert None not in numbers
                assert path.stat().st_size == row["size_bytes"]
        assert "Traceback" not in server.output


def _checked(folder: Path, storage: Path) -> str:
    environment = os.environ | {"LIGHTNVR_DATA_DIR": str(folder), "LIGHTNVR_STORAGE_PATH": str(storage)}
    result = subprocess.run([COMMAND, "check"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stdout


def test_checking_tells_of_little_space_and_of_a_disk_that_is_read_only(
    tmp_path: Path, unmounted_disk: SmallDisk
) -> None:
    unmounted_disk.mount()
    said = _checked(tmp_path, unmounted_disk.path / "recordings")
    assert "BAD   free space: 0.0 GB of 0.0 GB are free\n      Recording stops when the disk is full" in said
    unmounted_disk.take_away()
    unmounted_disk.mount(read_only=True)
    said = _checked(tmp_path, unmounted_disk.path / "recordings")
    assert f"BAD   recordings folder: {unmounted_disk.path} cannot be written: Read-only file system" in said


_LOOP = 24 * 15
"""The film has so many pictures before its numbers begin again."""


def _on(client: httpx.Client, name: str, storage: str) -> list[dict[str, object]]:
    return [row for row in all_recordings(client, name) if row["storage"] == storage]


def _sends(cameras: Cameras, count: int) -> None:
    for camera in cameras.cameras.values():
        enough = len(camera.frames_sent) + count
        until(lambda cam=camera, enough=enough: len(cam.frames_sent) >= enough, "more pictures")  # type: ignore[misc]


def test_streams_go_on_elsewhere_while_their_disk_is_gone_and_return_to_it(
    tmp_path: Path, unmounted_disk: SmallDisk
) -> None:
    unmounted_disk.mount()
    environment = {
        "LIGHTNVR_STORAGE_PATH": str(unmounted_disk.path / "recordings"),
        "LIGHTNVR_STORAGE_FALLBACK_PATH": str(tmp_path / "spare"),
    }
    with several_cameras(2, film("h264", "aac")) as cameras:
        server = ServerProcess([COMMAND, "serve"], tmp_path, environment)
        with server, server.client() as client:
            add_streams(client, cameras.camera)
            names = list(cameras.camera.cameras)
            wait_until_all_record(client, 2)
            _sends(cameras.camera, 20)
            unmounted_disk.take_away()
            until(lambda: all(_on(client, name, "fallback") for name in names), "they go on elsewhere")
            assert list(unmounted_disk.path.iterdir()) == []
            health = client.get("/api/storage/health").raise_for_status().json()
            online = {storage["name"]: storage["online"] for storage in health["storages"]}
            assert online == {"main": False, "fallback": True}
            problems = client.get("/api/health").raise_for_status().json()["problems"]
            assert any(f"recorded to {tmp_path / 'spare'} meanwhile" in problem for problem in problems), problems
            for name in names:
                (row,) = _on(client, name, "main")
                assert row["offline"] is True
                refused = client.get(f"/api/recordings/play/{row['id']}")
                assert refused.status_code == 503
                assert "is not there" in refused.json()["error"]
                deleted = client.delete(f"/api/recordings/{row['id']}")
                assert deleted.status_code in {409, 503}
                (other,) = _on(client, name, "fallback")
                assert other["offline"] is False
                assert client.get(f"/api/recordings/play/{other['id']}").status_code == 200
            client.post("/api/storage/cleanup", json={"aggressive": True}).raise_for_status()
            assert client.post("/api/recordings/sync").raise_for_status().json()["unavailable"] == ["main"]
            assert not any(row["damaged"] for name in names for row in all_recordings(client, name))
            wait_until_all_record(client, 2)
            _sends(cameras.camera, 20)
            unmounted_disk.mount()
            until(lambda: all(len(_on(client, name, "main")) == 2 for name in names), "they return")
            _sends(cameras.camera, 20)
            for name in names:
                rows = _finished(client, name)
                assert [row["storage"] for row in rows] == ["main", "fallback", "main"]
                assert not any(row["offline"] or row["damaged"] for row in rows)
                numbers = [number for row in rows for number in recorded_numbers(Path(str(row["file_path"])))]
                assert None not in numbers
                assert numbers == [((numbers[0] or 0) + step) % _LOOP for step in range(len(numbers))]
        assert "Traceback" not in server.output


def test_nothing_is_touched_where_a_disk_with_recordings_is_not_mounted_at_the_start(
    tmp_path: Path, unmounted_disk: SmallDisk
) -> None:
    unmounted_disk.mount()
    environment = {
        "LIGHTNVR_STORAGE_PATH": str(unmounted_disk.path / "recordings"),
        "LIGHTNVR_STORAGE_RETENTION_DAYS": "1",
        "LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST": "true",
    }
    with several_cameras(1, film("h264", "aac")) as cameras:
        with ServerProcess([COMMAND, "serve"], tmp_path, environment) as server, server.client() as client:
            add_streams(client, cameras.camera)
            wait_until_all_record(client, 1)
            _sends(cameras.camera, 20)
        before = {path: path.read_bytes() for path in unmounted_disk.path.rglob("*.mp4")}
        assert before
        unmounted_disk.take_away()
        with ServerProcess([COMMAND, "serve"], tmp_path, environment) as server, server.client() as client:
            until(lambda: len(_failed(client)) == 1, "it says that nothing can be written")
            rows = all_recordings(client, "cam0")
            assert [row["offline"] for row in rows] == [True]
            client.post("/api/storage/cleanup", json={"aggressive": True}).raise_for_status()
            done = client.post("/api/recordings/sync").raise_for_status().json()
            assert (done["unavailable"], done["missing"], done["added"]) == (["main"], 0, 0)
            assert all_recordings(client, "cam0") == rows
            assert list(unmounted_disk.path.iterdir()) == []
            unmounted_disk.mount()
            until(lambda: not any(row["offline"] for row in all_recordings(client, "cam0")), "it is back")
            assert client.get(f"/api/recordings/play/{rows[0]['id']}").status_code == 200
        assert {path: path.read_bytes() for path in before} == before
