"""A disk that is read-only or gone stops recording with a clear word, and recording goes on by itself afterwards."""

import os
import subprocess
from pathlib import Path

import httpx

from tests.cameras import film
from tests.faults.conftest import SmallDisk
from tests.rig.product import add_streams, all_recordings, several_cameras, wait_until_all_record
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
