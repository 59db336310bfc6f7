"""A camera that changes size or codec in mid-stream begins another file, and every file shows what was sent."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from lightnvr.demo.clip import Clip
from tests.cameras import camera, film, http_camera, rtmp_camera
from tests.cameras.films import AudioCodec, VideoCodec
from tests.rig.footage import assert_sent
from tests.rig.nvr import Nvr, eventually
from tests.rig.recorded import recorded_numbers
from tests.rig.several import AnyCamera

pytestmark = pytest.mark.anyio

Showing = Callable[[Clip, Clip], AbstractAsyncContextManager[AnyCamera]]
OVER: dict[str, Showing] = {
    "RTSP": lambda first, then: camera(first, then, repeat_from=1),
    "RTMP": lambda first, then: rtmp_camera(first, then, repeat_from=1),
    "MPEG-TS": lambda first, then: http_camera("ts", first, then, repeat_from=1),
    "FLV": lambda first, then: http_camera("flv", first, then, repeat_from=1),
    "MJPEG": lambda first, then: http_camera("mjpeg", first, then, repeat_from=1),
}


SIZES: list[tuple[str, VideoCodec]] = [
    ("RTSP", "av1"),
    ("RTSP", "mjpeg"),
    ("RTMP", "h264"),
    ("RTMP", "hevc"),
    ("RTMP", "av1"),
    ("MPEG-TS", "h264"),
    ("MPEG-TS", "hevc"),
    ("FLV", "h264"),
    ("FLV", "hevc"),
    ("FLV", "av1"),
    ("MJPEG", "mjpeg"),
]
CODECS: list[tuple[VideoCodec, VideoCodec]] = [("h264", "hevc"), ("hevc", "h264")]
SOUNDS: list[AudioCodec | None] = [None, "aac"]


async def test_another_picture_size_begins_another_file(nvr: Nvr) -> None:
    await asyncio.gather(*(_another_size(nvr, over, codec) for over, codec in SIZES))


async def test_another_codec_is_recorded_too(nvr: Nvr) -> None:
    cases = [
        (over, first, then, audio) for over in ("MPEG-TS", "FLV", "RTMP") for first, then in CODECS for audio in SOUNDS
    ]
    await asyncio.gather(*(_another_codec(nvr, *case) for case in cases))


async def _another_size(nvr: Nvr, over: str, codec: VideoCodec) -> None:
    small = await asyncio.to_thread(film, codec, seconds=6)
    large = await asyncio.to_thread(film, codec, seconds=24, width=640, height=480, first_number=1000)
    async with OVER[over](small, large) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 120, "pictures of the other size")
        assert (stream.status.width, stream.status.height) == (640, 480)
        before, after = await stream.footage()
        rows = await stream.recordings()
        assert cam.connections_total == 1
    assert before.numbers == list(range(90))
    assert set(before.sizes) == {(320, 240)}
    assert_sent(after.numbers, cam.frames_sent[90:])
    assert set(after.sizes) == {(640, 480)}
    assert [(row["codec"], row["width"], row["height"]) for row in rows] == [(codec, 320, 240), (codec, 640, 480)]


async def _another_codec(nvr: Nvr, over: str, first: VideoCodec, then: VideoCodec, audio: AudioCodec | None) -> None:
    before = await asyncio.to_thread(film, first, audio, seconds=24)
    after = await asyncio.to_thread(film, then, audio, seconds=24, first_number=1000)
    async with OVER[over](before, after) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 360, "all pictures of the one codec")
        await eventually(lambda: stream.status.codec == then, lambda: f"{then}, but {stream.status}")
        seen = len(cam.frames_sent)
        await eventually(lambda: len(cam.frames_sent) >= seen + 30, "pictures of the other codec")
        rows = await stream.stopped()
    assert [row["codec"] for row in rows] == [first, then]
    shown = [await asyncio.to_thread(recorded_numbers, Path(row["file_path"])) for row in rows]
    # FFmpeg cannot tell where the last frame in MPEG-TS ends when what follows is of another codec.
    sure = 357 if over == "MPEG-TS" else 360
    assert shown[0][:sure] == list(range(sure))
    assert len(shown[0]) <= 361
    first_seen = shown[1][0]
    assert first_seen is not None
    assert 1000 <= first_seen < 1360
    assert shown[1] == list(range(first_seen, first_seen + len(shown[1])))
