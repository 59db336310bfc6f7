"""Real players watch the server."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from typing import Literal

import av
import numpy as np
import pytest

from lightnvr.demo.clip import Clip
from lightnvr.demo.numbering import Luma
from tests.cameras import camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.integration.rtsp.watching import watch
from tests.rig.jpeg import decoded
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


async def test_jpeg_pictures_whose_decoders_start_anew_in_the_midst_arrive_as_they_are() -> None:
    clip = await asyncio.to_thread(lambda: _with_restart_markers(film("mjpeg", seconds=1)))
    assert clip.video is not None
    sent = [_luma(decoded(sample.data)) for sample in clip.video.samples]
    async with camera(clip) as cam:
        received = await asyncio.to_thread(_pictures, cam.url, 20)
        status, said = await run(
            *("gst-launch-1.0", "rtspsrc", f"location={cam.url}", "protocols=tcp", "latency=0", "!", "rtpjpegdepay"),
            *("!", "jpegparse", "!", "avdec_mjpeg", "!", "fakesink", "num-buffers=20"),
        )
    places = [next((place for place, one in enumerate(sent) if np.array_equal(one, other)), None) for other in received]
    assert None not in places
    assert (status, "WARN" in said) == (0, False), said


def _with_restart_markers(clip: Clip) -> Clip:
    """The same pictures from an encoder that shares each among two threads, as cameras do."""
    (track,) = clip.tracks
    samples = []
    for sample in track.samples:
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt = track.track.width, track.track.height, "yuvj420p"
        encoder.time_base = Fraction(1, 15)
        encoder.thread_count, encoder.thread_type = 2, "SLICE"
        encoder.options = {"huffman": "default"}
        picture = av.VideoFrame.from_ndarray(_luma(decoded(sample.data)), format="yuvj420p")
        (packet,) = [*encoder.encode(picture), *encoder.encode(None)]
        assert b"\xff\xdd" in bytes(packet)
        samples.append(replace(sample, data=bytes(packet)))
    return replace(clip, tracks=(replace(track, samples=tuple(samples)),))


def _pictures(url: str, count: int) -> list[Luma]:
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=15) as container:
        return [_luma(frame) for frame in islice(container.decode(video=0), count)]


def _luma(frame: av.VideoFrame) -> Luma:
    return np.asarray(frame.to_ndarray(format="yuvj420p"), np.uint8)


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
