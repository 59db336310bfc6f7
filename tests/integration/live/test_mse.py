"""MSE over a WebSocket: every picture of a real camera, the moment it comes, in a file that goes on."""

import asyncio
from itertools import pairwise

import pytest
from websockets.exceptions import InvalidStatus

from tests.cameras import camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.rig.mse_player import MsePlayer, mse_player
from tests.rig.nvr import Nvr, eventually

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def nvr(open_nvr: Nvr) -> Nvr:
    """The players here bring no credentials."""
    return open_nvr


def assert_consecutive(numbers: list[int | None]) -> None:
    """Fail unless each picture follows the one before."""
    first = numbers[0]
    assert first is not None
    assert numbers == list(range(first, first + len(numbers)))


def assert_without_holes(player: MsePlayer, track_id: int = 1) -> None:
    """Fail unless each sample, in all files, is to be decoded when the one before ends."""
    runs = [run for file in player.files for run in file.runs(track_id)]
    assert len(runs) > 1
    for before, after in pairwise(runs):
        assert after.decode_time == before.decode_time + before.duration


@pytest.mark.parametrize(
    ("video", "audio", "codecs"),
    [
        ("h264", None, "avc1.42C00C"),
        ("h264", "aac", "avc1.42C00C,mp4a.40.2"),
        ("h264", "pcm_alaw", "avc1.42C00C,mp4a.40.2"),
        ("h264", "opus", "avc1.42C00C,opus"),
        ("h264", "mp3", "avc1.42C00C,mp4a.6B"),
        ("hevc", "aac", "hvc1.1.6.L60.90,mp4a.40.2"),
        ("av1", None, "av01.0.00M.08"),
    ],
)
async def test_every_picture_is_shown(nvr: Nvr, video: VideoCodec, audio: AudioCodec | None, codecs: str) -> None:
    clip = await asyncio.to_thread(film, video, audio)
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 40, "forty pictures")
        (shown,) = await player.footage()
        sent = cam.frames_sent

    assert player.messages == [{"type": "mse", "value": f'video/mp4; codecs="{codecs}"'}]
    assert_consecutive(shown.numbers)
    assert set(shown.numbers) <= set(sent)
    assert (shown.samples > 0) is (audio is not None)
    assert shown.damaged_sound == 0
    assert shown.times[0] < 0.5
    assert shown.times == pytest.approx([shown.times[0] + index / 15 for index in range(len(shown.times))], abs=0.05)
    assert_without_holes(player)
    if audio is not None:
        assert_without_holes(player, 2)
        assert shown.samples / shown.sample_rate == pytest.approx(len(shown.numbers) / 15, abs=0.7)


async def test_who_comes_later_begins_with_the_latest_keyframe_at_time_zero(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as first:
            await first.ask()
            await first.until(lambda player: player.fragments >= 50, "fifty pictures")
            async with mse_player(nvr.server.port, stream.name) as second:
                await second.ask()
                await second.until(lambda player: player.fragments >= 20, "twenty pictures")
        numbers = await second.numbers()

    assert_consecutive(numbers)
    assert numbers[0] is not None
    assert numbers[0] % 15 == 0
    assert second.files[0].runs(1)[0].decode_time == 0
    assert second.files[0].init == first.files[0].init


@pytest.mark.parametrize("audio", [None, "aac"])
async def test_a_picture_is_not_kept_back_until_the_next(nvr: Nvr, audio: AudioCodec | None) -> None:
    clip = await asyncio.to_thread(film, "h264", audio)
    async with camera(clip, events={40: lambda cam: cam.pause()}) as cam:
        stream = await nvr.add(cam.url)
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await eventually(lambda: len(cam.frames_sent) == 40, "the camera pauses")
            await player.until(lambda player: player.fragments == 40, "the picture that was sent last")
        assert (await player.numbers())[-1] == cam.frames_sent[-1]


async def test_sound_that_cannot_be_played_is_left_out(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask("avc1.640029,opus")
            await player.until(lambda player: player.fragments >= 20, "pictures")
        (shown,) = await player.footage()

    assert player.of_type("mse") == ['video/mp4; codecs="avc1.42C00C"']
    assert shown.codecs == ("h264",)
    assert_consecutive(shown.numbers)


async def test_pictures_that_cannot_be_played_are_refused_and_the_player_may_ask_again(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, "hevc")
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask("avc1.640029,mp4a.40.2")
            await player.until(lambda player: bool(player.of_type("error")), "refused")
            assert player.files == []
            await player.ask("avc1.640029,hev1.1.6.L153.B0")
            await player.until(lambda player: player.fragments >= 5, "pictures")

    assert player.of_type("error") == ["mse: The camera sends H.265, which this player does not play."]


async def test_mjpeg_is_refused(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, "mjpeg")
    async with camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask("")
            await player.until(lambda player: bool(player.of_type("error")), "refused")

    assert "MJPEG" in player.of_type("error")[0]
    assert player.files == []


async def test_a_camera_that_was_lost_goes_on_in_the_same_file(nvr: Nvr) -> None:
    clip = await asyncio.to_thread(film, "h264", "aac")
    async with camera(clip, events={40: lambda cam: cam.drop_connections()}) as cam:
        stream = await nvr.add(cam.url)
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: "back" in player.of_type("camera"), "the camera is back")
            await player.until(lambda player: player.fragments >= 80, "pictures after the cut")
        (shown,) = await player.footage()

    assert player.of_type("camera") == ["gone", "back"]
    assert len(player.of_type("mse")) == 1
    assert_without_holes(player)
    assert shown.times == sorted(shown.times)
    cut = next(place for place, (one, next_one) in enumerate(pairwise(shown.numbers)) if next_one != (one or 0) + 1)
    assert_consecutive(shown.numbers[: cut + 1])
    assert_consecutive(shown.numbers[cut + 1 :])


async def test_another_picture_size_begins_another_file_on_the_same_time_line(nvr: Nvr) -> None:
    small = await asyncio.to_thread(film, "h264", seconds=3)
    large = await asyncio.to_thread(film, "h264", seconds=24, width=640, height=480, first_number=1000)
    async with camera(small, large, repeat_from=1) as cam:
        stream = await nvr.add(cam.url)
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(
                lambda player: len(player.files) == 2 and len(player.files[1].fragments) > 20, "two files"
            )
        before, after = await player.footage()

    assert set(before.sizes) == {(320, 240)}
    assert set(after.sizes) == {(640, 480)}
    assert before.numbers == list(range(45))
    assert_consecutive([*after.numbers])
    assert after.numbers[0] == 1000
    assert_without_holes(player)
    # The level that comes with the size is another, so the player is told.
    assert len(player.of_type("mse")) == 2


async def test_a_camera_that_comes_back_with_another_codec_is_announced(nvr: Nvr) -> None:
    hevc = await asyncio.to_thread(film, "hevc", "aac", first_number=1000)
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 20, "pictures")
            await cam.stop()
            async with camera(hevc, port=cam.port):
                await player.until(lambda player: len(player.files) == 2, "another file")
                await player.until(lambda player: len(player.files[1].fragments) > 20, "pictures in it")
        before, after = await player.footage()

    assert player.of_type("mse") == [
        'video/mp4; codecs="avc1.42C00C"', 'video/mp4; codecs="hvc1.1.6.L60.90,mp4a.40.2"',
    ]  # fmt: skip
    assert_consecutive(before.numbers)
    assert_consecutive(after.numbers)
    assert after.samples > 0


async def test_a_player_waits_for_a_camera_that_is_not_there_yet(nvr: Nvr) -> None:
    async with camera(started=False) as cam:
        stream = await nvr.add(cam.url)
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: bool(player.of_type("error")), "told why")
            assert player.files == []
            await cam.start()
            await player.until(lambda player: player.fragments >= 5, "pictures")

    assert player.of_type("error")[0].startswith("mse: ")
    assert "127.0.0.1" in player.of_type("error")[0]


async def test_what_is_not_understood_is_passed_over(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name, path="/go2rtc/api/ws") as player:
            for nonsense in ("", "{", "[]", '{"type": 7}', '{"type": "webrtc/offer", "value": "v=0"}', "[" * 5000):
                await player.say(nonsense)
            await player.socket.send(b"\x00\x01")
            await player.say({"type": "mse", "value": 7})
            await player.until(lambda player: player.fragments >= 5, "pictures")

    assert player.of_type("error") == []


async def test_an_unknown_stream_is_an_error_message(nvr: Nvr) -> None:
    async with mse_player(nvr.server.port, "nobody knows it") as player:
        await player.ask()
        await player.until(lambda player: bool(player.messages), "an answer")
        assert player.messages == [{"type": "error", "value": "mse: Stream not found"}]
        assert player.closed is None


async def test_a_player_that_talks_too_much_is_cut_off(nvr: Nvr) -> None:
    async with mse_player(nvr.server.port, "x") as long_winded, mse_player(nvr.server.port, "x") as busy:
        await long_winded.say("x" * 100_000)
        for _ in range(40):
            await busy.say("x")
        await long_winded.until(lambda player: player.closed is not None, "cut off")
        await busy.until(lambda player: player.closed is not None, "cut off")

    assert long_winded.closed is not None
    assert busy.closed is not None
    assert (long_winded.closed[0], busy.closed[0]) == (1009, 1008)


async def test_a_page_of_another_site_is_refused(nvr: Nvr) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with mse_player(nvr.server.port, "x", headers={"Origin": "http://evil.example"}):
            pass

    assert refused.value.response.status_code == 403


async def test_privacy_ends_it(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with mse_player(nvr.server.port, stream.name) as player:
            await player.ask()
            await player.until(lambda player: player.fragments >= 5, "pictures")
            await stream.change(set_privacy_mode=True)
            await player.until(lambda player: player.closed is not None, "closed")
            assert player.closed == (1008, f"{stream.name} is private at the moment.")
        async with mse_player(nvr.server.port, stream.name) as late:
            await late.ask()
            await late.until(lambda player: bool(player.messages), "an answer")
    assert late.messages == [{"type": "error", "value": f"mse: {stream.name} is private at the moment."}]
