"""Audio: copied where MP4 can hold it, made AAC where it cannot, and never a cost to the video."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.audio import TRANSCODED, adts_header_size, audio_specific_config, opus_head
from lightnvr.media.ingest import CopiedAudio, GuardedAudio, TranscodedAudio, audio_ingest
from lightnvr.media.mp4.muxer import FragmentedMuxer
from lightnvr.media.packets import CodedPacket, MediaPacket, Track, coded_packet
from tests.rig.film import START_NS, Recipe, film
from tests.rig.playing import Played, play
from tests.rig.sound import tone

_ENCODERS = {
    "pcm_alaw": 8000,
    "pcm_mulaw": 8000,
    "g722": 16_000,
    "g726": 8000,
    "g726le": 8000,
    "pcm_dvd": 48_000,
    **dict.fromkeys(("pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_u8", "pcm_s8"), 16_000),
}


def _accept_all(ingest: GuardedAudio, packets: list[CodedPacket]) -> list[MediaPacket]:
    taken: list[MediaPacket] = []
    for packet in packets:
        seconds = float((packet.dts or 0) * packet.time_base)
        taken += ingest.accept(packet, START_NS + int(seconds * 1e9))
    return taken


def _decoded(packets: list[MediaPacket]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = packets[0].track.extradata
    frames = [frame for packet in packets for frame in decoder.decode(coded_packet(packet.payload))]
    return np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames]).astype(np.float32)


@pytest.mark.parametrize(
    ("encoder", "rate", "channels"),
    [
        *((encoder, rate, 1) for encoder, rate in _ENCODERS.items()),
        # Of the others cameras send mono only.
        *(
            (encoder, rate, 2)
            for encoder, rate in _ENCODERS.items()
            if encoder.startswith("pcm_s") or encoder == "pcm_u8"
        ),
    ],
)
def test_what_mp4_cannot_hold_becomes_aac_that_sounds_the_same(encoder: str, rate: int, channels: int) -> None:
    with tone(encoder, seconds=2, rate=rate, channels=channels) as (stream, packets):
        assert stream.codec_context.codec.name in TRANSCODED
        ingest = audio_ingest(stream)
        assert ingest is not None
        taken = _accept_all(ingest, packets)
        assert (ingest.track.codec, ingest.track.sample_rate, ingest.failures) == ("aac", rate, 0)
    assert all(after.dts == before.dts + 1024 for before, after in pairwise(taken))
    heard = _decoded(taken)
    assert len(heard) / rate == pytest.approx(2, abs=3 * 1024 / rate)
    middle = heard[rate // 2 : rate // 2 + rate]
    assert np.argmax(np.abs(np.fft.rfft(middle))) == pytest.approx(440, abs=3)


def test_a_gap_in_the_sound_stays_a_gap() -> None:
    with tone("pcm_alaw", seconds=4) as (stream, packets):
        ingest = audio_ingest(stream)
        assert ingest is not None
        half = len(packets) // 2
        taken = _accept_all(ingest, packets[:half])
        for packet in packets[half:]:
            packet.dts, packet.pts = (packet.dts or 0) + 24_000, (packet.pts or 0) + 24_000
        taken += _accept_all(ingest, packets[half:])
    steps = [after.dts - before.dts for before, after in pairwise(taken)]
    assert [step for step in steps if step != 1024] == [pytest.approx(24_000 + 1024, abs=2048)]


@pytest.mark.parametrize("pace", [0.5, 0.9, 1.1, 3.0])
def test_sound_that_is_longer_or_shorter_than_its_time_keeps_to_the_time(pace: float) -> None:
    """Cameras lie about their sample rate; timestamps must grow all the same, or the muxer refuses them."""
    with tone("pcm_alaw", seconds=20) as (stream, packets):
        ingest = audio_ingest(stream)
        assert ingest is not None
        for packet in packets:
            packet.dts = packet.pts = int((packet.dts or 0) * pace)
        taken = _accept_all(ingest, packets)
    assert all(after.dts >= before.dts + 1024 for before, after in pairwise(taken))
    assert taken[-1].dts / 8000 == pytest.approx(20 * pace, abs=2)


def test_aac_loses_its_adts_header_and_keeps_its_content() -> None:
    with tone("aac", rate=16_000, channels=2) as (stream, packets):
        ingest = audio_ingest(stream)
        assert ingest is not None
        taken = _accept_all(ingest, packets)
        originals = [bytes(packet) for packet in packets]
    assert [bytes(packet.payload) for packet in taken] == [content[7:] for content in originals]
    assert all(packet.size == len(bytes(packet.payload)) for packet in taken)
    assert ingest.track.extradata == audio_specific_config(memoryview(originals[0]))
    assert len(_decoded(taken)) / 16_000 == pytest.approx(2, abs=0.2)


def test_raw_aac_is_left_as_it_is() -> None:
    with tone("aac", rate=16_000, container="mp4") as (stream, packets):
        ingest = audio_ingest(stream)
        assert ingest is not None
        taken = _accept_all(ingest, packets)
        assert [bytes(packet.payload) for packet in taken] == [bytes(packet) for packet in packets]
        assert ingest.track.extradata == stream.codec_context.extradata


@given(st.binary(max_size=16))
def test_any_bytes_have_an_adts_header_or_none(frame: bytes) -> None:
    assert adts_header_size(memoryview(frame)) in (0, 7, 9)


def test_adts_headers() -> None:
    assert adts_header_size(memoryview(bytes.fromhex("fff15080020ffc") + b"xx")) == 7
    assert adts_header_size(memoryview(bytes.fromhex("fff05080020ffc") + b"xx")) == 9
    assert adts_header_size(memoryview(bytes.fromhex("fff15080020ffc"))) == 0
    assert adts_header_size(memoryview(bytes.fromhex("fffb9064020ffc") + b"xx")) == 0
    # AAC-LC, 44100 Hz, stereo (ISO/IEC 14496-3 table 1.18).
    assert audio_specific_config(memoryview(bytes.fromhex("fff15080020ffc"))) == bytes.fromhex("1210")


@pytest.mark.parametrize(("encoder", "rate"), [("libopus", 48_000), ("libmp3lame", 44_100), ("aac", 16_000)])
def test_copied_audio_plays_beside_the_video(encoder: str, rate: int) -> None:
    with tone(encoder, seconds=2, rate=rate) as (stream, packets):
        ingest = audio_ingest(stream)
        assert ingest is not None
        contents = [bytes(packet) for packet in packets]
        played = _muxed_with_video(ingest.track, _accept_all(ingest, packets))
        if encoder != "aac":
            assert [bytes(packet) for packet in packets] == contents
    assert played.numbers == list(range(30))
    assert played.samples / rate == pytest.approx(2, abs=0.15)


def _muxed_with_video(track: Track, packets: list[MediaPacket]) -> Played:
    shown = film(Recipe(seconds=2))
    muxer = FragmentedMuxer((shown.video, _elsewhere(track)), shown.packets[0], 500_000)
    begins = packets[0].dts
    heard = [p._replace(track=_elsewhere(track), dts=p.dts - begins, pts=p.pts - begins) for p in packets]
    for packet in sorted((*shown.packets, *heard), key=lambda packet: packet.time):
        muxer.mux(packet)
    return play(muxer.init.content + b"".join(fragment.content for fragment in muxer.finish()))


def _elsewhere(track: Track) -> Track:
    return replace(track, index=7)


def test_opus_without_a_header_gets_one() -> None:
    with tone("libopus", seconds=2, rate=48_000) as (stream, packets):
        ingest = CopiedAudio(stream)
        track = replace(ingest.track, extradata=opus_head(1))
        taken = [item for packet in packets for item in ingest.accept(packet, START_NS)]
        played = _muxed_with_video(track, [packet._replace(track=track) for packet in taken])
    assert played.samples / 48_000 == pytest.approx(2, abs=0.15)
    assert opus_head(2) == b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"
    assert len(opus_head(1)) == 19


class _Broken:
    """Audio that fails whenever its packet says so."""

    def __init__(self, track: Track) -> None:
        self.track = track

    def accept(self, packet: CodedPacket, arrival_ns: int) -> Iterator[MediaPacket]:
        if bytes(packet) == b"bad":
            raise av.error.InvalidDataError(1, "garbage")
        yield MediaPacket(self.track, packet, 0, 0, 0, True, arrival_ns, packet.size)


def test_audio_that_only_fails_is_given_up() -> None:
    guarded = GuardedAudio(_Broken(film(Recipe(audio=True)).tracks[1]))
    for _ in range(49):
        assert guarded.accept(coded_packet(b"bad"), 0) == []
    assert len(guarded.accept(coded_packet(b"good"), 0)) == 1
    states: list[bool] = []
    for _ in range(50):
        states.append(guarded.given_up)
        assert guarded.accept(coded_packet(b"bad"), 0) == []
    assert [*states, guarded.given_up] == [False] * 50 + [True]
    assert guarded.accept(coded_packet(b"good"), 0) == []
    assert guarded.failures == 99


def test_audio_of_an_unknown_kind_is_left_out() -> None:
    with tone("adpcm_ima_wav") as (stream, _):
        assert audio_ingest(stream) is None


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_garbage_in_the_sound_is_no_failure_of_ours(packets: list[bytes]) -> None:
    with tone("g722", seconds=0.2, rate=16_000) as (stream, _):
        guarded = GuardedAudio(TranscodedAudio(stream))
        for index, content in enumerate(packets):
            packet = coded_packet(content)
            packet.dts = packet.pts = index * 320
            guarded.accept(packet, index * 20_000_000)
