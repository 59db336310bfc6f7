"""Recording several cameras at the same time, so that their tests wait together."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from lightnvr.streams.status import StreamStatus
from tests.cameras import HttpCamera, RtspCamera
from tests.rig.footage import Footage, all_footage
from tests.rig.nvr import Nvr, Row, WatchedStream, eventually

Key = TypeVar("Key")
AnyCamera = RtspCamera | HttpCamera
Cast = Mapping[Key, tuple[AbstractAsyncContextManager[AnyCamera], Mapping[str, object]]]
"""Cameras by what they are called, each with the members of the stream that records it."""


@dataclass(frozen=True, slots=True)
class Take(Generic[Key]):
    """What came of one camera: its files, their rows, its status while it was recorded, what it sent."""

    key: Key
    parts: list[Footage]
    rows: list[Row]
    status: StreamStatus
    sent: list[int]
    connections: int

    @property
    def only(self) -> Footage:
        """The one file that there is."""
        (part,) = self.parts
        return part


async def record_several(nvr: Nvr, cast: Cast[Key], frames: int) -> dict[Key, Take[Key]]:
    """Record each camera until it has sent so many frames since all of them are connected."""
    async with AsyncExitStack() as stack:
        cameras: dict[Key, AnyCamera] = {}
        streams: dict[Key, WatchedStream] = {}
        for key, (context, members) in cast.items():
            cameras[key] = await stack.enter_async_context(context)
            streams[key] = await nvr.add(cameras[key].url, **members)
        for stream in streams.values():
            await stream.connected()
        for cam in cameras.values():
            enough = len(cam.frames_sent) + frames
            await _has_sent(cam, enough)
        takes: dict[Key, Take[Key]] = {}
        for key, stream in streams.items():
            status = stream.status
            rows = await stream.stopped()
            parts = await all_footage(Path(row["file_path"]) for row in rows)
            takes[key] = Take(key, parts, rows, status, list(cameras[key].frames_sent), cameras[key].connections_total)
        return takes


async def _has_sent(cam: AnyCamera, frames: int) -> None:
    await eventually(lambda: len(cam.frames_sent) >= frames, f"{cam.url} has sent {frames} pictures")
