"""Cameras are reached by RTSP over TCP, UDP and TLS, by RTMP, and by HTTP in four forms."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lightnvr.streams.status import StreamState
from tests.cameras import camera, film, http_camera, rtmp_camera
from tests.rig.footage import assert_runs_true, assert_sent
from tests.rig.nvr import Nvr, running_nvr
from tests.rig.several import Cast, Take, record_several

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("schemes")]

RTMP = ["RTMP", "RTMP H.265", "RTMP AV1", "RTMP with a password"]
HTTP = ["MPEG-TS", "MPEG-TS H.265", "FLV", "MJPEG", "HLS", "HLS with a password"]
ALL = ["rtsp", "rtsp by UDP", "rtsps", *RTMP, *HTTP]
WITH_SOUND = ["rtsp", "rtsp by UDP", "rtsps", "RTMP", "RTMP H.265", "MPEG-TS", "FLV", "HLS"]
Takes = dict[str, Take[str]]


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server of its own."""
    async with running_nvr(tmp_path_factory.mktemp("nvr")) as running:
        yield running


@pytest.fixture(scope="module")
async def takes(nvr: Nvr) -> Takes:
    """What is recorded when all these cameras run at the same time."""
    clip, hevc, hevc_aac, av1 = await asyncio.to_thread(
        lambda: (film("h264", "aac"), film("hevc"), film("hevc", "aac"), film("av1"))
    )
    cast: Cast[str] = {
        "rtsp": (camera(clip), {}),
        "rtsp by UDP": (camera(clip), {"protocol": 1}),
        "rtsps": (camera(clip, tls=True), {}),
        "RTMP": (rtmp_camera(clip), {}),
        "RTMP H.265": (rtmp_camera(hevc_aac, chunk_size=128), {}),
        "RTMP AV1": (rtmp_camera(av1), {}),
        "RTMP with a password": (rtmp_camera(credentials=("viewer", "s&cret")), {}),
        "MPEG-TS": (http_camera("ts", clip), {}),
        "MPEG-TS H.265": (http_camera("ts", hevc), {}),
        "FLV": (http_camera("flv", clip), {}),
        "MJPEG": (http_camera("mjpeg"), {}),
        "HLS": (http_camera("hls", clip), {}),
        "HLS with a password": (http_camera("hls", credentials=("viewer", "secret")), {}),
    }
    return await record_several(nvr, cast, 60)


@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("HLS")])
async def test_all_pictures_are_recorded(takes: Takes, name: str) -> None:
    take = takes[name]
    assert_sent(take.only.numbers, take.sent)
    assert_runs_true(take.only)


@pytest.mark.parametrize("name", ["HLS", "HLS with a password"])
async def test_all_pictures_of_hls_are_recorded(takes: Takes, name: str) -> None:
    # A player may begin some segments before the newest, and whole segments may be on their way at the end.
    take = takes[name]
    assert_sent(take.only.numbers, take.sent[: len(take.only.numbers)])
    assert len(take.only.numbers) > 45


@pytest.mark.parametrize("name", WITH_SOUND)
async def test_sound_comes_with_the_pictures(takes: Takes, name: str) -> None:
    part = takes[name].only
    assert part.codecs == ("hevc" if name.endswith("H.265") else "h264", "aac")
    assert abs(part.samples / part.sample_rate - len(part.numbers) / 15) < 0.8


async def test_udp_is_what_is_used_when_it_is_asked_for(nvr: Nvr) -> None:
    async with camera(udp=False) as cam:
        stream = await nvr.add(cam.url, protocol=1)
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error
        await stream.change(protocol=0)
        await stream.connected()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "concat:a|b", "pipe:0", "/dev/video0"])
async def test_other_schemes_are_refused(nvr: Nvr, url: str) -> None:
    answer = await nvr.client.post("/api/streams", json={"name": "other", "url": url})
    assert answer.status_code == 400
    assert "rtsp://, rtsps://, rtmp://, http://, https://" in answer.json()["error"]
