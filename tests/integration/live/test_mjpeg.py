"""Pictures one after the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from lightnvr.live.audience import Way
from lightnvr.live.connections import ViewerLimits
from tests.cameras import camera, film
from tests.rig.jpeg import number, size
from tests.rig.metrics import metrics
from tests.rig.nvr import Nvr, WatchedStream, eventually, running_nvr

pytestmark = pytest.mark.xdist_group("snapshots")


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server without login that soon gives up viewers who do not read."""
    limits = ViewerLimits(patience_s=1.0)
    async with running_nvr(tmp_path_factory.mktemp("nvr"), viewer_limits=limits) as running:
        yield running


@asynccontextmanager
async def pictures(nvr: Nvr, stream: WatchedStream, **form: int) -> AsyncIterator[AsyncIterator[bytes]]:
    """Watch; gives the JPEGs as they come, until the server ends the answer."""
    query: dict[str, str | int] = {"src": stream.name, **form}
    async with nvr.client.stream("GET", "/api/stream.mjpeg", params=query) as answer:
        assert answer.status_code == 200, await answer.aread()
        kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
        assert kind == "multipart/x-mixed-replace"
        yield _parts(answer, boundary.encode())


async def _parts(answer: httpx.Response, boundary: bytes) -> AsyncIterator[bytes]:
    waiting = b""
    async for chunk in answer.aiter_raw():
        waiting += chunk
        *parts, waiting = waiting.split(b"--" + boundary + b"\r\n")
        for part in parts:
            if part:
                head, _, body = part.partition(b"\r\n\r\n")
                length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
                assert len(body) == int(length.split()[1]) + 2
                yield body[:-2]


async def some(parts: AsyncIterator[bytes], count: int) -> list[bytes]:
    return [await anext(parts) for _ in range(count)]


async def test_every_keyframe_is_shown_while_somebody_watches(nvr: Nvr) -> None:
    async with camera(film(gop=5)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with pictures(nvr, stream) as parts:
            numbers = [number(jpeg) for jpeg in await some(parts, 5)]

        assert set(numbers) <= set(cam.frames_sent)
        assert numbers == [numbers[0] + 5 * index for index in range(5) if numbers[0] is not None]


async def test_an_mjpeg_camera_is_passed_through_picture_by_picture(nvr: Nvr) -> None:
    async with camera(film("mjpeg")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        before = await metrics(nvr.client)
        async with pictures(nvr, stream) as parts:
            numbers = [number(jpeg) for jpeg in await some(parts, 10)]
        after = await metrics(nvr.client)

        assert numbers == sorted(numbers, key=lambda found: found or 0)
        assert set(numbers) <= set(cam.frames_sent)
        decoded = "lightnvr_snapshot_decodes_total"
        assert after.value(decoded) == before.value(decoded)


async def test_many_viewers_cost_one_decode_for_each_keyframe(nvr: Nvr) -> None:
    async with camera(film(gop=15)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        before = await metrics(nvr.client)

        async def watch() -> set[bytes]:
            async with pictures(nvr, stream, width=160) as parts:
                return set(await some(parts, 3))

        seen = set[bytes]().union(*await asyncio.gather(*(watch() for _ in range(10))))
        after = await metrics(nvr.client)

        assert {size(jpeg) for jpeg in seen} == {(160, 120)}
        decoded = "lightnvr_snapshot_decodes_total"
        # One more may have been begun when the last viewer left.
        assert len(seen) <= after.value(decoded) - before.value(decoded) <= len(seen) + 1


async def test_viewers_stay_while_the_camera_is_gone_and_go_on_when_it_is_back(nvr: Nvr) -> None:
    async with camera(film(gop=5)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with pictures(nvr, stream) as parts:
            await some(parts, 2)
            await cam.stop()
            await eventually(lambda: bool(stream.status.last_error), "the camera is missed")
            sent_before = len(cam.frames_sent)
            await cam.start()

            async for jpeg in parts:
                if number(jpeg) in cam.frames_sent[sent_before:]:
                    break


@pytest.mark.parametrize("change", [{"set_privacy_mode": True}, {"streaming_enabled": False}, {"enabled": False}])
async def test_who_watches_is_cut_off_when_it_is_not_allowed_any_more(nvr: Nvr, change: dict[str, bool]) -> None:
    async with camera(film(gop=5)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with pictures(nvr, stream) as parts:
            await some(parts, 1)
            await stream.change(**change)

            async with asyncio.timeout(20):
                async for _ in parts:
                    pass

        answer = await nvr.client.get("/api/stream.mjpeg", params={"src": stream.name})
        assert answer.status_code == 403


async def test_one_who_does_not_read_loses_pictures_and_then_the_connection(nvr: Nvr) -> None:
    async with camera(film("mjpeg", width=1280, height=720)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        before = await metrics(nvr.client)
        reader, writer = await asyncio.open_connection("127.0.0.1", nvr.server.port, limit=1024)
        writer.write(f"GET /api/stream.mjpeg?src={stream.id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            watching = nvr.server.live.audience.watchers
            await eventually(lambda: watching()[Way.MJPEG, stream.id] == 1, "it watches")
            await eventually(lambda: watching()[Way.MJPEG, stream.id] == 0, "it is dropped")
        finally:
            writer.close()
        del reader
        lost = "lightnvr_live_dropped_packets_total"
        assert (await metrics(nvr.client)).value(lost, way="mjpeg") >= before.value(lost, way="mjpeg")


async def test_what_cannot_be_watched_is_said_before_anything_is_sent(nvr: Nvr) -> None:
    async with camera(started=False) as cam:
        stream = await nvr.add(cam.url)
        await eventually(lambda: bool(stream.status.last_error), "the camera is missed")

        away = await nvr.client.get("/api/stream.mjpeg", params={"src": stream.name})
        unknown = await nvr.client.get("/api/stream.mjpeg", params={"src": "nobody"})
        wrong = await nvr.client.get("/api/stream.mjpeg", params={"src": stream.name, "quality": 0})

    assert (away.status_code, unknown.status_code, wrong.status_code) == (503, 404, 400)
    assert away.json()["error"] == stream.status.last_error
