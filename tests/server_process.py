"""LightNVR as its users run it: a command in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

COMMAND = Path(sys.executable).with_name("lightnvr")
ADMIN_PASSWORD = "correct horse battery"
_START_SECONDS = 90
_STOP_SECONDS = 30
_POLL_SECONDS = 0.1


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class ServerProcess:
    """A command that serves LightNVR on `url` until it is stopped; what it prints goes to a file in `folder`.

    The data directory is `folder`/data, the password of admin is ADMIN_PASSWORD. Raises RuntimeError with what the
    command printed when it does not answer.
    """

    def __init__(
        self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._log = folder / "output.txt"
        self._port = free_port()
        self._environment = {
            **os.environ,
            "LIGHTNVR_DATA_DIR": str(folder / "data"),
            "LIGHTNVR_WEB_PORT": str(self._port),
            "LIGHTNVR_WEB_BIND_IP": "127.0.0.1",
            "LIGHTNVR_ADMIN_PASSWORD": ADMIN_PASSWORD,
            # How full the disk of the tests is must not matter.
            "LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST": "false",
            "LIGHTNVR_RTSP_PORT": "0",
            "LIGHTNVR_WEBRTC_PORT": "0",
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the page, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._running().pid

    @property
    def status(self) -> int | None:
        """With which status it ended; None while it runs."""
        return self._running().poll()

    def wait(self) -> int:
        """Wait until it ends by itself, and return its status."""
        return self._running().wait(_STOP_SECONDS)

    @property
    def output(self) -> str:
        """Everything the command has printed so far."""
        return self._log.read_text(errors="replace")

    def client(self) -> httpx.Client:
        """Return a client that is logged in as admin."""
        return httpx.Client(base_url=self.url, auth=("admin", ADMIN_PASSWORD), timeout=30)

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers(self._process)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop(signal.SIGTERM)

    def stop(self, how: signal.Signals) -> int:
        """Send a signal to the command and all it started, as a terminal does, and return its exit status."""
        process = self._running()
        os.killpg(process.pid, how)
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"It did not stop after {how.name}. It printed:\n{self.output}") from None

    def kill(self) -> None:
        """End it at once, with all it started."""
        process = self._running()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("The command was not started.")
        return self._process

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"It ended with status {process.returncode}. It printed:\n{self.output}")
            try:
                if httpx.get(f"{self.url}/api/health", timeout=5).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_POLL_SECONDS)
        raise RuntimeError(f"It did not answer within {_START_SECONDS} s. It printed:\n{self.output}")
