"""Viewers that read and throw away, in a process of their own: `python -m benchmarks.sinks`.

Prints a line of JSON for each line that comes in: how many have had media lately and how many bytes all of them got.
"""

import argparse
import asyncio
import base64
import json
import os
import queue
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiortc.rtcrtpreceiver
import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

_STALE_S = 3.0
_ALIVE_S = 20.0


@dataclass(slots=True)
class Tally:
    """What one viewer got."""

    received: int = 0
    latest: float = 0.0

    def count(self, size: int) -> None:
        """Note that bytes came."""
        self.received += size
        self.latest = time.monotonic()


class MseSink(asyncio.Protocol):
    """One WebSocket of /api/ws (RFC 6455). Frames are passed over by their length; pings are answered."""

    def __init__(self, tally: Tally, target: str, authorization: str) -> None:
        self._tally = tally
        self._target = target
        self._authorization = authorization
        self._waiting = b""
        self._skip = 0
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: {self._authorization}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Count."""
        self._tally.count(len(data))
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        self._waiting += data[self._skip :]
        self._skip = 0
        if not self._is_open:
            head, end, rest = self._waiting.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise ConnectionError(head.decode(errors="replace"))
            self._is_open, self._waiting = True, rest
            self._say(1, json.dumps({"type": "mse", "value": ""}).encode())
        self._pass_over()

    def _pass_over(self) -> None:
        while len(self._waiting) >= 2:
            kind, length, head = self._waiting[0] & 0x0F, self._waiting[1] & 0x7F, 2
            if length >= 126:
                head += 2 if length == 126 else 8
                if len(self._waiting) < head:
                    return
                length = int.from_bytes(self._waiting[2:head], "big")
            if kind == 9:
                if len(self._waiting) < head + length:
                    return
                self._say(10, self._waiting[head : head + length])
            size = head + length
            self._skip = max(0, size - len(self._waiting))
            self._waiting = self._waiting[size:]

    def _say(self, kind: int, content: bytes) -> None:
        # The mask is zero: it protects proxies, and there are none.
        if self._transport is not None:
            self._transport.write(bytes((0x80 | kind, 0x80 | len(content))) + bytes(4) + content)


async def watch_mse(base: str, stream: str, tally: Tally) -> None:
    """Watch until cancelled."""
    where = urlsplit(base)
    target = f"/api/ws?src={quote(stream)}"
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: MseSink(tally, target, _basic(base)), where.hostname or "", where.port or 80)
    await asyncio.Event().wait()


async def watch_rtsp(base: str, stream: str, tally: Tally) -> None:
    """Watch by RTSP over TCP until cancelled (RFC 2326)."""
    where = urlsplit(base)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    address = f"rtsp://{where.hostname}:{where.port}/{quote(stream)}"
    number = 0

    def ask(method: str, target: str, *headers: str) -> None:
        nonlocal number
        number += 1
        lines = [f"{method} {target} RTSP/1.0", f"CSeq: {number}", f"Authorization: {_basic(base)}", *headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def answer() -> tuple[str, str]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if " 200 " not in head.split("\r\n")[0]:
            raise ConnectionError(head)
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        return head, (await reader.readexactly(int(length[1])) if length else b"").decode()

    ask("DESCRIBE", address, "Accept: application/sdp")
    _, sdp = await answer()
    session: list[str] = []
    for index, control in enumerate(re.findall(r"^a=control:(?!\*)(\S+)", sdp, re.MULTILINE)):
        track = control if control.startswith("rtsp:") else f"{address}/{control}"
        ask("SETUP", track, f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * index}-{2 * index + 1}", *session)
        head, _ = await answer()
        found = re.search(r"^session: *([^;\r\n]+)", head, re.IGNORECASE | re.MULTILINE)
        session = [f"Session: {found[1]}"] if found else []
    ask("PLAY", address, *session)
    ended = asyncio.create_task(_discard(reader, tally))
    while not ended.done():
        await asyncio.wait([ended], timeout=_ALIVE_S)
        ask("GET_PARAMETER", address, *session)


async def _discard(reader: asyncio.StreamReader, tally: Tally) -> None:
    while content := await reader.read(1 << 18):
        tally.count(len(content))


async def watch_webrtc(base: str, stream: str, tally: Tally) -> None:
    """Watch by WebRTC until cancelled. Once connected, RTP is counted and neither decrypted nor looked at."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connected = asyncio.Event()

    def look() -> None:
        if connection.connectionState == "connected":
            connected.set()

    connection.on("connectionstatechange", look)
    for kind in ("video", "audio"):
        connection.addTransceiver(kind, direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    where = urlsplit(base)
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(
            f"http://{where.hostname}:{where.port}/api/webrtc?src={quote(stream)}",
            content=connection.localDescription.sdp,
            headers={"Content-Type": "application/sdp", "Authorization": _basic(base)},
        )
        answer.raise_for_status()
    await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    await connected.wait()
    for transport in {t.receiver.transport.transport for t in connection.getTransceivers()}:
        for protocol in transport._connection._protocols:  # noqa: SLF001 - there is no other way to spare the decryption
            setattr(protocol, "datagram_received", _counting(protocol.datagram_received, tally))  # noqa: B010
    await asyncio.Event().wait()


def _counting(
    usual: Callable[[bytes | str, tuple[Any, ...]], None], tally: Tally
) -> Callable[[bytes, tuple[Any, ...]], None]:
    def received(content: bytes, address: tuple[Any, ...]) -> None:
        # RTP and RTCP begin with 128 to 191 (RFC 7983); the rest keeps the connection alive.
        if 128 <= content[0] < 192:
            tally.count(len(content))
        else:
            usual(content, address)

    return received


def _decode_nothing(
    _loop: asyncio.AbstractEventLoop, waiting: "queue.Queue[Any]", _frames: "asyncio.Queue[Any]", _failed: Event
) -> None:
    while waiting.get() is not None:
        pass


def _basic(base: str) -> str:
    where = urlsplit(base)
    return "Basic " + base64.b64encode(f"{where.username}:{unquote(where.password or '')}".encode()).decode()


_WAYS = {"mse": watch_mse, "rtsp": watch_rtsp, "webrtc": watch_webrtc}


async def _run(arguments: argparse.Namespace) -> None:
    tallies = [Tally() for _ in range(arguments.count)]
    watch = _WAYS[arguments.way]
    streams: list[str] = arguments.streams
    tasks = [
        asyncio.create_task(watch(arguments.url, streams[(arguments.first + index) % len(streams)], tally))
        for index, tally in enumerate(tallies)
    ]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        for task in tasks:
            if task.done() and (error := task.exception()) is not None:
                print(f"sink: {error!r}", file=sys.stderr)
        now = time.monotonic()
        fresh = sum(tally.latest > now - _STALE_S for tally in tallies)
        print(json.dumps({"fresh": fresh, "bytes": sum(tally.received for tally in tallies)}), flush=True)
    os._exit(0)


def main() -> None:
    """Watch until standard input is closed."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.sinks", description=__doc__)
    options.add_argument("--way", choices=sorted(_WAYS), required=True)
    options.add_argument("--url", required=True, help="http:// or rtsp:// address with user and password")
    options.add_argument("--streams", nargs="+", required=True)
    options.add_argument("--count", type=int, required=True)
    options.add_argument("--first", type=int, default=0, help="which of the streams is watched first")
    setattr(aiortc.rtcrtpreceiver, "decoder_worker", _decode_nothing)  # noqa: B010
    asyncio.run(_run(options.parse_args()))


if __name__ == "__main__":
    main()
