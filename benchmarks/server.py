"""LightNVR as its users run it: `lightnvr serve` in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from benchmarks.mp4_file import has_media, newest
from benchmarks.processes import NeverHappened, wait_until

_COMMAND = Path(sys.executable).with_name("lightnvr")
_PASSWORD = "a password for measurements"
_PATIENCE_S = 60.0
_TAIL = 4000


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera to be recorded."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording as the API lists it."""

    id: int
    file: Path
    complete: bool


class LightNvr:
    """A server on a data folder; `start` and an end (`stop` or `kill`) may follow each other any number of times."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._port = _free_port()
        self.rtsp_port = _free_port()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LIGHTNVR_", "PYTHON"))},
            "LIGHTNVR_ADMIN_PASSWORD": _PASSWORD,
            "LIGHTNVR_STREAMS_MAX_STREAMS": "256",
            "LIGHTNVR_RTSP_PORT": str(self.rtsp_port),
            "LIGHTNVR_WEBRTC_PORT": "0",
            "LIGHTNVR_GO2RTC_STUN_ENABLED": "false",
            "LIGHTNVR_LIVE_MAX_VIEWERS": "1024",
            "LIGHTNVR_LIVE_WEBRTC_MAX_VIEWERS": "1024",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        url = f"http://127.0.0.1:{self._port}"
        self._client = httpx.Client(base_url=url, auth=("admin", _PASSWORD), timeout=_PATIENCE_S, trust_env=False)

    @property
    def url(self) -> str:
        """The address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url_with_password(self) -> str:
        """The same with the credentials in it, for programs that take them there."""
        return self.url.replace("//", f"//admin:{quote(_PASSWORD)}@", 1)

    @property
    def rtsp_url(self) -> str:
        """The address of the RTSP server, with the credentials."""
        return f"rtsp://admin:{quote(_PASSWORD)}@127.0.0.1:{self.rtsp_port}"

    @property
    def client(self) -> httpx.Client:
        """A client that is logged in."""
        return self._client

    def rtsp(self, stream: str) -> str:
        """Where a stream can be watched by RTSP."""
        return f"{self.rtsp_url}/{stream}"

    def ticket(self, stream: str) -> str:
        """Return a ticket for the live view of a stream. Raises httpx.HTTPError."""
        ticket: str = self._client.post(f"/api/streams/{stream}/ticket").raise_for_status().json()["ticket"]
        return ticket

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._running().pid

    @property
    def footage(self) -> Path:
        """The folder that holds a folder for each stream."""
        return self._data_dir / "recordings" / "mp4"

    def start(self) -> float:
        """Start the process and return the seconds until the API answers. Raises NeverHappened."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [_COMMAND, "serve", "--data-dir", self._data_dir]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        with (self._data_dir / "output.txt").open("ab") as log:
            began = time.monotonic()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, cwd=self._data_dir
            )
        wait_until(self._answers, "the API answers", every_s=0.01)
        return time.monotonic() - began

    def stop(self) -> float:
        """End the process with SIGTERM and return the seconds it took. Raises NeverHappened."""
        process, began = self._running(), time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NeverHappened(f"The server did not end within {_PATIENCE_S:g} s of SIGTERM.") from None
        if status:
            raise NeverHappened(f"The server ended with status {status}. It printed:\n{self._printed()}")
        return time.monotonic() - began

    def kill(self) -> None:
        """End the process at once, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End everything."""
        self.kill()
        self._client.close()

    def add(self, cameras: Iterable[Camera], *, segment_s: int = 900) -> None:
        """Set cameras up. Raises httpx.HTTPError."""
        for camera in cameras:
            body = {"name": camera.name, "url": camera.url, "record": True, "segment_duration": segment_s}
            self._client.post("/api/streams", json=body).raise_for_status()

    def wait_until_recording(self, cameras: Iterable[Camera], since: set[Path] | None = None) -> float:
        """Return the seconds until each camera has a recording with media in it that is not in `since`.

        The folder is looked at rather than the API asked, so that the server is left alone.
        """
        before = since or set()
        waiting = {camera.name for camera in cameras}

        def all_are() -> bool:
            for name in tuple(waiting):
                latest = newest(self.footage / name)
                if latest is not None and latest not in before and has_media(latest):
                    waiting.discard(name)
            return not waiting

        try:
            return wait_until(all_are, "every camera is recorded", every_s=0.02)
        except NeverHappened as failure:
            raise NeverHappened(
                f"{failure} Missing: {', '.join(sorted(waiting))}. It printed:\n{self._printed()}"
            ) from None

    def recordings(self) -> list[Listed]:
        """Return every recording, newest first."""
        answer = self._client.get("/api/recordings", params={"limit": "all"}).raise_for_status().json()
        return [Listed(item["id"], Path(item["file_path"]), item["complete"]) for item in answer["recordings"]]

    def _answers(self) -> bool:
        process = self._running()
        if process.poll() is not None:
            raise NeverHappened(f"The server ended at once. It printed:\n{self._printed()}")
        try:
            return self._client.get("/api/health", auth=None).is_success
        except httpx.TransportError:
            return False

    def _printed(self) -> str:
        return (self._data_dir / "output.txt").read_text(errors="replace")[-_TAIL:]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise NeverHappened("The server was not started.")
        return self._process


@contextmanager
def lightnvr_server(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[LightNvr]:
    """Give a server that is not started yet; it is ended when the context is left."""
    server = LightNvr(data_dir, environment or {})
    try:
        yield server
    finally:
        server.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
