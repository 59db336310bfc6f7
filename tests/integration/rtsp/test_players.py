"""Real players watch the server."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import av
import pytest

from tests.cameras import camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.integration.rtsp.watching import watch
from tests.rig.programs import run

pytestmark = pytest.mark.anyio

CREDENTIALS = ("admin", "p@ss:w%rd")


def consecutive(numbers: Sequence[int | None]) -> bool:
    return list(numbers) == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "mjpeg"])
async def test_every_video_codec_arrives_complete_and_in_order(
    codec: VideoCodec, transport: Literal["tcp", "udp"]
) -> None:
    async with camera(await asyncio.to_thread(film, codec)) as cam:
        seen = await watch(cam.url, 30, transport=transport)
        assert seen.numbers == cam.frames_sent[:30]
        assert consecutive(seen.numbers)


@pytest.mark.parametrize(
    ("codec", "decoder"),
    [
        ("aac", "aac"),
        ("opus", "opus"),
        ("mp3", "mp3float"),
        ("pcm_alaw", "pcm_alaw"),
        ("pcm_mulaw", "pcm_mulaw"),
        ("adpcm_g722", "g722"),
        ("g726", "g726"),
        ("g726le", "g726le"),
        ("pcm_s16be", "pcm_s16be"),
    ],
)
async def test_every_audio_codec_decodes_and_its_time_goes_on_evenly(codec: AudioCodec, decoder: str) -> None:
    async with camera(await asyncio.to_thread(film, "h264", codec)) as cam:
        seen = await watch(cam.url, 5, audio_frames=30)
        assert decoder in seen.codecs
        assert consecutive(seen.numbers)
    times = [moment for moment in seen.audio_times if moment is not None]
    steps = [later - earlier for earlier, later in pairwise(times[2:])]
    assert max(steps) - min(steps) < 0.002


async def test_b_frames_come_out_in_the_order_of_showing() -> None:
    async with camera(await asyncio.to_thread(film, b_frames=2)) as cam:
        seen = await watch(cam.url, 40)
    assert consecutive(seen.numbers)


@pytest.mark.parametrize("authentication", ["digest", "basic"])
async def test_pyav_watches_with_the_password_and_not_without(authentication: Literal["digest", "basic"]) -> None:
    async with camera(credentials=CREDENTIALS, authentication=authentication) as cam:
        assert consecutive((await watch(cam.url, 5)).numbers)
        with pytest.raises(av.HTTPUnauthorizedError):
            await watch(cam.url_as("admin", "wrong"), 5)


async def test_pyav_watches_over_tls() -> None:
    async with camera(tls=True) as cam:
        assert consecutive((await watch(cam.url, 5)).numbers)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
async def test_debians_ffmpeg_reads_without_complaint(codec: VideoCodec, transport: str) -> None:
    clip = await asyncio.to_thread(film, codec, "aac")
    async with camera(clip, credentials=CREDENTIALS) as cam:
        status, said = await run(
            *("ffmpeg", "-v", "warning", "-rtsp_transport", transport, "-i", cam.url),
            *("-t", "1.5", "-map", "0:v", "-map", "0:a", "-f", "null", "-"),
        )
    assert status == 0
    assert "missed" not in said
    assert "corrupt" not in said


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("codec", "chain"),
    [
        ("h264", "rtph264depay ! h264parse"),
        ("hevc", "rtph265depay ! h265parse"),
        ("mjpeg", "rtpjpegdepay ! jpegparse"),
    ],
)
async def test_gstreamer_reads(codec: VideoCodec, chain: str, transport: str) -> None:
    async with camera(await asyncio.to_thread(film, codec), credentials=CREDENTIALS) as cam:
        source = [
            "rtspsrc", f"location={cam.url_as()}", f"protocols={transport}", "latency=0",
            f"user-id={CREDENTIALS[0]}", f"user-pw={CREDENTIALS[1]}",
        ]  # fmt: skip
        status, said = await run("gst-launch-1.0", *source, "!", *chain.split(), "!", "fakesink", "num-buffers=20")
        assert status == 0, said
        assert len(cam.frames_sent) >= 20


async def test_gstreamer_decodes_audio_beside_video() -> None:
    async with camera(await asyncio.to_thread(film, "h264", "pcm_alaw")) as cam:
        # Both pads have somewhere to go: rtspsrc ends when its first packets find nothing linked.
        source = f"rtspsrc location={cam.url} protocols=tcp name=s"
        video = "s. ! application/x-rtp,media=video ! queue ! rtph264depay ! fakesink num-buffers=20"
        audio = "s. ! application/x-rtp,media=audio ! queue ! rtppcmadepay ! alawdec ! fakesink num-buffers=30"
        status, said = await run("gst-launch-1.0", *source.split(), *video.split(), *audio.split())
    assert status == 0, said
