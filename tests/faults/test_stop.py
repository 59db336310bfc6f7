"""Stopping finishes every file."""

import signal
from pathlib import Path

import pytest

from tests.cameras import film
from tests.rig.product import add_streams, all_recordings, several_cameras, wait_until_all_record
from tests.rig.recorded import recorded_numbers
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

_CAMERAS = 16


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_every_file_and_stores_it(tmp_path: Path, how: signal.Signals) -> None:
    with several_cameras(_CAMERAS, film("h264", "aac")) as cameras:
        # One camera stalls and one is gone: neither may hold up the others.
        server = ServerProcess([COMMAND, "serve"], tmp_path)
        with server:
            with server.client() as client:
                add_streams(client, cameras.camera)
                client.post("/api/streams", json={"name": "gone", "url": "rtsp://127.0.0.1:9/gone"}).raise_for_status()
                wait_until_all_record(client, _CAMERAS)
            cameras.do(lambda all_of_them: all_of_them.cameras["cam3"].pause())
            count = len(cameras.camera.cameras["cam0"].frames_sent)
            until(lambda: len(cameras.camera.cameras["cam0"].frames_sent) > count + 20, "a second has passed")
            assert server.stop(how) == 0
            assert "Traceback" not in server.output
        files = sorted((tmp_path / "data" / "recordings" / "mp4").rglob("*.mp4"))
        assert len(files) == _CAMERAS
        for path in files:
            assert _top_level(path) == [b"ftyp", b"mdat", b"moov"]
            assert None not in recorded_numbers(path)
        with server, server.client() as client:
            for name in cameras.camera.cameras:
                recording = all_recordings(client, name)[0]
                assert recording["complete"]
                assert recording["size_bytes"] == Path(str(recording["file_path"])).stat().st_size


def _top_level(path: Path) -> list[bytes]:
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        found.append(kind)
        at += int.from_bytes(content[at + 8 : at + 16]) if size == 1 else size
    return found
