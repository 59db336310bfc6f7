"""stream.mp4 and stream.ts: read by players that know nothing of us."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import av
import httpx
import numpy as np
import pytest

from lightnvr.demo.numbering import frame_number
from tests.cameras import camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.integration.live.test_mse import assert_consecutive
from tests.rig.footage import footage
from tests.rig.nvr import Nvr, eventually
from tests.rig.programs import run

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def nvr(open_nvr: Nvr) -> Nvr:
    """The players here bring no credentials."""
    return open_nvr


Ending = Literal["mp4", "ts"]


def _url(nvr: Nvr, ending: Ending, name: str, **query: str) -> str:
    return f"http://127.0.0.1:{nvr.server.port}/api/stream.{ending}?{urlencode({'src': name, **query})}"


def _numbers(content: bytes) -> list[int | None]:
    """The numbers in a stream that was cut off somewhere; the last picture may be damaged."""
    with av.open(io.BytesIO(content), "r") as container:
        found = [_number(frame) for frame in container.decode(video=0)]
    return found[:-1]


def _number(frame: av.VideoFrame) -> int | None:
    return frame_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8))


class Download:
    """What came so far of an answer without end."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.is_over = False


@asynccontextmanager
async def _downloading(nvr: Nvr, ending: Ending, name: str) -> AsyncIterator[Download]:
    """Read a stream while the context is open."""
    download = Download()

    async def read() -> None:
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", _url(nvr, ending, name)) as answer,
        ):
            assert answer.status_code == 200
            async for part in answer.aiter_raw():
                download.content += part
        download.is_over = True

    reading = asyncio.create_task(read())
    try:
        yield download
    finally:
        reading.cancel()
        await asyncio.wait([reading])


def _read_with_pyav(url: str, pictures: int) -> tuple[list[str], list[int | None]]:
    numbers: list[int | None] = []
    with av.open(url, timeout=30) as container:
        for frame in container.decode(video=0):
            numbers.append(_number(frame))
            if len(numbers) == pictures:
                break
        return [stream.codec_context.codec.canonical_name for stream in container.streams], numbers


@pytest.mark.parametrize("ending", ["mp4", "ts"])
@pytest.mark.parametrize(("video", "audio"), [("h264", None), ("h264", "aac"), ("hevc", "pcm_alaw"), ("h264", "opus")])
async def test_pyav_shows_every_picture(nvr: Nvr, ending: Ending, video: VideoCodec, audio: AudioCodec | None) -> None:
    clip = await asyncio.to_thread(film, video, audio)
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        codecs, numbers = await asyncio.to_thread(_read_with_pyav, _url(nvr, ending, stream.name), 30)

    expected = [] if audio is None else ["opus"] if audio == "opus" else ["aac"]
    assert codecs == [video, *expected]
    assert_consecutive(numbers)


@pytest.mark.parametrize("ending", ["mp4", "ts"])
async def test_ffmpeg_and_gstreamer_read_it(nvr: Nvr, ending: Ending, tmp_path: Path) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        url, copied, parsed = _url(nvr, ending, stream.name), tmp_path / "copy.mp4", tmp_path / "parsed.h264"
        demuxer = "qtdemux" if ending == "mp4" else "tsdemux"
        source = f"souphttpsrc location={url} ! {demuxer} ! h264parse"
        annex_b = "video/x-h264,stream-format=byte-stream,alignment=au"
        pipeline = f"{source} ! {annex_b} ! identity eos-after=40 ! filesink location={parsed}"
        (ffmpeg, said), (gstreamer, told) = await asyncio.gather(
            run("ffmpeg", "-v", "error", "-i", url, "-t", "3", "-c", "copy", str(copied)),
            run("gst-launch-1.0", "-q", *pipeline.split()),
        )

    assert ffmpeg == 0, said
    assert gstreamer == 0, told
    part = await asyncio.to_thread(footage, copied)
    assert_consecutive(part.numbers)
    assert len(part.numbers) >= 30
    assert part.samples > 0
    assert_consecutive(await asyncio.to_thread(_numbers, parsed.read_bytes()))


@pytest.mark.parametrize("prefix", ["/api", "/go2rtc/api"])
@pytest.mark.parametrize("ending", ["mp4", "ts"])
async def test_head_tells_the_type_and_ends(nvr: Nvr, prefix: str, ending: Ending) -> None:
    path = f"{prefix}/stream.{ending}"
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        answer = await nvr.client.head(path, params={"src": stream.name})
        unknown = await nvr.client.head(path, params={"src": "nobody knows it"})

    assert (answer.status_code, unknown.status_code) == (200, 404)
    assert answer.headers["content-type"] == ("video/mp4" if ending == "mp4" else "video/mp2t")
    assert "content-length" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_a_stream_with_a_duration_ends(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        answer = await nvr.client.get("/api/stream.mp4", params={"src": stream.name, "duration": 2})
    part = await asyncio.to_thread(footage, answer.content)

    assert answer.headers["content-type"] == 'video/mp4; codecs="avc1.42C00C"'
    assert_consecutive(part.numbers)
    assert len(part.numbers) == 30


@pytest.mark.parametrize("ending", ["mp4", "ts"])
async def test_a_camera_that_was_lost_goes_on_in_the_same_stream(nvr: Nvr, ending: Ending) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip, events={40: lambda cam: cam.drop_connections()}) as cam:
        stream = await nvr.add(cam.url)
        async with _downloading(nvr, ending, stream.name) as download:
            await eventually(lambda: stream.status.reconnects == 1, "the camera is back")
            await stream.connected()
            back = len(download.content)
            await eventually(lambda: len(download.content) > back + 100_000, "pictures after the cut")
            assert not download.is_over
        numbers = await asyncio.to_thread(_numbers, bytes(download.content))

    cuts = [place for place, (one, after) in enumerate(pairwise(numbers), 1) if after != (one or 0) + 1]
    assert len(cuts) == 1
    assert_consecutive(numbers[: cuts[0]])
    assert_consecutive(numbers[cuts[0] :])


async def test_another_picture_size_ends_mp4_and_goes_on_in_ts(nvr: Nvr) -> None:
    small = await asyncio.to_thread(film, "h264", seconds=3)
    large = await asyncio.to_thread(film, "h264", seconds=24, width=640, height=480, first_number=1000)
    async with camera(small, large, repeat_from=1) as cam:
        stream = await nvr.add(cam.url)
        async with _downloading(nvr, "mp4", stream.name) as mp4, _downloading(nvr, "ts", stream.name) as ts:
            await eventually(lambda: mp4.is_over, "the file is over")
            await eventually(lambda: len(cam.frames_sent) > 80, "more pictures")
            over = len(ts.content)
            await eventually(lambda: len(ts.content) > over + 10_000, "the stream goes on")
        part = await asyncio.to_thread(footage, bytes(mp4.content))
        numbers = await asyncio.to_thread(_numbers, bytes(ts.content))

    assert part.numbers == list(range(45))
    assert numbers[:45] == list(range(45))
    assert_consecutive(numbers[45:])
    assert numbers[45] == 1000


async def test_mjpeg_fits_into_mp4_but_not_into_ts(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, "mjpeg")
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        ts = await nvr.client.get("/api/stream.ts", params={"src": stream.name})
        codecs, numbers = await asyncio.to_thread(_read_with_pyav, _url(nvr, "mp4", stream.name), 20)

    assert ts.status_code == 406
    assert "stream.mp4" in ts.json()["error"]
    assert codecs == ["mjpeg"]
    assert_consecutive(numbers)


async def test_a_camera_that_does_not_answer_is_told_with_the_reason(nvr: Nvr) -> None:
    async with camera(started=False) as cam:
        stream = await nvr.add(cam.url)
        answer = await nvr.client.get("/api/stream.ts", params={"src": stream.name})

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "127.0.0.1" in answer.json()["error"]


async def test_privacy_ends_it(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with _downloading(nvr, "mp4", stream.name) as mp4, _downloading(nvr, "ts", stream.name) as ts:
            await eventually(lambda: bool(mp4.content and ts.content), "pictures")
            await stream.change(set_privacy_mode=True)
            await eventually(lambda: mp4.is_over and ts.is_over, "over")
        answer = await nvr.client.get("/api/stream.ts", params={"src": stream.name})

    assert answer.status_code == 403
