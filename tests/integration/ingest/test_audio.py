"""Sound that comes late, never, too fast or broken never costs a picture."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lightnvr.live.rtp.payload import PayloadFormat, Track, payload_format
from lightnvr.streams.status import StreamState
from tests.cameras import camera, film
from tests.cameras.quirks import CueQuirk, audio_drifts, audio_is_garbage, audio_never_comes, audio_starts_late
from tests.rig.footage import Footage, assert_runs_true, assert_sent
from tests.rig.nvr import Nvr, eventually, running_nvr
from tests.rig.several import Take, record_several

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("audio")]

QUIRKS: dict[str, tuple[str, CueQuirk | None]] = {
    "late": ("aac", audio_starts_late(3)),
    "late G.711": ("pcm_alaw", audio_starts_late(3)),
    "never": ("aac", audio_never_comes()),
    "never G.711": ("pcm_alaw", audio_never_comes()),
    "fast": ("aac", audio_drifts(0.02)),
    "slow": ("aac", audio_drifts(-0.02)),
    "fast G.711": ("pcm_alaw", audio_drifts(0.02)),
    "slow G.711": ("pcm_alaw", audio_drifts(-0.02)),
    "broken": ("aac", audio_is_garbage()),
    "broken Opus": ("opus", audio_is_garbage()),
    "broken G.726": ("g726", audio_is_garbage()),
    "not wanted": ("aac", None),
    "not wanted G.711": ("pcm_alaw", None),
}
Takes = dict[str, Take[str]]


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server of its own."""
    async with running_nvr(tmp_path_factory.mktemp("nvr")) as running:
        yield running


@pytest.fixture(scope="module")
async def takes(nvr: Nvr) -> Takes:
    """What is recorded when all these cameras run at the same time."""
    clips = {codec: await asyncio.to_thread(film, "h264", codec) for codec in ("aac", "pcm_alaw", "opus", "g726")}
    cast = {
        name: (camera(clips[codec], quirks=[quirk] if quirk else []), {"record_audio": quirk is not None})
        for name, (codec, quirk) in QUIRKS.items()
    }
    return await record_several(nvr, cast, 75)


@pytest.mark.parametrize("name", QUIRKS)
async def test_no_picture_is_lost_and_the_connection_stays(takes: Takes, name: str) -> None:
    take = takes[name]
    assert_sent([number for part in take.parts for number in part.numbers], take.sent)
    for part in take.parts:
        assert_runs_true(part)
    assert (take.connections, take.status.reconnects) == (1, 0)


def heard_s(part: Footage) -> float:
    """Seconds of sound."""
    return part.samples / part.sample_rate


@pytest.mark.parametrize("name", ["late", "late G.711"])
async def test_sound_that_starts_late_is_heard_from_then_on(takes: Takes, name: str) -> None:
    take = takes[name]
    part = take.parts[-1]
    assert part.audio_start is not None
    assert abs(part.audio_start - 3) < 0.4
    assert abs(part.audio_start + heard_s(part) - len(part.numbers) / 15) < 0.6


@pytest.mark.parametrize("name", ["never", "never G.711"])
async def test_sound_that_never_comes_is_not_heard(takes: Takes, name: str) -> None:
    assert takes[name].only.samples == 0


@pytest.mark.parametrize("name", ["fast", "slow", "fast G.711", "slow G.711"])
async def test_sound_that_drifts_is_heard(takes: Takes, name: str) -> None:
    part = takes[name].only
    assert abs(heard_s(part) - len(part.numbers) / 15) < 0.7


@pytest.mark.parametrize("name", ["not wanted", "not wanted G.711"])
async def test_sound_that_is_not_wanted_is_not_recorded(takes: Takes, name: str) -> None:
    assert takes[name].only.codecs == ("h264",)
    assert takes[name].status.audio_codec == ""


async def test_sound_of_a_kind_that_nobody_knows_costs_no_picture(nvr: Nvr, monkeypatch: pytest.MonkeyPatch) -> None:
    def strange(track: Track, index: int) -> PayloadFormat:
        usual = payload_format(track, index)
        # What many cameras offer and FFmpeg has no decoder for.
        return usual if track.is_video else PayloadFormat(usual.payload_type, "G7221/16000", "bitrate=32000")

    monkeypatch.setattr("lightnvr.live.rtsp.sdp.payload_format", strange)
    async with camera(await asyncio.to_thread(film, "h264", "aac")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 45, "pictures")
        seen = await nvr.client.post("/api/streams/test", json={"url": cam.url})
        assert seen.json()["info"]["codec"] == "h264"
        (part,) = await stream.footage()
    assert_sent(part.numbers, cam.frames_sent)
    assert part.codecs == ("h264",)


async def test_pictures_of_a_kind_that_nobody_knows_are_said_to_be_so(
    nvr: Nvr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lightnvr.live.rtsp.sdp.payload_format", lambda track, index: PayloadFormat(96 + index, "H270/90000")
    )
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        status = await stream.in_state(StreamState.ERROR)
        assert status.last_error == ("The camera sends video of an unknown kind: choose H.264, H.265, AV1 or MJPEG.")
        seen = await nvr.client.post("/api/streams/test", json={"url": cam.url})
        assert seen.json() == {"success": False, "message": status.last_error}
        await stream.stopped()
