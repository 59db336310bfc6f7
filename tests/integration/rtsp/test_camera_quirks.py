"""Each fault that a test camera can have is really on the wire."""

import asyncio
from itertools import pairwise
from typing import Literal

import av
import numpy as np
import pytest

from tests.cameras import camera, film, frame_number, http_camera, in_thread, rtmp_camera
from tests.cameras.films import VideoCodec
from tests.cameras.http import Form
from tests.cameras.quirks import (
    audio_drifts,
    audio_is_garbage,
    audio_never_comes,
    audio_starts_late,
    without_parameter_sets,
)
from tests.cameras.timestamps import jumps, missing_pts, non_monotonic, wraps
from tests.integration.rtsp.raw_client import RtpPacket, raw_client
from tests.integration.rtsp.watching import watch

pytestmark = pytest.mark.anyio


async def some_frames(port: int, url: str, count: int) -> list[RtpPacket]:
    """The first packet of each of so many video frames."""
    firsts: list[RtpPacket] = []
    async with raw_client(port) as client:
        await client.play(url)
        last = None
        while len(firsts) < count:
            packet = await client.rtp()
            if packet.timestamp != last:
                firsts.append(packet)
                last = packet.timestamp
    return firsts


async def test_it_refuses_until_started_and_keeps_its_port() -> None:
    async with camera(started=False) as cam:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", cam.port)
        await cam.start()
        assert (await watch(cam.url, 3)).numbers[0] == 0
        await cam.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", cam.port)
        await cam.start()
        assert len((await watch(cam.url, 3)).numbers) == 3
        assert cam.connections_total == 2


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
async def test_it_hangs(method: Literal["DESCRIBE", "SETUP"]) -> None:
    async with camera(hang_on=method) as cam, raw_client(cam.port) as client:
        assert (await client.request("OPTIONS", cam.url)).status == 200
        if method == "SETUP":
            assert (await client.request("DESCRIBE", cam.url)).status == 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.request(method, cam.url + "/trackID=0", {"Transport": "RTP/AVP/TCP"})


async def test_it_cuts_in_the_middle_of_a_packet() -> None:
    async with camera(events={10: lambda cam: cam.cut_mid_frame()}) as cam, raw_client(cam.port) as client:
        await client.play(cam.url)
        with pytest.raises(asyncio.IncompleteReadError) as broken:
            await client.until_the_end()
        assert broken.value.partial
        assert len(cam.frames_sent) == 10


async def test_it_stalls_and_may_go_on_with_reports() -> None:
    async with camera(events={5: lambda cam: cam.pause(reports=True)}) as cam, raw_client(cam.port) as client:
        await client.play(cam.url)
        while (await client.packet()).channel == 0 or len(cam.frames_sent) < 5:
            pass
        for _ in range(3):
            assert (await client.packet()).channel == 1
        cam.resume()
        assert (await client.rtp()).channel == 0


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_its_timestamps_jump(seconds: int) -> None:
    async with camera(events={5: lambda cam: cam.jump(seconds)}) as cam:
        frames = await some_frames(cam.port, cam.url, 8)
    steps = [(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(frames)]
    assert steps[4] == (6000 + seconds * 90_000) % 2**32
    assert set(steps) == {6000, steps[4]}


async def test_its_timestamps_wrap() -> None:
    async with camera(wraps_after=0.3) as cam:
        frames = await some_frames(cam.port, cam.url, 8)
    assert frames[0].timestamp > 2**31 > frames[-1].timestamp


async def test_it_reboots_with_other_numbers_and_may_keep_the_connection() -> None:
    async with camera(events={5: lambda cam: cam.reboot(cut=False)}) as cam:
        frames = await some_frames(cam.port, cam.url, 8)
    assert len({frame.ssrc for frame in frames[:5]}) == 1
    assert frames[5].ssrc != frames[4].ssrc


async def test_its_first_gop_has_no_parameter_sets() -> None:
    clip = await asyncio.to_thread(film, seconds=2)
    async with camera(without_parameter_sets(clip), clip, repeat_from=1, speed=4) as cam:
        async with raw_client(cam.port) as client:
            assert b"sprop" not in (await client.request("DESCRIBE", cam.url)).body
        seen = await watch(cam.url, 10)
    assert seen.numbers[:3] == [0, 1, 2]
    assert len(cam.frames_sent) >= 30


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_its_picture_size_changes_in_mid_stream(codec: VideoCodec) -> None:
    small = await asyncio.to_thread(film, codec, seconds=1)
    large = await asyncio.to_thread(film, codec, seconds=1, width=640, height=480, first_number=1000)
    async with camera(small, large) as cam:
        seen = await watch(cam.url, 25)
    assert seen.sizes == [(320, 240)] * 15 + [(640, 480)] * 10
    assert seen.numbers == [*range(15), *range(1000, 1010)]


async def test_its_gops_are_very_long() -> None:
    clip = await asyncio.to_thread(film, gop=450, seconds=60)
    video = clip.tracks[0]
    assert [sample.number for sample in video.samples if sample.keyframe] == [0, 450]


async def test_its_audio_starts_late() -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip, quirks=[audio_starts_late(0.8)]) as cam, raw_client(cam.port) as client:
        await client.play(cam.url, tracks=2)
        await client.rtp(2)
        assert len(cam.frames_sent) >= 12


async def test_its_audio_never_comes() -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip, quirks=[audio_never_comes()], speed=20) as cam, raw_client(cam.port) as client:
        await client.play(cam.url, tracks=2)
        channels = {(await client.packet()).channel for _ in range(300)}
    assert not channels & {2, 3}


async def test_its_audio_drifts() -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip, quirks=[audio_drifts(0.1)], speed=5) as cam, raw_client(cam.port) as client:
        await client.play(cam.url, tracks=2)
        stamps = [(await client.rtp(2)).timestamp for _ in range(20)]
    assert stamps[-1] - stamps[0] == pytest.approx(19 * 1024 * 1.1, abs=2)


async def test_its_audio_is_garbage_and_its_video_is_not() -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip, quirks=[audio_is_garbage()]) as cam:
        numbers: list[int | None] = []

        def look() -> None:
            with av.open(cam.url, options={"rtsp_transport": "tcp"}, timeout=10) as container:
                for frame in container.decode(video=0):
                    numbers.append(frame_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
                    if len(numbers) == 10:
                        return

        await asyncio.to_thread(look)
    assert numbers == list(range(10))


async def test_it_floods() -> None:
    async with camera(flood=True) as cam:
        seen = await watch(cam.url, 400)
    assert [number for number in seen.numbers if number is not None] == [i % 360 for i in range(400)]


async def test_it_drops_all_connections_at_once() -> None:
    async with camera(speed=10) as cam, raw_client(cam.port) as one, raw_client(cam.port) as two:
        for client in (one, two):
            await client.play(cam.url)
        cam.drop_connections()
        for client in (one, two):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.until_the_end()


@pytest.mark.parametrize("form", ["ts", "flv", "mjpeg", "hls"])
async def test_http_cameras_arrive_complete_and_in_order(form: Form) -> None:
    async with http_camera(form) as cam:
        seen = await watch(cam.url, 20)
        assert seen.numbers == cam.frames_sent[:20]
        assert cam.connections_total >= 1


@pytest.mark.parametrize("chunk_size", [128, 1000, 65_536])
async def test_rtmp_cameras_arrive_complete_and_in_order(chunk_size: int) -> None:
    async with rtmp_camera(await asyncio.to_thread(film, "h264", "aac"), chunk_size=chunk_size, speed=4) as cam:
        seen = await watch(cam.url, 20)
        assert seen.numbers == cam.frames_sent[:20]


async def test_times_of_rtmp_cameras_need_more_than_24_bits_and_wrap() -> None:
    async with rtmp_camera(edit=wraps(0.5), speed=4) as cam:
        seen = await watch(cam.url, 30)
    assert seen.numbers == list(range(30))


async def test_rtmp_cameras_refuse_what_they_do_not_have() -> None:
    async with rtmp_camera() as cam:
        with pytest.raises(av.FFmpegError):
            await watch(cam.url + "-of-another", 3)


async def test_http_cameras_ask_for_a_password() -> None:
    async with http_camera("ts", credentials=("admin", "secret")) as cam:
        assert len((await watch(cam.url, 3)).numbers) == 3
        with pytest.raises(av.HTTPUnauthorizedError):
            await watch(cam.url_as("admin", "wrong"), 3)


async def packet_times(url: str, count: int) -> list[tuple[int | None, int | None]]:
    def look() -> list[tuple[int | None, int | None]]:
        with av.open(url, timeout=10, options={"fflags": "nofillin", "probesize": "50000"}) as container:
            times: list[tuple[int | None, int | None]] = []
            for packet in container.demux(video=0):
                times.append((packet.pts, packet.dts))
                if len(times) == count:
                    break
            return times

    return await asyncio.to_thread(look)


async def test_mpeg_ts_may_lack_times() -> None:
    async with http_camera("ts", edit=missing_pts(3), speed=4) as cam:
        times = await packet_times(cam.url, 12)
    assert [pts is None for pts, _ in times[:6]] == [False, False, True] * 2


@pytest.mark.parametrize("form", ["ts", "flv"])
async def test_times_may_go_back_for_a_moment(form: Form) -> None:
    async with http_camera(form, edit=non_monotonic(5), speed=4) as cam:
        stamps = [dts for _, dts in await packet_times(cam.url, 20) if dts is not None]
    assert any(later < earlier for earlier, later in pairwise(stamps))


@pytest.mark.parametrize("form", ["ts", "flv"])
async def test_times_may_jump_for_good(form: Form) -> None:
    async with http_camera(form, edit=jumps(10, 3600), speed=4) as cam:
        stamps = [dts for _, dts in await packet_times(cam.url, 20) if dts is not None]
    assert stamps[-1] - stamps[0] > 3600 * (90_000 if form == "ts" else 1000)


async def test_mpeg_ts_times_may_wrap() -> None:
    async with http_camera("ts", edit=wraps(0.5), speed=4) as cam:
        seen = await watch(cam.url, 30)
    assert seen.numbers == list(range(30))


async def test_flv_carries_b_frames() -> None:
    async with http_camera("flv", await asyncio.to_thread(film, b_frames=2), speed=4) as cam:
        times = await packet_times(cam.url, 20)
        seen = await watch(cam.url, 10)
    assert any(pts != dts for pts, dts in times)
    assert None not in seen.numbers


def test_a_camera_runs_in_a_thread_of_its_own() -> None:
    with in_thread(camera) as cam:
        with av.open(cam.camera.url, options={"rtsp_transport": "tcp"}, timeout=10) as container:
            next(container.decode(video=0))
            cam.wait_until(lambda c: len(c.frames_sent) > 5)
            cam.do(lambda c: c.drop_connections())
        cam.wait_for(lambda c: c.stop())
        cam.wait_for(lambda c: c.start())
        assert cam.camera.connections_total == 1
