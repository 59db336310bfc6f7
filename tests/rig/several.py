"""Recording several cameras at the same time, so that their tests wait together."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from lightnvr.streams.status import StreamStatus
from tests.cameras import HttpCamera, RtmpCamera, RtspCamera
from tests.rig.footage import Footage, all_footage
from tests.rig.nvr import Nvr, Row, WatchedStream, eventually

Key = TypeVar("Key")
AnyCamera = RtspCamera | RtmpCamera | HttpCamera
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
    cameras: dict[Key, AnyCamera] = {}
    streams: dict[Key, WatchedStream] = {}
    async with AsyncExitStack() as stack:
        for key, (context, members) in cast.items():
            cameras[key] = await stack.enter_async_context(context)
            streams[key] = await nvr.add(cameras[key].url, **members)
        for stream in streams.values():
            await stream.connected()
        enough = {key: len(cam.frames_sent) + frames for key, cam in cameras.items()}
        for key, cam in cameras.items():
            await _has_sent(cam, enough[key])
        statuses = {key: stream.status for key, stream in streams.items()}
        for stream in streams.values():
            await stream.change(enabled=False)
        rows = {key: await stream.all_finished() for key, stream in streams.items()}
    return {
        key: Take(
            key,
            await all_footage(Path(row["file_path"]) for row in rows[key]),
            rows[key],
            statuses[key],
            list(cam.frames_sent),
            cam.connections_total,
        )
        for key, cam in cameras.items()
    }


async def _has_sent(cam: AnyCamera, frames: int) -> None:
    await eventually(lambda: len(cam.frames_sent) >= frames, f"{cam.url} has sent {frames} pictures")
