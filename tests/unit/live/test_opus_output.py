"""The sound of a stream as Opus, as a decoder hears it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import av
import numpy as np
import pytest

from lightnvr.live.opus_output import RATE, OpusOutput
from lightnvr.live.rtp.timeline import Timeline
from lightnvr.live.rtp_output import TimedFrame
from lightnvr.media.ingest import audio_ingest
from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged, coded_packet
from tests.rig.depacketizing import rtp_payloads
from tests.rig.nvr import eventually
from tests.rig.sound import tone

pytestmark = pytest.mark.anyio

_START_NS = 1_000_000_000_000
_CODECS = pytest.mark.parametrize(
    ("encoder", "rate", "channels"), [("aac", 16_000, 1), ("libmp3lame", 48_000, 2), ("libopus", 48_000, 1)]
)


def _sound(encoder: str, rate: int, channels: int = 1, seconds: float = 2.0) -> tuple[Track, list[MediaPacket]]:
    with tone(encoder, rate=rate, channels=channels, seconds=seconds) as (stream, packets):
        ingest = audio_ingest(stream)
        assert ingest is not None
        taken = [packet for coded in packets for packet in ingest.accept(coded, _START_NS)]
        return ingest.track, [
            packet._replace(arrival_ns=_START_NS + int(packet.time * 1_000_000_000)) for packet in taken
        ]


async def _hear(items: Sequence[MediaItem], frames: int, now_ns: int = _START_NS) -> list[TimedFrame]:
    output = OpusOutput(Timeline(monotonic_ns=lambda: now_ns, system_ns=lambda: 0), monotonic_ns=lambda: now_ns)
    heard: list[TimedFrame] = []
    output.attach(heard.append)
    output.take(items)
    await eventually(lambda: len(heard) >= frames, lambda: f"{len(heard)} packets are heard")
    output.close()
    return heard


def _decoded(heard: Sequence[TimedFrame]) -> tuple[np.ndarray, int]:
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate = RATE
    pictures = [
        frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
        for timed in heard
        for payload in rtp_payloads(timed.frame)
        for frame in decoder.decode(coded_packet(payload))
    ]
    return np.concatenate(pictures), RATE


@_CODECS
async def test_the_tone_of_the_camera_is_heard(encoder: str, rate: int, channels: int) -> None:
    track, packets = _sound(encoder, rate, channels)
    heard = await _hear([TracksChanged((track,)), *packets], 90)

    samples, sample_rate = _decoded(heard)
    spectrum = np.abs(np.fft.rfft(samples[RATE // 4 : RATE + RATE // 4].astype(float)))
    assert int(np.argmax(spectrum)) * sample_rate / RATE == pytest.approx(440, abs=2)


@_CODECS
async def test_packets_follow_each_other_without_a_gap(encoder: str, rate: int, channels: int) -> None:
    track, packets = _sound(encoder, rate, channels)
    heard = await _hear([TracksChanged((track,)), *packets], 90)

    assert {b.timestamp - a.timestamp for a, b in itertools.pairwise(heard)} == {960}
    assert all(b.captured - a.captured == pytest.approx(0.02, abs=0.002) for a, b in itertools.pairwise(heard))


async def test_a_gap_in_the_sound_is_a_gap_in_the_timestamps() -> None:
    track, packets = _sound("aac", 16_000, seconds=3)
    second = int(1 / track.time_base)
    late = [
        packet._replace(dts=packet.dts + second, pts=packet.pts + second) if number >= 20 else packet
        for number, packet in enumerate(packets)
    ]
    heard = await _hear([TracksChanged((track,)), *late], 100)

    steps = [b.timestamp - a.timestamp for a, b in itertools.pairwise(heard)]
    assert [step for step in steps if step != 960] == [pytest.approx(RATE + 960, abs=2000)]


async def test_old_sound_of_the_gop_is_left_out() -> None:
    track, packets = _sound("libopus", 48_000)
    heard = await _hear([TracksChanged((track,)), *packets], 10, now_ns=_START_NS + 1_800_000_000)

    assert len(heard) < 40


async def test_sound_that_cannot_be_decoded_does_not_end_the_rest() -> None:
    track, packets = _sound("aac", 16_000)
    packets[5] = packets[5]._replace(payload=coded_packet(b"\xff" * 40))
    assert len(await _hear([TracksChanged((track,)), *packets], 80)) >= 80


async def test_a_camera_that_is_back_goes_on_and_may_sound_otherwise() -> None:
    aac, first = _sound("aac", 16_000)
    opus, second = _sound("libopus", 48_000)
    items: list[MediaItem] = [
        TracksChanged((aac,)),
        *first,
        TracksChanged(()),
        TracksChanged((replace(opus),)),
        *second,
    ]

    assert len(await _hear(items, 180)) >= 180
