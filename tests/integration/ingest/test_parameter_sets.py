"""Cameras that keep, change or forget their parameter sets, and such as send few keyframes."""

import asyncio
from itertools import pairwise

import pytest

from tests.cameras import camera, film
from tests.cameras.films import VideoCodec
from tests.cameras.quirks import without_described_parameter_sets, without_parameter_sets
from tests.rig.footage import assert_runs_true, assert_sent
from tests.rig.nvr import Nvr, eventually

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_a_first_gop_without_parameter_sets_is_recorded_if_they_come_soon(nvr: Nvr, codec: VideoCodec) -> None:
    blind, whole = await asyncio.to_thread(lambda: (film(codec, seconds=1), film(codec, first_number=100)))
    async with camera(without_parameter_sets(blind), whole, repeat_from=1) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 50, "pictures")
        (part,) = await stream.footage()
    assert_sent(part.numbers, cam.frames_sent)
    assert_runs_true(part)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_a_long_first_gop_without_parameter_sets_is_left_out(nvr: Nvr, codec: VideoCodec) -> None:
    blind, whole = await asyncio.to_thread(lambda: (film(codec, seconds=8, gop=120), film(codec, first_number=100)))
    async with camera(without_parameter_sets(blind), whole, repeat_from=1) as cam:
        stream = await nvr.add(cam.url)
        await eventually(lambda: len(cam.frames_sent) >= 105, "pictures that cannot be decoded")
        assert await stream.recordings() == []
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 150, "pictures")
        (part,) = await stream.footage()
        (row,) = await stream.recordings()
    assert_sent(part.numbers, cam.frames_sent[120:])
    assert (row["codec"], row["width"], row["height"]) == (codec, 320, 240)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_parameter_sets_that_are_in_the_stream_only_are_found_there(nvr: Nvr, codec: VideoCodec) -> None:
    clip = await asyncio.to_thread(film, codec)
    async with camera(without_described_parameter_sets(clip)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 30, "pictures")
        (part,) = await stream.footage()
    assert_sent(part.numbers, cam.frames_sent)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_another_picture_size_in_mid_stream_begins_another_file(nvr: Nvr, codec: VideoCodec) -> None:
    small = await asyncio.to_thread(film, codec, seconds=2)
    large = await asyncio.to_thread(film, codec, seconds=24, width=640, height=480, first_number=1000)
    async with camera(small, large, repeat_from=1) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 35, "pictures of the other size")
        await eventually(lambda: stream.status.width == 640, "the status tells the other size")
        assert (stream.status.codec, stream.status.height) == (codec, 480)
        await eventually(lambda: len(cam.frames_sent) >= 60, "more pictures")
        before, after = await stream.footage()
        rows = await stream.recordings()
        assert cam.connections_total == 1
    assert before.numbers == list(range(30))
    assert set(before.sizes) == {(320, 240)}
    assert_sent(after.numbers, cam.frames_sent[30:])
    assert set(after.sizes) == {(640, 480)}
    assert [(row["width"], row["height"]) for row in rows] == [(320, 240), (640, 480)]


async def test_a_size_that_changes_back_and_forth_loses_nothing(nvr: Nvr) -> None:
    small = await asyncio.to_thread(film, seconds=1)
    large = await asyncio.to_thread(film, seconds=1, width=640, height=480, first_number=1000)
    async with camera(small, large) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 70, "pictures of both sizes")
        parts = await stream.footage()
    assert [part.sizes[0][0] for part in parts[:4]] == [320, 640, 320, 640]
    assert_sent([number for part in parts for number in part.numbers], cam.frames_sent)


async def test_very_long_gops_are_recorded_as_they_come(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, gop=450, seconds=60)
    async with camera(clip, speed=4) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await nvr.cut_every(5, stream)
        await eventually(lambda: len(cam.frames_sent) >= 600, "more than a GOP")
        parts = await stream.footage()
        rows = await stream.recordings()
    assert [part.numbers[0] for part in parts] == [0, 450]
    assert_sent([number for part in parts for number in part.numbers], cam.frames_sent, most_missing=60)
    for part in parts:
        assert_runs_true(part, slack_s=0.5)
    assert all(earlier["end_time_unix"] <= later["start_time_unix"] for earlier, later in pairwise(rows))
