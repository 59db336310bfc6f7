"""Clients that take what they are given slowly, or not at all, do not hold up a stop."""

import contextlib
import signal
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.cameras import camera, film, in_thread
from tests.rig.product import all_recordings
from tests.rig.waiting import until
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess

_MORE_THAN_BUFFERS_HOLD = 24 * 1024 * 1024
_CLIENTS = 20


@contextlib.contextmanager
def _never_reading(url: str, path: str) -> Iterator[list[socket.socket]]:
    host, port = url.removeprefix("http://").split(":")
    login = b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {login}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(_CLIENTS)]
        for client in clients:
            client.sendall(request)
            assert client.recv(15).startswith(b"HTTP/1.1 200 OK")
        yield clients


def test_stopping_does_not_wait_for_clients_that_do_not_read(tmp_path: Path) -> None:
    clip = film("mjpeg", width=640, height=480)
    with in_thread(lambda: camera(clip, speed=20)) as cam:
        server = ServerProcess([COMMAND, "serve"], tmp_path)
        with server, server.client() as client:
            client.post("/api/streams", json={"name": "door", "url": cam.camera.url}).raise_for_status()
            until(lambda: _size(client) > _MORE_THAN_BUFFERS_HOLD, "a large recording")
            recording = all_recordings(client, "door")[0]["id"]
            # While the file is being written, and while somebody waits for a request that never comes.
            with (
                _never_reading(server.url, f"/api/recordings/play/{recording}"),
                _never_reading(server.url, f"/api/recordings/download/{recording}"),
                socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))),
            ):
                assert client.get("/api/health").is_success
                assert server.stop(signal.SIGTERM) == 0
        assert "Traceback" not in server.output
        assert "shutdown exceeded" not in server.output
        with server, server.client() as client:
            first = all_recordings(client, "door")[0]
            assert first["complete"]
            assert first["size_bytes"] == Path(str(first["file_path"])).stat().st_size


def _size(client: httpx.Client) -> int:
    return sum(int(str(recording["size_bytes"])) for recording in all_recordings(client, "door"))
