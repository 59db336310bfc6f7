"""Strangers who connect cannot use up what the recorder needs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from lightnvr.api.connections import ConnectionLimits, limited_connections

pytestmark = pytest.mark.anyio
_PATIENCE_S = 20
_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
_MUCH = "much " * 4_000_000
"""More than the system takes for a client that does not read."""


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse(_MUCH if scope["path"] == "/much" else "well")(scope, receive, send)


@asynccontextmanager
async def _serving(limits: ConnectionLimits) -> AsyncIterator[int]:
    config = uvicorn.Config(
        _application, http=limited_connections(limits), port=0, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def _answer(port: int, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """What comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            for piece in pieces:
                if writer.is_closing():
                    break
                writer.write(piece)
                await asyncio.sleep(pause_s)
            return await reader.read()
    except ConnectionError:
        return b"aborted"
    finally:
        writer.close()


async def _is_served(port: int) -> None:
    """Wait until there is room for another connection."""
    async with asyncio.timeout(_PATIENCE_S):
        answer = b""
        while b"well" not in answer:
            answer = await _answer(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")


def _error(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf of",
        _REQUEST + b"GET / HT",
    ],
    ids=["nothing", "an empty line", "half of the headers", "half of the body", "half of a second request"],
)
async def test_a_request_that_is_not_finished_in_time_ends_the_connection(sent: bytes) -> None:
    async with _serving(ConnectionLimits(request_s=0.3)) as port:
        answer = await _answer(port, sent)
    assert answer == b"aborted" or b"well" in answer or answer == b""


async def test_a_request_that_trickles_ends_the_connection_though_bytes_keep_coming() -> None:
    pieces = [b"GET / HTTP/1.1\r\n", *(b"X-%d: y\r\n" % number for number in range(100))]
    async with _serving(ConnectionLimits(request_s=0.3)) as port:
        assert b"well" not in await _answer(port, *pieces, pause_s=0.02)


async def test_an_answer_may_take_longer_than_a_request() -> None:
    async with _serving(ConnectionLimits(request_s=0.5)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(_REQUEST)
            assert b"well" in await asyncio.wait_for(reader.readuntil(b"well"), _PATIENCE_S)
        writer.close()


async def test_headers_without_end_are_refused() -> None:
    async with _serving(ConnectionLimits(header_bytes=8192)) as port:
        line = b"X-Header: " + b"y" * 2000 + b"\r\n"
        answer = await _answer(port, b"GET / HTTP/1.1\r\n" + line * 5)
        assert _error(answer) == (431, "The headers of the request are too large.")
        assert b"well" in await _answer(port, b"GET / HTTP/1.1\r\nConnection: close\r\n" + line * 3 + b"\r\n")


async def test_large_bodies_and_many_requests_do_not_count_as_headers() -> None:
    async with _serving(ConnectionLimits(header_bytes=200)) as port:
        post = b"POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n"
        last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
        answer = await _answer(port, *(piece for _ in range(9) for piece in (post, b"x" * 5000)), last, pause_s=0.02)
    assert answer.count(b"well") == 10


async def test_no_more_connections_than_allowed() -> None:
    async with _serving(ConnectionLimits(connections=3)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert _error(await _answer(port, _REQUEST))[0] == 503
        for _, writer in held:
            writer.close()
        await _is_served(port)


@pytest.mark.parametrize("requests", [1, 3])
async def test_one_who_does_not_read_a_whole_answer_is_cut_off(requests: int) -> None:
    limits = ConnectionLimits(connections=1, unread_s=0.6)
    async with _serving(limits) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(_REQUEST.replace(b"GET /", b"GET /much") * requests)
        await _is_served(port)
        writer.transport.abort()


async def test_one_who_reads_slowly_gets_the_whole_answer() -> None:
    async with _serving(ConnectionLimits(unread_s=0.6)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_REQUEST.replace(b"GET /", b"GET /much"))
        async with asyncio.timeout(_PATIENCE_S):
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(len(_MUCH) // 1_000_000):
                await reader.readexactly(1_000_000)
                await asyncio.sleep(0.1)
            writer.write(_REQUEST)
            assert b"well" in await reader.readuntil(b"well")
        writer.close()


async def test_what_is_not_http_gets_an_error_like_any_other() -> None:
    async with _serving(ConnectionLimits()) as port:
        assert _error(await _answer(port, b"\x16\x03\x01 hello\r\n\r\n")) == (400, "This is not a request of HTTP.")
