"""Cameras whose timestamps lie: every picture is recorded, and time in the file goes on as it really did."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Literal

import pytest

from lightnvr.demo.clip import Clip
from tests.cameras import camera, film, http_camera, rtmp_camera
from tests.cameras.http import Form
from tests.cameras.timestamps import Edit, jumps, missing_pts, non_monotonic, wraps
from tests.rig.footage import Footage, assert_runs_true, assert_sent
from tests.rig.nvr import Nvr, eventually
from tests.rig.several import AnyCamera

pytestmark = pytest.mark.anyio


async def recorded(nvr: Nvr, cam: AnyCamera, frames: int) -> Footage:
    """The one file that comes of so many frames."""
    stream = await nvr.add(cam.url)
    await stream.connected()
    await eventually(lambda: len(cam.frames_sent) >= frames, "enough pictures")
    (part,) = await stream.footage()
    assert cam.connections_total == 1
    return part


@pytest.mark.parametrize("seconds", [3600, -3600, 7, -7, 0.9, -0.9])
async def test_a_clock_that_jumps_costs_no_picture(nvr: Nvr, seconds: float) -> None:
    async with camera(events={30: lambda cam: cam.jump(seconds)}) as cam:
        part = await recorded(nvr, cam, 60)
    assert_sent(part.numbers, cam.frames_sent)
    assert_runs_true(part)


async def test_a_clock_that_jumps_again_and_again_costs_no_picture(nvr: Nvr) -> None:
    events = {at: lambda cam, by=(-1) ** at * 1000 * at: cam.jump(by) for at in range(10, 60, 7)}
    async with camera(await asyncio.to_thread(film, "h264", "aac"), events=events) as cam:
        part = await recorded(nvr, cam, 70)
    assert_sent(part.numbers, cam.frames_sent)
    assert_runs_true(part, slack_s=3)


async def test_timestamps_that_pass_their_end_go_on(nvr: Nvr) -> None:
    async with camera(await asyncio.to_thread(film, "h264", "aac"), wraps_after=2) as cam:
        part = await recorded(nvr, cam, 60)
    assert_sent(part.numbers, cam.frames_sent)
    assert_runs_true(part, slack_s=0.5)


@pytest.mark.parametrize(
    ("form", "edit"),
    [
        pytest.param("ts", missing_pts(3), id="MPEG-TS without pts"),
        pytest.param("ts", non_monotonic(5), id="MPEG-TS back for a moment"),
        pytest.param("flv", non_monotonic(5), id="FLV back for a moment"),
        pytest.param("ts", jumps(30, 3600), id="MPEG-TS an hour ahead"),
        pytest.param("flv", jumps(30, 3600), id="FLV an hour ahead"),
        pytest.param("ts", jumps(30, -3600), id="MPEG-TS an hour back"),
        pytest.param("ts", wraps(2), id="MPEG-TS past its end"),
        pytest.param("flv", wraps(2), id="FLV past its end"),
    ],
)
async def test_times_of_http_cameras_that_lie_cost_no_picture(nvr: Nvr, form: Literal["ts", "flv"], edit: Edit) -> None:
    async with http_camera(form, edit=edit) as cam:
        part = await recorded(nvr, cam, 60)
    assert_sent(part.numbers, cam.frames_sent)
    assert_runs_true(part)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(non_monotonic(5), id="back for a moment"),
        pytest.param(jumps(30, 3600), id="an hour ahead"),
        pytest.param(jumps(30, -3600), id="an hour back"),
        pytest.param(wraps(2), id="past their end"),
    ],
)
async def test_times_of_rtmp_cameras_that_lie_cost_no_picture(nvr: Nvr, edit: Edit) -> None:
    async with rtmp_camera(edit=edit) as cam:
        part = await recorded(nvr, cam, 60)
    assert_sent(part.numbers, cam.frames_sent)
    assert_runs_true(part)


def _showing(form: Literal["rtsp", "rtmp"] | Form, clip: Clip) -> AbstractAsyncContextManager[AnyCamera]:
    if form == "rtsp":
        return camera(clip)
    return rtmp_camera(clip) if form == "rtmp" else http_camera(form, clip)


@pytest.mark.parametrize("form", ["rtsp", "rtmp", "ts", "flv"])
async def test_pictures_that_come_out_of_order_are_shown_in_order(
    nvr: Nvr, form: Form | Literal["rtsp", "rtmp"]
) -> None:
    clip = await asyncio.to_thread(film, b_frames=2)
    async with _showing(form, clip) as cam:
        part = await recorded(nvr, cam, 60)
    assert_sent(part.numbers[:-3], sorted(cam.frames_sent))
    assert_runs_true(part, slack_s=0.5)
