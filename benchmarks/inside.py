"""A server in a thread of the benchmark, for what cannot be seen from outside: when a stream's state changes."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvloop

from benchmarks.processes import NeverHappened
from lightnvr.app import running
from lightnvr.config import Settings
from lightnvr.events.edges import Edge

_PASSWORD = "a password for measurements"
_PATIENCE_S = 60.0


class StateChanges:
    """Implements `Witness`: notes when streams that had no reason got one, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.began_at: list[float] = []

    def began(self, _edge: Edge) -> None:
        """See Witness."""
        self.began_at.append(time.monotonic())

    def went_on(self, _edge: Edge) -> None:
        """See Witness."""

    def ended(self, _stream_id: int, _at_us: int) -> None:
        """See Witness."""


@contextmanager
def server_inside(folder: Path, changes: StateChanges) -> Iterator[httpx.Client]:
    """Run a server and note its changes of state while the context is open; gives a client. Raises NeverHappened."""
    settings = Settings.model_validate(
        {
            "general": {"data_dir": folder},
            "web": {"password": _PASSWORD, "bind_ip": "127.0.0.1"},
            "live": {"rtsp_port": 0, "webrtc_port": 0},
        }
    )
    settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": 0})})
    loop, over, listens = uvloop.new_event_loop(), asyncio.Event(), threading.Event()
    port = 0

    async def serve() -> None:
        nonlocal port
        async with running(settings, show_password=False) as server:
            server.reactions.tell(changes)
            port = server.port
            listens.set()
            await over.wait()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        if not listens.wait(_PATIENCE_S):
            raise NeverHappened("The server in this process did not start.")
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, auth=("admin", _PASSWORD), timeout=_PATIENCE_S, trust_env=False) as client:
            yield client
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(over.set)
        thread.join()
