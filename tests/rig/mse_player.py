"""A player of MSE over a WebSocket that keeps everything it is given."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from tests.rig.footage import Footage, footage
from tests.rig.nvr import eventually

EVERYTHING = "avc1.640029,avc1.64002A,hvc1.1.6.L153.B0,av01.0.04M.08,mp4a.40.2,mp4a.40.5,mp4a.6B,flac,opus"
"""What a browser that plays everything says."""


@dataclass(slots=True)
class PlayedFile:
    """What belongs to one init segment."""

    init: bytes
    fragments: list[bytes]

    @property
    def content(self) -> bytes:
        """All of it."""
        return self.init + b"".join(self.fragments)

    def runs(self, track_id: int) -> list[TrackRun]:
        """The runs of one track."""
        found: list[TrackRun] = []
        for fragment in self.fragments:
            moof = fragment[: int.from_bytes(fragment[:4], "big")]
            found += [run for run in parse_moof(moof) if run.track_id == track_id]
        return found


class MsePlayer:
    """One connection. `messages` are the texts it got, `files` the media."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, str]] = []
        self.files: list[PlayedFile] = []
        self.closed: tuple[int, str] | None = None

    async def say(self, message: object) -> None:
        """Send a message."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def ask(self, codecs: str = EVERYTHING) -> None:
        """Say what can be played."""
        await self.say({"type": "mse", "value": codecs})

    def of_type(self, kind: str) -> list[str]:
        """The values of all messages of one type."""
        return [message["value"] for message in self.messages if message["type"] == kind]

    @property
    def fragments(self) -> int:
        """How many fragments came."""
        return sum(len(file.fragments) for file in self.files)

    async def until(self, condition: Callable[["MsePlayer"], bool], what: str = "") -> None:
        """Wait for something that is to come."""
        await eventually(lambda: condition(self), lambda: f"{what}: {self.messages} {self.fragments} {self.closed}")

    async def footage(self) -> list[Footage]:
        """Watch what came, decoded in a thread."""
        contents = [file.content for file in self.files]
        return await asyncio.to_thread(lambda: [footage(content) for content in contents])

    async def numbers(self) -> list[int | None]:
        """The numbers on all pictures."""
        return [number for part in await self.footage() for number in part.numbers]

    async def listen(self) -> None:
        """Take what comes until the connection is closed."""
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    self.messages.append(json.loads(message))
                elif message[4:8] == b"ftyp":
                    self.files.append(PlayedFile(message, []))
                else:
                    self.files[-1].fragments.append(message)
        except ConnectionClosed:
            pass
        self.closed = (self.socket.close_code or 0, self.socket.close_reason or "")


@asynccontextmanager
async def mse_player(
    port: int, name: str, *, path: str = "/api/ws", query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[MsePlayer]:
    """Connect while the context is open."""
    url = f"ws://127.0.0.1:{port}{path}?src={quote(name, safe='')}{query}"
    async with connect(url, max_size=None, additional_headers=headers, proxy=None) as socket:
        player = MsePlayer(socket)
        listening = asyncio.create_task(player.listen())
        try:
            yield player
        finally:
            listening.cancel()
            await asyncio.wait([listening])
