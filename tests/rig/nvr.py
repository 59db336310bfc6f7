"""A LightNVR with quick settings that runs inside the test's event loop, and the streams a test gives it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from lightnvr.app import RunningServer, running
from lightnvr.config import Settings
from lightnvr.live.connections import ViewerLimits
from lightnvr.streams.status import RecordingState, StreamState, StreamStatus
from lightnvr.wiring import plan_for
from tests.rig.footage import Footage, all_footage
from tests.server_process import free_port

PATIENCE_S = 40.0
"""After this it will never happen."""

Row = dict[str, Any]
"""An object of the API as it is on the wire."""


async def eventually(condition: Callable[[], bool], what: str | Callable[[], str]) -> None:
    """Return when the condition holds; fails when it does not come to hold."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while not condition():
        assert loop.time() < ends, f"this never happened: {what if isinstance(what, str) else what()}"
        await asyncio.sleep(0.01)


class WatchedStream:
    """A stream of the server: what it is doing, and what was recorded of it."""

    def __init__(self, nvr: "Nvr", row: Row) -> None:
        self.nvr = nvr
        self.id: int = row["id"]
        self.name: str = row["name"]
        self.folder = "".join(c if c.isalnum() or c == "-" else "_" for c in self.name)

    @property
    def path(self) -> str:
        """Its place in the API."""
        return f"/api/streams/{quote(self.name, safe='')}"

    @property
    def status(self) -> StreamStatus:
        """What it is doing now."""
        return self.nvr.server.fleet.status(self.id)

    async def view(self) -> Row:
        """The stream as the API shows it."""
        return await self.nvr.get(self.path)

    async def change(self, **members: object) -> None:
        """Change it through the API."""
        answer = await self.nvr.client.put(self.path, json=members)
        assert answer.status_code == 200, answer.text

    async def in_state(self, state: StreamState) -> StreamStatus:
        """Wait until the stream is in this state."""
        await eventually(lambda: self.status.state is state, lambda: f"{state}, but {self.status}")
        return self.status

    async def connected(self) -> StreamStatus:
        """Wait until the camera is connected and recorded."""
        await self.in_state(StreamState.CONNECTED)
        await eventually(
            lambda: self.status.recording is RecordingState.RECORDING, lambda: f"recording, but {self.status}"
        )
        return self.status

    async def recordings(self) -> list[Row]:
        """Its recordings as the API lists them, the oldest first."""
        query = {"stream": self.name, "order": "asc", "limit": "all"}
        answer = await self.nvr.get("/api/recordings", **query)
        rows: list[Row] = answer["recordings"]
        return rows

    async def has_recordings(self, condition: Callable[[list[Row]], bool], what: str) -> list[Row]:
        """Wait until the list of its recordings is as wanted, and return it."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE_S
        while not condition(rows := await self.recordings()):
            assert loop.time() < ends, f"this never happened: {what}; {rows}"
            await asyncio.sleep(0.05)
        return rows

    @property
    def files(self) -> set[Path]:
        """The files that there are on the disk."""
        return set((self.nvr.root / "mp4" / self.folder).rglob("*.mp4"))

    async def all_finished(self) -> list[Row]:
        """Wait until every file is finished and listed, and return the recordings."""

        def settled(rows: list[Row]) -> bool:
            return {Path(row["file_path"]) for row in rows} == self.files and all(row["complete"] for row in rows)

        return await self.has_recordings(settled, "all files finished and listed")

    async def stopped(self) -> list[Row]:
        """Disable the stream, wait until every file is finished and listed, and return the recordings."""
        await self.change(enabled=False)
        return await self.all_finished()

    async def footage(self) -> list[Footage]:
        """Stop the stream and watch everything that was recorded of it, the oldest file first."""
        return await all_footage(Path(row["file_path"]) for row in await self.stopped())

    async def numbers(self) -> list[int | None]:
        """The same: the numbers on all pictures."""
        return [number for part in await self.footage() for number in part.numbers]


class Nvr:
    """A running server, a client of its API, and its storage's `root`."""

    def __init__(self, server: RunningServer, client: httpx.AsyncClient, settings: Settings) -> None:
        self.server = server
        self.client = client
        self.settings = settings
        self.root = settings.storage.path
        self._counter = itertools.count(1)

    def rtsp(self, name: str, user: str = "", password: str = "", query: str = "") -> str:
        """Where a stream can be watched by RTSP."""
        who = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else ""
        return f"rtsp://{who}127.0.0.1:{self.server.rtsp_port}/{quote(name, safe='')}{query}"

    async def get(self, path: str, **query: str) -> Row:
        """What the API answers to a GET that succeeds."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        body: Row = answer.json()
        return body

    async def add(self, url: str, **members: object) -> WatchedStream:
        """Add a stream through the API, under a name of its own unless `name` is given."""
        body = {"name": f"camera {next(self._counter)}", "url": url, **members}
        answer = await self.client.post("/api/streams", json=body)
        assert answer.status_code == 201, answer.text
        return WatchedStream(self, answer.json()["stream"])

    async def cut_every(self, seconds: float, stream: WatchedStream) -> None:
        """Record a stream in segments shorter than the API allows."""
        stored = await self.server.catalog.find(stream.name)
        plan = plan_for(stored, self.settings.streams)
        assert plan.recording is not None
        await self.server.fleet.start([replace(plan, recording=replace(plan.recording, segment_duration_s=seconds))])


def quick_settings(
    folder: Path,
    *,
    rtsp: bool = False,
    password: str = "",
    cors_origins: str = "",
    detection: Row | None = None,
    **storage: object,
) -> Settings:
    """Settings with short patience, everything in `folder`, any free port, and no login.

    With a `password` there is a login: that of admin. With `rtsp` there is an RTSP server.
    """
    settings = Settings.model_validate(
        {
            "general": {"data_dir": folder},
            # How full the disk of the tests is must not matter.
            "storage": {"auto_delete_oldest": False, **storage},
            "web": {"auth_enabled": bool(password), "password": password, "bind_ip": "127.0.0.1"},
            "live": {
                "rtsp_port": free_port() if rtsp else 0,
                "webrtc_port": 0,
                "hls_segment_s": 1,
                "cors_origins": cors_origins,
            },
            "detection": detection or {},
            "streams": {"max_streams": 256, "connect_timeout_s": 2, "stall_timeout_s": 2},
        }
    )
    return settings.model_copy(update={"web": settings.web.model_copy(update={"port": 0})})


@asynccontextmanager
async def running_nvr(
    folder: Path,
    *,
    rtsp: bool = False,
    password: str = "",
    cors_origins: str = "",
    viewer_limits: ViewerLimits | None = None,
    detection: Row | None = None,
    **storage: object,
) -> AsyncIterator[Nvr]:
    """Run a server with quick settings while the context is open; `storage` and `detection` are those of the sections.

    The client is logged in as admin when there is a `password`.
    """
    settings = quick_settings(
        folder, rtsp=rtsp, password=password, cors_origins=cors_origins, detection=detection, **storage
    )
    async with (
        running(settings, show_password=False, viewer_limits=viewer_limits) as server,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{server.port}", timeout=30, auth=("admin", password) if password else None
        ) as client,
    ):
        yield Nvr(server, client, settings)
