"""An RTMP test camera: enough of Adobe's protocol for a player to connect to it and watch."""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from lightnvr.demo.clip import Clip
from tests.cameras import amf0
from tests.cameras.chunks import COMMAND, PEER_BANDWIDTH, USER_CONTROL, WINDOW_SIZE, ChunkReader, ChunkWriter, Message
from tests.cameras.films import film
from tests.cameras.muxing import FLV_HEADER_BYTES, Moment, Programme, ProgrammeMuxer
from tests.cameras.streaming import StreamingCamera
from tests.cameras.timestamps import Edit, FlvEditor

_APPLICATION, _NAME = "live", "stream"
_VERSION = b"\x03"
_HANDSHAKE_BYTES = 1536
_WINDOW_BYTES = (2_500_000).to_bytes(4, "big")
_STREAM = 1
_TAG_HEADER_BYTES, _TAG_TAIL_BYTES = 11, 4


class RtmpCamera(StreamingCamera):
    """Lets everybody play `live/stream` who names the right user and password in the query, as cameras do."""

    def __init__(
        self,
        programme: Programme,
        *,
        edit: Edit | None,
        speed: float,
        credentials: tuple[str, str] | None,
        chunk_size: int,
        hangs: bool,
    ) -> None:
        super().__init__(programme, speed)
        self._edit = edit
        self._credentials = credentials
        self._chunk_size = chunk_size
        self._hangs = hangs

    @property
    def url(self) -> str:
        if self._credentials is None:
            return f"rtmp://127.0.0.1:{self.port}/{_APPLICATION}/{_NAME}"
        return self.url_as(*self._credentials)

    def url_as(self, user: str, password: str) -> str:
        """Its URL with other credentials."""
        query = urlencode({"user": user, "password": password})
        return f"rtmp://127.0.0.1:{self.port}/{_APPLICATION}/{_NAME}?{query}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _shake_hands(reader, writer)
        chunks = ChunkWriter(self._chunk_size)
        messages = ChunkReader(reader)
        while True:
            message = await messages.message()
            if message.kind != COMMAND:
                continue
            name, transaction, *arguments = amf0.decode(message.content)
            if self._hangs and name == "play":
                await asyncio.Event().wait()
            if name == "connect":
                writer.write(_connected(chunks, transaction))
            elif name == "createStream":
                writer.write(chunks.chunks(_command("_result", transaction, None, float(_STREAM))))
            elif name == "play" and not self._may_play(arguments[1]):
                status = _status("error", "NetStream.Play.StreamNotFound")
                writer.write(chunks.chunks(_command("onStatus", 0.0, None, status, stream=_STREAM)))
            elif name == "play":
                begin = Message(USER_CONTROL, bytes((0, 0)) + _STREAM.to_bytes(4, "big"))
                started = _command("onStatus", 0.0, None, _status("status", "NetStream.Play.Start"), stream=_STREAM)
                writer.write(chunks.chunks(begin) + chunks.chunks(started))
                await self._show(writer, self._converter(chunks))
                return
            await writer.drain()

    def _may_play(self, named: amf0.Value) -> bool:
        query = (
            ""
            if self._credentials is None
            else "?" + urlencode(dict(zip(("user", "password"), self._credentials, strict=True)))
        )
        return named == _NAME + query

    def _converter(self, chunks: ChunkWriter) -> Callable[[Moment], bytes]:
        muxer = ProgrammeMuxer("flv")
        editor = None if self._edit is None else FlvEditor(self._edit)
        tags = _TagSplitter()

        def convert(moment: Moment) -> bytes:
            flv = muxer.mux(moment)
            return b"".join(map(chunks.chunks, tags.feed(flv if editor is None else editor.feed(flv))))

        return convert


class _TagSplitter:
    """An RTMP message is what a tag of an FLV file holds (Flash Video File Format Specification 10.1, annex E.4)."""

    def __init__(self) -> None:
        self._rest = b""
        self._head_missing = FLV_HEADER_BYTES

    def feed(self, flv: bytes) -> list[Message]:
        skipped = min(self._head_missing, len(flv))
        self._head_missing -= skipped
        rest, messages = self._rest + flv[skipped:], []
        while len(rest) >= _TAG_HEADER_BYTES:
            end = _TAG_HEADER_BYTES + int.from_bytes(rest[1:4], "big")
            if len(rest) < end + _TAG_TAIL_BYTES:
                break
            time_ms = int.from_bytes(rest[7:8] + rest[4:7], "big")
            messages.append(Message(rest[0], rest[_TAG_HEADER_BYTES:end], time_ms, _STREAM))
            rest = rest[end + _TAG_TAIL_BYTES :]
        self._rest = rest
        return messages


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    theirs = await reader.readexactly(1 + _HANDSHAKE_BYTES)
    ours = bytes(8) + secrets.token_bytes(_HANDSHAKE_BYTES - 8)
    writer.write(_VERSION + ours + theirs[1:])
    await writer.drain()
    await reader.readexactly(_HANDSHAKE_BYTES)


def _connected(chunks: ChunkWriter, transaction: amf0.Value) -> bytes:
    result = _command(
        "_result",
        transaction,
        {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0},
        _status("status", "NetConnection.Connect.Success"),
    )
    window = Message(WINDOW_SIZE, _WINDOW_BYTES)
    bandwidth = Message(PEER_BANDWIDTH, _WINDOW_BYTES + b"\x02")
    return b"".join(map(chunks.chunks, (window, bandwidth, chunks.announcement, result)))


def _command(*values: amf0.Value, stream: int = 0) -> Message:
    return Message(COMMAND, amf0.encode(*values), stream=stream)


def _status(level: str, code: str) -> amf0.Value:
    return {"level": level, "code": code, "description": code}


@asynccontextmanager
async def rtmp_camera(
    *clips: Clip,
    repeat_from: int = 0,
    edit: Edit | None = None,
    speed: float = 1.0,
    flood: bool = False,
    credentials: tuple[str, str] | None = None,
    chunk_size: int = 1000,
    hangs: bool = False,
    started: bool = True,
) -> AsyncIterator[RtmpCamera]:
    """Runs an RTMP camera in the current event loop.

    Shows numbered H.264 frames unless clips are given, which follow each other without a break, then again from
    `repeat_from`. `edit` falsifies the timestamps of video. `hangs`: the request to play is never answered.
    """
    programme = Programme(clips or (await asyncio.to_thread(film),), repeat_from)
    cam = RtmpCamera(
        programme,
        edit=edit,
        speed=math.inf if flood else speed,
        credentials=credentials,
        chunk_size=chunk_size,
        hangs=hangs,
    )
    try:
        if started:
            await cam.start()
        yield cam
    finally:
        await cam.stop()
