"""RTMP messages cut into chunks (Adobe's Real Time Messaging Protocol 1.0, section 5.3)."""

import asyncio
from dataclasses import dataclass, field

SET_CHUNK_SIZE, USER_CONTROL, WINDOW_SIZE, PEER_BANDWIDTH = 1, 4, 5, 6
AUDIO, VIDEO, SCRIPT, COMMAND = 8, 9, 18, 20

_EXTENDED = 0xFFFFFF
_FIRST_CHUNK_SIZE = 128


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `time_ms` has 32 bits; `stream` is 0 for the connection itself."""

    kind: int
    content: bytes
    time_ms: int = 0
    stream: int = 0


@dataclass(slots=True)
class _Header:
    time_ms: int = 0
    step_ms: int = 0
    size: int = 0
    kind: int = 0
    stream: int = 0
    extended: bool = False
    content: bytearray = field(default_factory=bytearray)


class ChunkReader:
    """Puts messages together from the chunks of several chunk streams that are woven into each other."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._headers: dict[int, _Header] = {}
        self._chunk_size = _FIRST_CHUNK_SIZE

    async def message(self) -> Message:
        """The next whole message. Raises asyncio.IncompleteReadError at the end."""
        while True:
            header = await self._chunk()
            if len(header.content) < header.size:
                continue
            content = bytes(header.content)
            header.content.clear()
            if header.kind == SET_CHUNK_SIZE:
                self._chunk_size = int.from_bytes(content[:4], "big")
                continue
            return Message(header.kind, content, header.time_ms, header.stream)

    async def _chunk(self) -> _Header:
        first = (await self._reader.readexactly(1))[0]
        form, chunk_stream = first >> 6, first & 0x3F
        if chunk_stream < 2:
            more = await self._reader.readexactly(chunk_stream + 1)
            chunk_stream = int.from_bytes(more, "little") + 64
        header = self._headers.setdefault(chunk_stream, _Header())
        await self._read_header(header, form)
        missing = min(header.size - len(header.content), self._chunk_size)
        header.content += await self._reader.readexactly(missing)
        return header

    async def _read_header(self, header: _Header, form: int) -> None:
        is_continued = bool(header.content)
        stated = header.step_ms
        if form < 3:
            fields = await self._reader.readexactly((11, 7, 3)[form])
            stated = int.from_bytes(fields[:3], "big")
            header.extended = stated == _EXTENDED
            if form < 2:
                header.size, header.kind = int.from_bytes(fields[3:6], "big"), fields[6]
            if form == 0:
                header.stream = int.from_bytes(fields[7:11], "little")
        if header.extended:
            stated = int.from_bytes(await self._reader.readexactly(4), "big")
        if form == 0:
            header.time_ms, header.step_ms = stated, 0
        elif not is_continued:
            header.step_ms = stated
            header.time_ms = header.time_ms + stated & 0xFFFFFFFF


class ChunkWriter:
    """Cuts messages into chunks; audio, video and commands have chunk streams of their own."""

    def __init__(self, chunk_size: int) -> None:
        """`chunk_size` in bytes holds from the next message on, which should be `announcement`."""
        self._chunk_size = chunk_size

    @property
    def announcement(self) -> Message:
        """What tells the other side the size of chunks."""
        return Message(SET_CHUNK_SIZE, self._chunk_size.to_bytes(4, "big"))

    def chunks(self, message: Message) -> bytes:
        """The message on the wire."""
        chunk_stream = {AUDIO: 4, VIDEO: 6, SCRIPT: 5, COMMAND: 3}.get(message.kind, 2)
        short = min(message.time_ms, _EXTENDED)
        extension = message.time_ms.to_bytes(4, "big") if short == _EXTENDED else b""
        head = short.to_bytes(3, "big") + len(message.content).to_bytes(3, "big") + bytes((message.kind,))
        wire = bytearray((chunk_stream,)) + head + message.stream.to_bytes(4, "little") + extension
        wire += message.content[: self._chunk_size]
        for at in range(self._chunk_size, len(message.content), self._chunk_size):
            wire += bytes((0xC0 | chunk_stream,)) + extension + message.content[at : at + self._chunk_size]
        return bytes(wire)
