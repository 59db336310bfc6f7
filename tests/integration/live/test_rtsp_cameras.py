"""What RTSP viewers see when cameras go, come back or change, and what slow viewers cost."""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from lightnvr.app import running
from lightnvr.live.audience import Way
from lightnvr.streams.status import StreamState
from tests.cameras import camera, film
from tests.integration.live.conftest import PASSWORD
from tests.integration.live.test_rtsp_access import ADMIN, caller
from tests.integration.rtsp.raw_client import RawClient, RtpPacket, raw_client
from tests.integration.rtsp.watching import watch
from tests.rig.footage import assert_sent
from tests.rig.nvr import PATIENCE_S, Nvr, eventually, quick_settings

pytestmark = pytest.mark.anyio


async def frames(client: RawClient, count: int) -> list[RtpPacket]:
    """The last packets of so many video frames."""
    found: list[RtpPacket] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            packet = await client.rtp()
            if packet.data[1] & 0x80:
                found.append(packet)
    return found


async def test_a_camera_that_comes_back_goes_on_for_who_stayed(nvr: Nvr) -> None:
    async with camera() as cam, caller(nvr) as client:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await client.play(nvr.rtsp(stream.name), headers=ADMIN)
        before = (await frames(client, 20))[-1]
        await cam.stop()
        await eventually(lambda: stream.status.state is not StreamState.CONNECTED, "the camera is missed")
        await cam.start()
        rest = await frames(client, len(cam.frames_sent) - 10)
        assert {packet.ssrc for packet in rest} == {before.ssrc}
        steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(rest)]
        assert max(steps) > 30_000
        assert all(0 < step < 1 << 31 for step in steps)
        assert nvr.server.live.audience.watchers()[Way.RTSP, stream.id] == 1


async def _reports_until_the_end(client: RawClient) -> list[bytes]:
    reports: list[bytes] = []
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                packet = await client.packet()
            except (asyncio.IncompleteReadError, ConnectionError):
                return reports
            reports += [packet.data] if packet.channel == 1 else []


async def test_who_watches_a_camera_that_changes_its_pictures_is_sent_away_and_finds_them_anew(nvr: Nvr) -> None:
    small = await asyncio.to_thread(film, seconds=4)
    large = await asyncio.to_thread(film, width=640, height=480, seconds=4, first_number=1000)
    async with camera(small, large, repeat_from=1) as cam, caller(nvr) as client:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await client.play(nvr.rtsp(stream.name), headers=ADMIN)
        reports = await _reports_until_the_end(client)
        assert reports[-1][-8:-6] == b"\x81\xcb"
        seen = await watch(nvr.rtsp(stream.name, "admin", PASSWORD), 10)
    assert set(seen.sizes) == {(640, 480)}


async def test_two_hundred_who_never_read_cost_nobody_else_anything(nvr: Nvr) -> None:
    async with camera(await asyncio.to_thread(film, bit_rate=2_000_000)) as cam, AsyncExitStack() as stack:
        stream = await nvr.add(cam.url)
        await stream.connected()
        for _ in range(200):
            lazy = await stack.enter_async_context(caller(nvr))
            await lazy.play(nvr.rtsp(stream.name), headers=ADMIN)
            lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        keen = await watch(nvr.rtsp(stream.name, "admin", PASSWORD), 60)
        recorded = await stream.numbers()
    assert keen.numbers == [((keen.numbers[0] or 0) + place) % 360 for place in range(60)]
    assert_sent(recorded, cam.frames_sent)


async def test_a_port_that_is_taken_is_named(nvr: Nvr, tmp_path_factory: pytest.TempPathFactory) -> None:
    port = nvr.server.rtsp_port
    settings = quick_settings(tmp_path_factory.mktemp("taken"), rtsp=True)
    taken = settings.model_copy(update={"live": settings.live.model_copy(update={"rtsp_port": port})})
    with pytest.raises(OSError, match=rf"port {port}, for RTSP"):
        async with running(taken):
            pass


async def test_there_is_no_rtsp_server_when_it_is_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = quick_settings(tmp_path_factory.mktemp("off"), rtsp=True)
    off = settings.model_copy(update={"live": settings.live.model_copy(update={"rtsp_enabled": False})})
    async with running(off) as server:
        assert server.rtsp_port is None
        with pytest.raises(ConnectionError):
            async with raw_client(settings.live.rtsp_port):
                pass
