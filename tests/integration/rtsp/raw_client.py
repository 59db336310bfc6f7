"""An RTSP client that sends exactly what a test wants, and keeps every RTP packet it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """An interleaved packet; RTCP comes on odd channels, where only `data` has a meaning."""

    channel: int
    data: bytes

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.data[2:4], "big")

    @property
    def timestamp(self) -> int:
        return int.from_bytes(self.data[4:8], "big")

    @property
    def ssrc(self) -> int:
        return int.from_bytes(self.data[8:12], "big")


class RawClient:
    """One connection. Headers `CSeq` and, once there is one, `Session` are added unless given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.session: str | None = None
        self._cseq = 0

    async def request(self, method: str, url: str, headers: dict[str, str] | None = None) -> Answer:
        self._cseq += 1
        everything = {"CSeq": str(self._cseq)}
        if self.session is not None:
            everything["Session"] = self.session
        everything |= headers or {}
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in everything.items())]
        return await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def send(self, data: bytes) -> Answer:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> Answer:
        """The next answer; packets before it are passed over."""
        while True:
            first = await self.reader.readexactly(1)
            if first != b"$":
                break
            await self._packet()
        head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(status.split(" ")[1]), headers, body)

    async def play(self, url: str, tracks: int = 1, *, headers: dict[str, str] | None = None) -> None:
        """Describes, sets up interleaved tracks and plays; `headers` go with the first request."""
        assert (await self.request("DESCRIBE", url, headers)).status == 200
        for track in range(tracks):
            transport = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
            answer = await self.request("SETUP", f"{url}/trackID={track}", {"Transport": transport})
            assert answer.status == 200
            self.session = answer.headers["session"].partition(";")[0]
        assert (await self.request("PLAY", url)).status == 200

    async def packet(self) -> RtpPacket:
        """The next interleaved packet. Raises asyncio.IncompleteReadError at the end."""
        assert await self.reader.readexactly(1) == b"$"
        return await self._packet()

    async def rtp(self, channel: int = 0) -> RtpPacket:
        """The next packet of one channel."""
        while (packet := await self.packet()).channel != channel:
            pass
        return packet

    async def until_the_end(self) -> None:
        """Reads packets until the connection breaks, which it raises as `packet` does."""
        while True:
            await self.packet()

    async def _packet(self) -> RtpPacket:
        header = await self.reader.readexactly(3)
        return RtpPacket(header[0], await self.reader.readexactly(int.from_bytes(header[1:], "big")))


@asynccontextmanager
async def raw_client(port: int) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
