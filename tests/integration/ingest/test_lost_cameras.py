"""Cameras that are lost while they are recorded: what came before and after is on the disk, whole."""

import asyncio
from collections.abc import Iterator

import pytest

from lightnvr.demo.playing import Cue
from lightnvr.live.rtsp import Track
from lightnvr.streams.status import StreamState
from tests.cameras import RtspCamera, camera, film, http_camera, rtmp_camera
from tests.rig.footage import assert_sent
from tests.rig.nvr import Nvr, WatchedStream, eventually

pytestmark = pytest.mark.anyio


async def reconnected(stream: WatchedStream, times: int = 1) -> None:
    """Wait until a stream was lost and is recorded again."""
    await eventually(lambda: stream.status.reconnects == times, lambda: f"reconnected, but {stream.status}")
    await stream.connected()


async def test_a_cut_in_the_middle_of_a_frame_costs_that_frame_only(nvr: Nvr) -> None:
    async with camera(events={20: lambda cam: cam.cut_mid_frame()}) as cam:
        stream = await nvr.add(cam.url)
        await reconnected(stream)
        await eventually(lambda: len(cam.frames_sent) >= 40, "pictures after the cut")
        before, after = await stream.footage()
        sent = cam.frames_sent
        assert cam.connections_total == 2
    assert before.numbers == sent[:20]
    assert_sent(after.numbers, sent[20:])


async def test_an_http_camera_that_is_cut_in_the_middle_of_a_frame_is_recorded_again(nvr: Nvr) -> None:
    async with http_camera("ts") as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 20, "pictures before the cut")
        cam.cut_mid_frame()
        await eventually(lambda: stream.status.state is not StreamState.CONNECTED, "the cut is seen")
        cut = len(cam.frames_sent)
        await reconnected(stream)
        await eventually(lambda: len(cam.frames_sent) >= cut + 20, "pictures after the cut")
        before, after = await stream.footage()
    # MPEG-TS does not say how long a frame is, so the half frame may be there.
    assert before.numbers[:cut] == cam.frames_sent[:cut]
    assert len(before.numbers) <= cut + 1
    assert_sent(after.numbers, cam.frames_sent[cut:])


async def test_an_rtmp_camera_that_is_cut_is_recorded_again(nvr: Nvr) -> None:
    async with rtmp_camera(await asyncio.to_thread(film, "h264", "aac")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 20, "pictures before the cut")
        cam.cut_mid_frame()
        await eventually(lambda: stream.status.state is not StreamState.CONNECTED, "the cut is seen")
        cut = len(cam.frames_sent)
        await reconnected(stream)
        await eventually(lambda: len(cam.frames_sent) >= cut + 20, "pictures after the cut")
        before, after = await stream.footage()
        assert cam.connections_total == 2
    assert before.numbers == cam.frames_sent[:cut]
    assert_sent(after.numbers, cam.frames_sent[cut:])
    for part in (before, after):
        assert part.codecs == ("h264", "aac")
        assert abs(part.samples / part.sample_rate - len(part.numbers) / 15) < 0.8


async def test_an_rtmp_camera_that_stalls_is_lost_after_the_stall_timeout(nvr: Nvr) -> None:
    async with rtmp_camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        cam.pause()
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error == f"rtmp://127.0.0.1:{cam.port}/live/stream sent nothing for 2 s."
        cam.resume()
        await reconnected(stream)
        sent = len(cam.frames_sent)
        await eventually(lambda: len(cam.frames_sent) >= sent + 20, "pictures after the stall")
        parts = await stream.footage()
    assert len(parts) == 2
    assert_sent(parts[0].numbers, cam.frames_sent[: len(parts[0].numbers)])


async def test_a_camera_that_is_cut_again_and_again_loses_nothing_that_it_sent(nvr: Nvr) -> None:
    async with camera(events={at: lambda cam: cam.drop_connections() for at in (20, 40, 60)}) as cam:
        stream = await nvr.add(cam.url)
        await reconnected(stream, 3)
        await eventually(lambda: len(cam.frames_sent) >= 80, "pictures after the last cut")
        parts = await stream.footage()
    assert len(parts) == 4
    assert_sent([number for part in parts for number in part.numbers], cam.frames_sent)


@pytest.mark.parametrize("reports", [False, True], ids=["silent", "RTCP only"])
async def test_a_camera_that_stalls_without_closing_is_lost_after_the_stall_timeout(nvr: Nvr, reports: bool) -> None:
    async with camera(events={30: lambda cam: cam.pause(reports=reports)}) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error == f"rtsp://127.0.0.1:{cam.port}/stream sent nothing for 2 s."
        rows = await stream.all_finished()
        assert len(rows) == 1
        cam.resume()
        await reconnected(stream)
        await eventually(lambda: len(cam.frames_sent) >= 50, "pictures after the stall")
        assert_sent(await stream.numbers(), cam.frames_sent)


async def test_a_camera_whose_pictures_end_while_its_sound_goes_on_is_lost(nvr: Nvr) -> None:
    def silent_pictures(cues: Iterator[Cue], tracks: tuple[Track, ...]) -> Iterator[Cue]:
        shown = 0
        for cue in cues:
            shown += tracks[cue.frame.track].is_video
            if shown <= 30 or not tracks[cue.frame.track].is_video:
                yield cue

    async with camera(film("h264", "aac"), quirks=[silent_pictures]) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error == f"rtsp://127.0.0.1:{cam.port}/stream sends audio but no pictures any more."
        assert_sent(await stream.numbers(), list(range(30)), most_missing=1)


async def test_a_camera_whose_pictures_end_is_lost_though_its_sound_is_not_wanted(nvr: Nvr) -> None:
    def no_more_pictures(cues: Iterator[Cue], tracks: tuple[Track, ...]) -> Iterator[Cue]:
        shown = 0
        for cue in cues:
            shown += tracks[cue.frame.track].is_video
            if shown <= 30 or not tracks[cue.frame.track].is_video:
                yield cue

    async with camera(film("h264", "aac"), quirks=[no_more_pictures]) as cam:
        stream = await nvr.add(cam.url, record_audio=False)
        await stream.connected()
        status = await stream.in_state(StreamState.RECONNECTING)
        assert status.last_error == f"rtsp://127.0.0.1:{cam.port}/stream sends audio but no pictures any more."
        assert_sent(await stream.numbers(), list(range(30)), most_missing=1)


async def test_a_camera_that_reboots_is_recorded_again(nvr: Nvr) -> None:
    async with camera(film("h264", "aac"), events={25: lambda cam: cam.reboot()}) as cam:
        stream = await nvr.add(cam.url)
        await reconnected(stream)
        await eventually(lambda: len(cam.frames_sent) >= 50, "pictures after the reboot")
        assert_sent(await stream.numbers(), cam.frames_sent)


async def test_a_camera_that_reboots_within_its_connection_goes_on_being_recorded(nvr: Nvr) -> None:
    async with camera(events={25: lambda cam: cam.reboot(cut=False)}) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 70, "pictures after the reboot")
        numbers = await stream.numbers()
        assert cam.connections_total == 1
    # The first packets from another source are not believed, so what follows up to the next keyframe is damaged.
    assert numbers[:25] == cam.frames_sent[:25]
    assert_sent(numbers[numbers.index(30) :], cam.frames_sent[30:])


async def test_there_is_one_connection_to_a_camera_at_any_time(nvr: Nvr) -> None:
    most: list[int] = []

    def note(cam: RtspCamera) -> None:
        most.append(cam.connections_open)

    events = dict.fromkeys(range(5, 200), note) | {at: lambda cam: cam.drop_connections() for at in (20, 60)}
    async with camera(events=events) as cam:
        stream = await nvr.add(cam.url)
        await reconnected(stream, 1)
        await nvr.client.post(f"{stream.path}/refresh")
        await reconnected(stream, 2)
        await stream.change(record_audio=False)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 90, "pictures")
        await stream.stopped()
        await eventually(lambda: cam.connections_open == 0, "the connection is closed")
    assert set(most) == {1}
