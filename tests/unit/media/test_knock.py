"""Asking whether a camera answers at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from lightnvr.media.address import SourceAddress
from lightnvr.media.knock import answers

pytestmark = pytest.mark.anyio
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _camera(answer: Answer) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_camera_that_answers_is_asked_without_credentials() -> None:
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n")
        await writer.drain()

    async with _camera(answer) as port:
        assert await answers(SourceAddress.parse(f"rtsp://admin:hunter2@127.0.0.1:{port}/live"), 30)
    assert requests == [f"OPTIONS rtsp://127.0.0.1:{port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()]


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x" * 200_000, b"\xff\x00\r\n"])
async def test_what_answers_but_is_no_camera(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    async with _camera(answer) as port:
        assert not await answers(SourceAddress.parse(f"rtsp://127.0.0.1:{port}/"), 30)


async def test_a_camera_that_hangs_does_not_answer() -> None:
    released = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()

    async with _camera(answer) as port:
        assert not await answers(SourceAddress.parse(f"rtsp://127.0.0.1:{port}/"), 0.05)
        released.set()


async def test_nothing_listens(closed_port: int) -> None:
    assert not await answers(SourceAddress.parse(f"rtsp://127.0.0.1:{closed_port}/"), 30)
    assert not await answers(SourceAddress.parse(f"http://127.0.0.1:{closed_port}/"), 30)


async def test_other_schemes_need_only_to_accept() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with _camera(answer) as port:
        for scheme in ("http", "https", "rtmp", "rtsps"):
            assert await answers(SourceAddress.parse(f"{scheme}://127.0.0.1:{port}/"), 30)
