"""Every codec that cameras send is recorded: copied where MP4 can hold it, else as AAC that plays."""

import asyncio
from collections.abc import AsyncIterator
from typing import get_args

import pytest

from tests.cameras import camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.rig.footage import assert_runs_true, assert_sent
from tests.rig.nvr import Nvr, running_nvr
from tests.rig.several import Take, record_several

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("codecs")]

Codecs = tuple[VideoCodec, AudioCodec | None]
Takes = dict[Codecs, Take[Codecs]]

COPIED: tuple[AudioCodec, ...] = ("aac", "opus", "mp3")
RATES: dict[AudioCodec, int] = {
    "aac": 16_000, "opus": 48_000, "mp3": 48_000, "pcm_alaw": 8000, "pcm_mulaw": 8000, "adpcm_g722": 16_000,
    "g726": 8000, "g726le": 8000, "pcm_s16be": 16_000,
}  # fmt: skip
WITH_SOUND: list[Codecs] = [("h264", audio) for audio in get_args(AudioCodec)]
VIDEO: list[Codecs] = [(video, None) for video in get_args(VideoCodec)] + [("hevc", "aac"), ("hevc", "pcm_alaw")]


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server of its own."""
    async with running_nvr(tmp_path_factory.mktemp("nvr")) as running:
        yield running


@pytest.fixture(scope="module")
async def takes(nvr: Nvr) -> Takes:
    """What is recorded when all these cameras run at the same time."""
    clips = await asyncio.to_thread(lambda: {codecs: film(*codecs) for codecs in WITH_SOUND + VIDEO})
    return await record_several(nvr, {codecs: (camera(clip), {}) for codecs, clip in clips.items()}, 60)


@pytest.mark.parametrize("codecs", WITH_SOUND + VIDEO, ids=str)
async def test_all_pictures_are_recorded_without_being_changed(takes: Takes, codecs: Codecs) -> None:
    take = takes[codecs]
    assert take.only.codecs[0] == codecs[0]
    assert_sent(take.only.numbers, take.sent)
    assert_runs_true(take.only)
    (row,) = take.rows
    assert (row["codec"], row["width"], row["height"], row["damaged"]) == (codecs[0], 320, 240, "")
    assert abs(row["duration"] - len(take.only.numbers) / 15) <= 2


@pytest.mark.parametrize("codecs", WITH_SOUND, ids=str)
async def test_all_sound_is_recorded_and_plays(takes: Takes, codecs: Codecs) -> None:
    part, audio = takes[codecs].only, codecs[1]
    assert audio is not None
    assert part.codecs == ("h264", audio if audio in COPIED else "aac")
    assert part.sample_rate == RATES[audio]
    assert part.audio_start is not None
    assert part.audio_start < 0.3
    seen_s, heard_s = len(part.numbers) / 15, part.samples / part.sample_rate
    assert abs(seen_s - heard_s) < 0.6


@pytest.mark.parametrize("codecs", WITH_SOUND + VIDEO, ids=str)
async def test_the_status_tells_what_the_camera_sends(takes: Takes, codecs: Codecs) -> None:
    status = takes[codecs].status
    assert (status.codec, status.audio_codec) == (codecs[0], _as_ffmpeg_says(codecs[1]))
    assert (status.width, status.height, status.dropped_packets) == (320, 240, 0)


def _as_ffmpeg_says(audio: AudioCodec | None) -> str:
    names: dict[AudioCodec, str] = {"g726": "adpcm_g726", "g726le": "adpcm_g726le"}
    return "" if audio is None else names.get(audio, audio)
