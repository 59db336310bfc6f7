"""What the server says about its live view: /api/health/hls and /api/metrics."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from lightnvr.streams.status import StreamState
from tests.cameras import camera
from tests.rig.metrics import metrics
from tests.rig.nvr import Nvr, running_nvr

pytestmark = pytest.mark.xdist_group("live metrics")

PASSWORD = "the password of admin"
NAME = 'Gate "north" \\ 3'


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server with a login."""
    async with running_nvr(tmp_path_factory.mktemp("nvr"), password=PASSWORD) as running:
        yield running


def nobody(nvr: Nvr) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=nvr.client.base_url)


async def test_metrics_tell_what_streams_and_viewers_do(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url, name=NAME)
        await stream.connected()
        before = await metrics(nvr.client)
        answer = await nvr.client.get(f"{stream.path}/snapshot")
        assert answer.status_code == 200

        after = await metrics(nvr.client)

        assert after.value("lightnvr_stream_up", stream=NAME) == 1
        assert after.value("lightnvr_recording_active", stream=NAME) == 1
        assert after.value("lightnvr_stream_last_frame_ts", stream=NAME) > 1_700_000_000
        assert after.value("lightnvr_live_viewers", stream=NAME, way="snapshot") == 1
        sent = "lightnvr_live_sent_bytes_total"
        assert after.value(sent, way="snapshot") - before.value(sent, way="snapshot") == len(answer.content)
        assert after.value("lightnvr_live_start_seconds_count", way="snapshot") > 0
        assert after.value("lightnvr_live_outputs", kind="pictures") == 1
        assert after.value("lightnvr_storage_available_bytes") > 0
        await stream.change(enabled=False)
        assert {"stream": NAME} not in (await metrics(nvr.client)).labels("lightnvr_stream_up")


async def test_what_a_camera_sends_is_counted_once_however_many_read_it(tmp_path: Path) -> None:
    async with running_nvr(tmp_path) as nvr:
        await _counted_once(nvr, "counted")


async def _counted_once(nvr: Nvr, name: str) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url, name=name)
        await stream.connected()
        # The recorder reads it, and one that makes pictures, and HLS.
        for path in (f"{stream.path}/snapshot", f"/hls/{name}/index.m3u8"):
            (await nvr.client.get(path)).raise_for_status()
        frames = "lightnvr_stream_frames_total"
        found = await metrics(nvr.client)
        while found.value(frames, stream=name) < 60:
            found = await metrics(nvr.client)
        assert found.value(frames, stream=name) <= len(cam.frames_sent)
        assert found.value("lightnvr_stream_uptime_seconds", stream=name) >= 1
        assert found.value("lightnvr_stream_reconnects_total", stream=name) == 0
    await stream.in_state(StreamState.RECONNECTING)
    gone = await metrics(nvr.client)
    assert (gone.value("lightnvr_stream_up", stream=name), gone.value("lightnvr_stream_fps", stream=name)) == (0, 0)
    # It does not grow while the camera is down.
    assert gone.value("lightnvr_stream_uptime_seconds", stream=name) == 0
    lost = sum(
        gone.value("lightnvr_stream_error_total", **labels) for labels in gone.labels("lightnvr_stream_error_total")
    )
    assert lost >= 1
    async with camera(port=urlsplit(cam.url).port or 0):
        await stream.connected()
        back = await metrics(nvr.client)
    assert back.value("lightnvr_stream_reconnects_total", stream=name) >= 1
    assert back.value("lightnvr_stream_connection_latency_ms", stream=name) > 0


async def test_every_way_of_watching_has_its_counters_from_the_start(nvr: Nvr) -> None:
    ways = {labels["way"] for labels in (await metrics(nvr.client)).labels("lightnvr_live_viewers_total")}

    assert ways >= {"hls", "ll_hls", "mse", "webrtc", "rtsp", "ts", "mp4", "mjpeg", "snapshot"}


async def test_metrics_are_for_users(nvr: Nvr) -> None:
    async with nobody(nvr) as client:
        assert (await client.get("/api/metrics")).status_code == 401


async def test_live_health_tells_anybody_that_it_is_well_and_users_the_rest(nvr: Nvr) -> None:
    async with camera() as cam, nobody(nvr) as client:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await nvr.client.get(f"{stream.path}/snapshot")

        public = (await client.get("/api/health/hls")).json()
        known = await nvr.get("/api/health/hls")

        assert set(public) == {"healthy", "status", "watchdogRestartCount", "timestamp"}
        assert (public["healthy"], public["status"], public["watchdogRestartCount"]) == (True, "ok", 0)
        assert known["viewers"] == {"snapshot": 1}
        assert known["streams_watched"] == 1
        assert known["outputs"] == {"pictures": 1}
        assert known["failures"] == 0
