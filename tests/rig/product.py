"""The product on real cameras: a server process and several cameras, each in its own thread."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import httpx

from lightnvr.demo.clip import Clip
from tests.cameras import InThread, RtspCamera, camera, in_thread
from tests.rig.waiting import until


class Cameras:
    """Several cameras; the name of each is `cam0`, `cam1`..."""

    def __init__(self, cameras: list[RtspCamera]) -> None:
        self.cameras = {f"cam{number}": camera for number, camera in enumerate(cameras)}

    def numbers_sent(self) -> dict[str, int]:
        """The number of the picture that each camera sent last."""
        return {name: camera.frames_sent[-1] for name, camera in self.cameras.items()}


@contextmanager
def several_cameras(count: int, *films: Clip) -> Iterator[InThread[Cameras]]:
    """Run `count` cameras that show these films in one thread."""

    @asynccontextmanager
    async def run() -> AsyncIterator[Cameras]:
        async with AsyncExitStack() as stack:
            yield Cameras([await stack.enter_async_context(camera(*films)) for _ in range(count)])

    with in_thread(run) as running:
        yield running


def add_streams(client: httpx.Client, cameras: Cameras, **settings: object) -> None:
    """Set up a stream for each camera."""
    for name, one in cameras.cameras.items():
        client.post("/api/streams", json={"name": name, "url": one.url, **settings}).raise_for_status()


def wait_until_all_record(client: httpx.Client, count: int) -> None:
    """Wait until so many streams are connected and being written."""

    def recording() -> bool:
        streams = client.get("/api/streams").raise_for_status().json()["streams"]
        return [stream["recording"] for stream in streams].count("recording") == count

    until(recording, "every camera is recorded")


def all_recordings(client: httpx.Client, stream: str) -> list[dict[str, object]]:
    """Return the recordings of a stream as the API lists them, oldest first."""
    answer = client.get("/api/recordings", params={"stream": stream, "limit": "all", "order": "asc"})
    recordings: list[dict[str, object]] = answer.raise_for_status().json()["recordings"]
    return recordings
