"""Low-latency HLS, followed by a client that holds every answer against RFC 8216bis."""

import asyncio

import pytest

from lightnvr.streams.status import StreamState
from tests.cameras import RtspCamera, camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.cameras.quirks import audio_never_comes, audio_starts_late
from tests.rig.hls_client import HlsClient, consecutive, heard, shown
from tests.rig.nvr import Nvr, WatchedStream, eventually

_MOST_UNEVEN = 2
"""A machine that is busy lets cameras relate their clocks unevenly; then a part cannot be as long as the others."""


async def follow(client: HlsClient, segments: int) -> None:
    """Ask for part after part until so many whole segments are there."""
    await client.reload()
    while len(client.media) < segments:
        await client.next_part()


async def watched(nvr: Nvr, cam: RtspCamera, **members: object) -> tuple[WatchedStream, HlsClient]:
    stream = await nvr.add(cam.url, **members)
    await stream.connected()
    return stream, HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")


async def test_every_answer_is_as_the_standard_wants_and_no_picture_is_missing(nvr: Nvr) -> None:
    await asyncio.gather(
        _is_as_the_standard_wants(nvr, fps=15, gop=15, b_frames=0),
        _is_as_the_standard_wants(nvr, fps=15, gop=30, b_frames=2),
        _is_as_the_standard_wants(nvr, fps=25, gop=50, b_frames=0),
        _is_as_the_standard_wants(nvr, fps=5, gop=10, b_frames=0),
    )


async def _is_as_the_standard_wants(nvr: Nvr, *, fps: int, gop: int, b_frames: int) -> None:
    async with camera(film("h264", "aac", fps=fps, gop=gop, b_frames=b_frames)) as cam:
        stream, client = await watched(nvr, cam)

        await follow(client, segments=6)

        assert stream.status.last_error == ""
    assert client.checker.discontinuities == 0
    assert len(client.checker.short_parts) <= _MOST_UNEVEN, client.checker.short_parts
    assert consecutive(client.numbers())
    run = b"".join(client.runs())
    seconds = sum(segment.duration for segment in client.checker.segments.values())
    assert abs(heard(run) - seconds) < 0.5


async def test_the_codecs_that_mp4_knows_are_carried(nvr: Nvr) -> None:
    await asyncio.gather(
        _is_carried(nvr, "hevc", None),
        _is_carried(nvr, "av1", "opus"),
        _is_carried(nvr, "h264", "mp3"),
        _is_carried(nvr, "h264", "pcm_alaw"),
    )


async def _is_carried(nvr: Nvr, video: VideoCodec, audio: AudioCodec | None) -> None:
    async with camera(film(video, audio)) as cam:
        _, client = await watched(nvr, cam)

        await follow(client, segments=3)

    assert consecutive(client.numbers())
    assert (heard(b"".join(client.runs())) > 1) is (audio is not None)


async def test_the_first_answer_does_not_wait_for_a_long_gop(nvr: Nvr) -> None:
    async with camera(film("h264", gop=75)) as cam:
        _, client = await watched(nvr, cam)
        await eventually(lambda: len(cam.frames_sent) > 80, "the second GOP has begun")
        sent = len(cam.frames_sent)

        playlist = await client.reload()

        assert len(cam.frames_sent) - sent < 30, "it waited for the rest of the GOP"
        assert playlist.complete
        assert playlist.segments[0].parts[0].independent
        await follow(client, segments=3)
    assert consecutive(client.numbers())


async def test_a_camera_that_comes_back_begins_a_new_stretch(nvr: Nvr) -> None:
    async with camera(film("h264", "aac")) as cam:
        stream, client = await watched(nvr, cam)
        await follow(client, segments=3)

        cam.drop_connections()
        await follow(client, segments=len(client.media) + 3)

        assert client.checker.discontinuities == 1
        assert stream.status.last_error == ""
    assert [consecutive(run) for run in map(shown, client.runs())] == [True, True]
    assert len({segment.init for segment in client.checker.segments.values()}) == 1


async def test_a_change_of_coding_brings_another_init_segment(nvr: Nvr) -> None:
    small, large = film("h264", seconds=5), film("h264", width=640, height=480, seconds=19, first_number=75)
    async with camera(small, large, repeat_from=1) as cam:
        _, client = await watched(nvr, cam)
        await client.reload()
        while client.checker.discontinuities < 1 or len(client.media) < 5:
            await client.next_part()

    assert consecutive(client.numbers())
    assert len(client.inits) == 2


async def test_sound_that_comes_late_is_joined_and_sound_that_never_comes_is_not_waited_for(nvr: Nvr) -> None:
    async with (
        camera(film("h264", "aac"), quirks=(audio_starts_late(4.0),)) as late,
        camera(film("h264", "aac"), quirks=(audio_never_comes(),)) as never,
    ):
        (_, joining), (_, silent) = await watched(nvr, late), await watched(nvr, never)

        await asyncio.gather(follow(joining, segments=5), follow(silent, segments=4))
        while not heard(joining.runs()[-1]):
            await joining.next_part()

    assert consecutive(joining.numbers())
    assert consecutive(silent.numbers())
    assert not any(map(heard, silent.runs()))
    assert joining.checker.discontinuities <= 1


async def test_a_delta_playlist_leaves_out_what_the_client_has(nvr: Nvr) -> None:
    async with camera(film("h264", gop=15)) as cam:
        _, client = await watched(nvr, cam)
        await follow(client, segments=9)

        whole, delta = await client.get("ll.m3u8"), await client.get("ll.m3u8", _HLS_skip="YES")

    assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=" in delta.text
    assert len(delta.text) < len(whole.text)


async def test_what_a_player_may_wait_for_is_bounded(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam:
        _, client = await watched(nvr, cam)
        number, part = (await client.reload()).next_part

        for query in (
            {"_HLS_part": 1},
            {"_HLS_msn": number + 3},
            {"_HLS_msn": number, "_HLS_part": part + 40},
            {"_HLS_msn": -1},
            {"_HLS_msn": "soon"},
        ):
            answer = await client.get("ll.m3u8", **query)
            assert answer.status_code == 400, (query, answer.text)

        assert (await client.get(f"part_{number + 90}.0.m4s")).status_code == 404
        hinted = await client.get(f"part_{number}.{part}.m4s")
        assert hinted.status_code == 200
        assert hinted.content[4:8] == b"moof"


async def test_who_waits_for_a_camera_that_stands_still_is_told_to_come_again(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam:
        _, client = await watched(nvr, cam)
        await follow(client, segments=2)
        await cam.stop()
        number, part = (await client.reload()).next_part

        answer = await client.get("ll.m3u8", _HLS_msn=number + 1, _HLS_part=part)

        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("ll.m3u8")).status_code == 200
        await cam.start()
        await follow(client, segments=len(client.media) + 2)
    assert client.checker.discontinuities == 1


async def test_the_choice_of_streams_names_main_and_sub_stream(nvr: Nvr) -> None:
    async with camera(film("hevc", "aac", width=640, height=480)) as cam, camera(film("h264")) as sub:
        _, client = await watched(nvr, cam, name="two sizes", sub_stream_url=sub.url)

        master = (await client.get("master.m3u8")).text

        main, small = [line for line in master.splitlines() if line.startswith("#EXT-X-STREAM-INF")]
        assert 'CODECS="hvc1.' in main
        assert 'mp4a.40.2"' in main
        assert "RESOLUTION=640x480" in main
        assert "FRAME-RATE=15.000" in main
        assert 'CODECS="avc1.' in small
        assert "RESOLUTION=320x240" in small
        assert "../two%20sizes_sub/ll.m3u8" in master.splitlines()
        both = HlsClient(nvr.client, "/hls/two%20sizes_sub/ll.m3u8")
        await asyncio.gather(follow(client, segments=4), follow(both, segments=4))
        assert client.checker.latest is not None
        assert [report["URI"] for report in client.checker.latest.reports] == ["../two%20sizes_sub/ll.m3u8"]
        assert both.checker.latest is not None
        assert [report["URI"] for report in both.checker.latest.reports] == ["../two%20sizes/ll.m3u8"]
    assert consecutive(client.numbers())
    assert consecutive(both.numbers())


@pytest.mark.parametrize(
    "path", ["/hls/{name}/master.m3u8", "/api/stream.m3u8?src={name}", "/api/stream.m3u8?src={name}&mp4"]
)
async def test_the_choice_of_streams_is_answered_also_while_the_camera_is_away(nvr: Nvr, path: str) -> None:
    async with camera(film("h264", "aac")) as cam:
        stream, client = await watched(nvr, cam)
        await follow(client, segments=2)
        address = path.format(name=stream.id)
        before = await nvr.client.get(address)
        await cam.stop()
        await stream.in_state(StreamState.RECONNECTING)

        away = await nvr.client.get(address)

    assert (before.status_code, away.status_code) == (200, 200)
    assert 'CODECS="avc1.' in away.text
    assert "mp4a.40.2" in away.text


async def test_a_sub_stream_that_hls_cannot_carry_is_left_out_of_the_choice(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam, camera(film("mjpeg")) as sub:
        _, client = await watched(nvr, cam, sub_stream_url=sub.url)
        master = await client.get("master.m3u8")
    assert master.status_code == 200, master.text
    assert [line for line in master.text.splitlines() if not line.startswith("#")] == ["ll.m3u8"]
