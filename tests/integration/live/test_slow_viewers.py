"""Viewers that never read cost little, harm nobody, and are cut."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest

from lightnvr.live.audience import Way
from lightnvr.live.connections import Seats, ViewerLimits
from tests.cameras import camera, film
from tests.integration.live.test_mse import assert_without_holes
from tests.rig.footage import assert_sent
from tests.rig.mse_player import EVERYTHING, MsePlayer, mse_player
from tests.rig.nvr import eventually, running_nvr

pytestmark = pytest.mark.anyio

_EACH = 100
_FRAMES = 24 * 15
"""After so many the camera shows the same numbers again."""

_BACKLOG_BYTES = 1024 * 1024
_LIMITS = ViewerLimits(Seats(2 * _EACH + 8), patience_s=6.0, backlog_bytes=_BACKLOG_BYTES)


def _has_more_than(player: MsePlayer, fragments: int) -> bool:
    return player.fragments > fragments


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def _unread(port: int, request: bytes, message: bytes = b"") -> AsyncIterator[socket.socket]:
    """A connection that asks for something and never reads it; its own side takes as little as can be."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, request)
        if message:
            await loop.sock_recv(connection, 12)  # a client must know that it speaks to a WebSocket before it speaks
            await loop.sock_sendall(connection, message)
        yield connection
    finally:
        connection.close()


def _get(path: str, *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", "")).encode()


def _text_frame(text: str) -> bytes:
    content = text.encode()
    return b"\x81" + bytes((0x80 | 126, len(content) >> 8, len(content) & 0xFF)) + b"\x00" * 4 + content


def _mse(name: str) -> tuple[bytes, bytes]:
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13")
    ask = _text_frame(json.dumps({"type": "mse", "value": EVERYTHING, "padding": "x" * 126}))
    return _get(f"/api/ws?src={quote(name)}", *upgrade), ask


async def test_two_hundred_connections_that_never_read(tmp_path: Path) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac", width=640, height=480, bit_rate=2_000_000)
    async with running_nvr(tmp_path, viewer_limits=_LIMITS) as nvr, camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        counts = nvr.server.live.audience.counts
        async with mse_player(nvr.server.port, stream.name) as player, AsyncExitStack() as unread:
            await player.ask()
            await player.until(lambda player: player.fragments >= 5, "pictures")
            before = _resident_bytes()
            for _ in range(_EACH):
                await unread.enter_async_context(_unread(nvr.server.port, *_mse(stream.name)))
            for number in range(_EACH):
                path = "/api/stream.mp4" if number % 2 else "/api/stream.ts"
                await unread.enter_async_context(_unread(nvr.server.port, _get(f"{path}?src={quote(stream.name)}")))
            await eventually(lambda: _LIMITS.seats.taken == 2 * _EACH + 1, lambda: f"{_LIMITS.seats.taken} came")
            most = 0
            while _LIMITS.seats.taken > 1:
                most = max(most, _resident_bytes() - before)
                shown = player.fragments
                await eventually(partial(_has_more_than, player, shown), "another picture")
            await player.until(lambda player: player.fragments >= 150, "pictures afterwards")
        numbers = await player.numbers()
        recorded = await stream.numbers()
        sent = cam.frames_sent

    first = sent.index(numbers[0] or 0)
    assert numbers == sent[first : first + len(numbers)]
    assert_sent(recorded, sent)
    lost = {way: counts[way].dropped_packets for way in (Way.MSE, Way.MP4, Way.TS)}
    assert all(lost.values()), lost
    assert (counts[Way.MSE].viewers, counts[Way.MP4].viewers, counts[Way.TS].viewers) == (101, 50, 50)
    # Each may keep what uvicorn takes for it; what waits before that is shared.
    assert most < 200 * 256 * 1024 + 8 * _BACKLOG_BYTES, f"{most / 1e6} MB"


async def test_a_viewer_that_pauses_goes_on_with_a_keyframe(tmp_path: Path) -> None:
    limits = ViewerLimits(patience_s=60.0, backlog_bytes=_BACKLOG_BYTES)
    clip = await asyncio.to_thread(film, "h264", width=640, height=480, bit_rate=4_000_000)
    async with running_nvr(tmp_path, viewer_limits=limits) as nvr, camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        counts = nvr.server.live.audience.counts[Way.MSE]
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 20, "pictures")
            player.socket.transport.pause_reading()
            await eventually(lambda: counts.dropped_packets > 20, lambda: f"pictures are lost: {counts}")
            player.socket.transport.resume_reading()
            await player.until(_has_short_gop, "pictures from behind the gap")
        (shown,) = await player.footage()

    after_gaps = [after for one, after in pairwise(shown.numbers) if after != ((one or 0) + 1) % _FRAMES]
    assert after_gaps
    assert all(after is not None and after % 15 == 0 for after in after_gaps)
    assert max(after - one for one, after in pairwise(shown.times)) < 0.5
    assert_without_holes(player)


def _has_short_gop(player: MsePlayer) -> bool:
    keyframes = [place for place, run in enumerate(player.files[0].runs(1)) if 0 in run.sync_samples]
    return any(after - one < 15 for one, after in pairwise(keyframes))


async def test_one_who_asks_for_nothing_does_not_keep_the_seat(tmp_path: Path) -> None:
    limits = ViewerLimits(Seats(1), patience_s=0.5)
    async with running_nvr(tmp_path, viewer_limits=limits) as nvr, mse_player(nvr.server.port, "nothing") as player:
        await player.until(lambda player: player.closed is not None, "closed")
        assert player.closed == (1008, "Nothing was asked for.")
        await eventually(lambda: limits.seats.taken == 0, "the seat is free")


async def test_no_more_may_watch_than_there_are_seats(tmp_path: Path) -> None:
    async with running_nvr(tmp_path, viewer_limits=ViewerLimits(Seats(1))) as nvr, camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 1, "pictures")
            refused = await nvr.client.get("/api/stream.mp4", params={"src": stream.name})
        await eventually(lambda: nvr.server.live.audience.watchers().total() == 0, "the seat is free")
        answer = await nvr.client.get("/api/stream.mp4", params={"src": stream.name, "duration": 0.5})
        assert answer.status_code == 200
    assert refused.status_code == 503
    assert "max_viewers" in refused.text
