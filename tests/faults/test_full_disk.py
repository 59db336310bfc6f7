"""A full disk stops what cannot be written, damages nothing, and is left behind by itself."""

import contextlib
from pathlib import Path

import httpx

from tests.cameras import film
from tests.rig.product import add_streams, all_recordings, several_cameras, wait_until_all_record
from tests.rig.recorded import recorded_numbers
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess


def _states(client: httpx.Client) -> list[dict[str, str]]:
    streams: list[dict[str, str]] = client.get("/api/streams").raise_for_status().json()["streams"]
    return streams


def test_a_full_disk_stops_recording_clearly_and_recording_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    with several_cameras(2, film("h264", "aac")) as cameras:
        environment = {"LIGHTNVR_STORAGE_PATH": str(small_disk / "recordings")}
        server = ServerProcess([COMMAND, "serve"], tmp_path, environment)
        with server, server.client() as client:
            add_streams(client, cameras.camera)
            wait_until_all_record(client, 2)
            before = {name: len(all_recordings(client, name)) for name in cameras.camera.cameras}
            _fill(small_disk / "ballast")
            until(lambda: all(state["recording"] == "failed" for state in _states(client)), "the disk is full")
            for state in _states(client):
                assert "No space left on device" in state["recording_error"]
                assert state["status"] == "connected"
            assert client.get("/api/health").is_success
            (small_disk / "ballast").unlink()
            wait_until_all_record(client, 2)
            until(lambda: all(len(all_recordings(client, name)) >= count for name, count in before.items()), "")
        for name in cameras.camera.cameras:
            for path in sorted((small_disk / "recordings" / "mp4" / name).rglob("*.mp4")):
                numbers = recorded_numbers(path)
                first = numbers[0]
                assert first is not None
                assert numbers == [(first + step) % 360 for step in range(len(numbers))]
    with server, server.client() as client:
        for name in cameras.camera.cameras:
            client.put(f"/api/streams/{name}", json={"enabled": False}).raise_for_status()

        def recordings() -> list[dict[str, object]]:
            return [recording for name in cameras.camera.cameras for recording in all_recordings(client, name)]

        until(lambda: all(recording["complete"] for recording in recordings()), "everything is finished")
        for recording in recordings():
            assert Path(str(recording["file_path"])).stat().st_size == recording["size_bytes"]


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(64 * 1024))
