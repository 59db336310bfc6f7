"""HLS with MPEG-TS segments, followed by a client that holds every answer against RFC 8216."""

import asyncio

from tests.cameras import RtspCamera, camera, film, http_camera
from tests.cameras.films import AudioCodec, VideoCodec
from tests.cameras.quirks import audio_starts_late
from tests.rig.hls_client import HlsClient, consecutive, heard, shown
from tests.rig.nvr import Nvr, WatchedStream, eventually


async def follow(client: HlsClient, segments: int) -> None:
    """Ask again and again until so many segments are there."""
    await client.reload()
    while len(client.media) < segments:
        await asyncio.sleep(0.2)
        await client.reload()


async def watched(nvr: Nvr, cam: RtspCamera, **members: object) -> tuple[WatchedStream, HlsClient]:
    stream = await nvr.add(cam.url, **members)
    await stream.connected()
    return stream, HlsClient(nvr.client, f"/hls/{stream.id}/index.m3u8")


async def test_every_answer_is_as_the_standard_wants_and_no_picture_is_missing(nvr: Nvr) -> None:
    await asyncio.gather(
        _is_as_the_standard_wants(nvr, "h264", "aac", b_frames=2, segments=16),
        _is_as_the_standard_wants(nvr, "h264", "mp3", segments=4),
        _is_as_the_standard_wants(nvr, "hevc", "pcm_alaw", segments=4),
        _is_as_the_standard_wants(nvr, "h264", None, fps=5, gop=10, segments=4),
    )


async def _is_as_the_standard_wants(
    nvr: Nvr,
    video: VideoCodec,
    audio: AudioCodec | None,
    *,
    fps: int = 15,
    gop: int = 15,
    b_frames: int = 0,
    segments: int,
) -> None:
    async with camera(film(video, audio, fps=fps, gop=gop, b_frames=b_frames)) as cam:
        stream, client = await watched(nvr, cam)

        await follow(client, segments)

        numbers = await stream.numbers()
    assert client.checker.discontinuities == 0
    assert consecutive(client.numbers())
    assert consecutive(numbers[: -1 - b_frames]), ("watching cost the recording something", numbers)
    run = b"".join(client.runs())
    seconds = sum(segment.duration for segment in client.checker.segments.values())
    assert abs(heard(run) - (seconds if audio else 0)) < 0.5


async def test_a_piece_goes_on_where_the_last_one_ended(nvr: Nvr) -> None:
    async with camera(film("h264", "aac")) as cam:
        _, client = await watched(nvr, cam)
        await follow(client, segments=4)

    counters: dict[int, int] = {}
    stream = b"".join(client.runs())
    for at in range(0, len(stream), 188):
        packet = stream[at : at + 188]
        pid, counter = (packet[1] & 0x1F) << 8 | packet[2], packet[3] & 0x0F
        assert packet[0] == 0x47
        if packet[3] & 0x10:
            assert counter == (counters.get(pid, counter - 1) + 1) & 0x0F, f"at byte {at}"
            counters[pid] = counter


async def test_the_list_goes_on_when_the_camera_comes_back_with_another_coding(nvr: Nvr) -> None:
    small, large = film("h264", seconds=5), film("h264", width=640, height=480, seconds=19, first_number=75)
    async with camera(small, large, repeat_from=1) as cam:
        stream, client = await watched(nvr, cam)
        await follow(client, segments=2)
        cam.drop_connections()
        await eventually(lambda: stream.status.last_error != "", "the camera is gone")
        while client.checker.discontinuities < 2 or len(client.media) < 9:
            await asyncio.sleep(0.2)
            await client.reload()

    assert all(consecutive(shown(run)) for run in client.runs())
    assert [len(run) > 0 for run in client.runs()] == [True] * 3


async def test_sound_that_comes_late_is_announced_when_it_comes(nvr: Nvr) -> None:
    async with camera(film("h264", "aac"), quirks=(audio_starts_late(4.0),)) as cam:
        _, client = await watched(nvr, cam)
        await follow(client, segments=2)
        while not heard(client.runs()[-1]):
            await asyncio.sleep(0.2)
            await client.reload()

    assert client.checker.discontinuities <= 1
    assert consecutive(client.numbers())


async def test_what_mpeg_ts_cannot_carry_is_sent_on_to_fragmented_mp4(nvr: Nvr) -> None:
    async with camera(film("av1")) as modern, camera(film("h264", "opus")) as loud:
        for cam in (modern, loud):
            stream, _ = await watched(nvr, cam)

            answer = await nvr.client.get(f"/hls/{stream.id}/index.m3u8")

            assert (answer.status_code, answer.headers["location"]) == (307, "ll.m3u8")


async def test_mjpeg_is_refused_with_a_sentence(nvr: Nvr) -> None:
    async with http_camera("mjpeg") as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()

        for playlist in ("index.m3u8", "ll.m3u8", "master.m3u8"):
            answer = await nvr.client.get(f"/hls/{stream.id}/{playlist}")
            assert answer.status_code == 406
            assert "which HLS cannot carry" in answer.json()["error"]


async def test_a_camera_that_is_not_there_is_said_to_be_worth_another_try(nvr: Nvr) -> None:
    async with camera(film("h264"), started=False) as cam:
        stream = await nvr.add(cam.url)

        answers = await asyncio.gather(
            *(nvr.client.get(f"/hls/{stream.id}/{name}") for name in ("index.m3u8", "ll.m3u8", "master.m3u8"))
        )
        assert [answer.status_code for answer in answers] == [503] * 3
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)

        await cam.start()
        await stream.connected()
        assert (await nvr.client.get(f"/hls/{stream.id}/index.m3u8")).status_code == 200


async def test_the_address_of_the_original_leads_to_a_playlist_that_plays(nvr: Nvr) -> None:
    async with camera(film("h264", "aac")) as cam:
        stream, _ = await watched(nvr, cam, name="front door")
        for address in ("/go2rtc/api/stream.m3u8", "/api/stream.m3u8"):
            for query, name in (({}, "index.m3u8"), ({"mp4": "flac"}, "ll.m3u8")):
                answer = await nvr.client.get(address, params={"src": stream.name, **query})
                assert answer.status_code == 200, answer.text
                head, variant = answer.text.splitlines()[-2:]
                assert 'CODECS="avc1.' in head
                playlist = answer.url.join(variant)
                assert playlist.path == f"/hls/front door/{name}"
                assert (await nvr.client.get(playlist)).text.count("#EXTINF") >= 1
        missing = await nvr.client.get("/go2rtc/api/stream.m3u8", params={"src": "nobody"})
        assert missing.status_code == 404
