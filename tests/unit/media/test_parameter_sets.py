"""A camera that changes what it sends is noticed, one that only varies its picture parameters is not bothered."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, cast

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.ingest import VideoIngest
from lightnvr.media.packets import CodedPacket, MediaPacket, Track, coded_packet
from lightnvr.media.parameter_sets import (
    in_band_parameter_sets,
    is_complete,
    other_codec,
    picture_size,
    sequence_sets,
)
from tests.rig.film import START_NS, Recipe, film, transport_stream

_START = b"\x00\x00\x00\x01"
Encoder = Literal["libx264", "libx265"]
_CODECS = [("libx264", "h264"), ("libx265", "hevc")]


@pytest.mark.parametrize(("encoder", "codec"), _CODECS)
def test_every_keyframe_of_a_camera_tells_its_parameter_sets(encoder: Encoder, codec: str) -> None:
    shown = film(Recipe(encoder=encoder, seconds=2))
    keyframes = [packet for packet in shown.packets if packet.is_keyframe]
    sets = {in_band_parameter_sets(codec, packet.payload) for packet in keyframes}
    assert len(sets) == 1
    (found,) = sets
    assert is_complete(codec, found)
    assert found == shown.video.extradata
    assert picture_size(codec, found, keyframes[0].payload) == (160, 120)
    assert picture_size(codec, b"", keyframes[1].payload) == (160, 120)
    others = [packet for packet in shown.packets if not packet.is_keyframe]
    assert all(in_band_parameter_sets(codec, packet.payload) == b"" for packet in others)


@pytest.mark.parametrize(("encoder", "codec"), _CODECS)
def test_incomplete_sets_are_told_from_complete_ones(encoder: Encoder, codec: str) -> None:
    units = film(Recipe(encoder=encoder, seconds=2)).video.extradata.split(_START)[1:]
    for missing in range(len(units)):
        rest = units[:missing] + units[missing + 1 :]
        assert not is_complete(codec, b"".join(_START + unit for unit in rest))


@given(st.binary(max_size=300), st.sampled_from(("h264", "hevc", "mjpeg", "av1")))
def test_any_bytes_are_looked_at_without_harm(content: bytes, codec: str) -> None:
    for head in (b"", _START, b"\x00\x00\x01", _START + b"\x67", _START + b"\x40\x01"):
        packet = coded_packet(head + content)
        sets = in_band_parameter_sets(codec, packet)
        assert not sets or (head + content).find(sets if codec == "av1" else sets[4:8]) != -1
        picture_size("av1", sets, packet)
        if codec in ("h264", "hevc"):
            assert is_complete(codec, sets) <= bool(sets)
            sequence_sets(codec, sets)
        assert other_codec(codec, packet) in ("", "h264", "hevc")


@pytest.mark.parametrize(("encoder", "codec"), _CODECS)
def test_a_keyframe_of_the_other_codec_is_told(encoder: Encoder, codec: str) -> None:
    other = "hevc" if codec == "h264" else "h264"
    for packet in film(Recipe(encoder=encoder, seconds=2)).packets:
        assert other_codec(codec, packet.payload) == ""
        if packet.is_keyframe:
            assert other_codec(other, packet.payload) == codec
        assert other_codec("av1", packet.payload) == ""


def test_a_picture_that_cannot_be_decoded_has_no_size() -> None:
    assert picture_size("h264", b"", coded_packet(b"\x00\x00\x00\x01\x65garbage")) == (0, 0)
    assert picture_size("aac", b"", coded_packet(b"garbage")) == (0, 0)


@contextmanager
def _camera(content: bytes, **options: str) -> Iterator[tuple[VideoIngest, list[Track], list[CodedPacket]]]:
    announced: list[Track] = []
    with av.open(io.BytesIO(content), "r", format="mpegts", options=options) as source:
        stream = source.streams.video[0]
        ingest = VideoIngest(stream, announced.append)
        yield ingest, announced, [cast("CodedPacket", packet) for packet in source.demux(stream) if packet.size]


def _accept_all(ingest: VideoIngest, packets: list[CodedPacket]) -> list[MediaPacket]:
    taken = [ingest.accept(packet, START_NS + index * 66_666_667) for index, packet in enumerate(packets)]
    return [packet for packet in taken if packet is not None]


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_a_camera_that_changes_its_resolution_gets_a_new_track_with_the_very_keyframe(encoder: Encoder) -> None:
    small, large = Recipe(encoder=encoder, seconds=2), Recipe(encoder=encoder, seconds=2, width=320, height=240)
    with _camera(transport_stream(small) + transport_stream(large)) as (ingest, announced, packets):
        taken = _accept_all(ingest, packets)
        jumps = ingest.jumps
    assert [(track.width, track.height) for track in announced] == [(160, 120), (320, 240)]
    assert [packet.track for packet in taken] == [announced[0]] * 30 + [announced[1]] * 30
    assert taken[30].is_keyframe
    assert announced[1].extradata != announced[0].extradata
    assert jumps == 1
    assert taken[30].dts - taken[29].dts == pytest.approx(6000, abs=10)


def test_a_camera_that_goes_on_as_before_keeps_its_track() -> None:
    with _camera(transport_stream(Recipe(seconds=2)) * 3) as (ingest, announced, packets):
        assert len(_accept_all(ingest, packets)) == 90
    assert len(announced) == 1


@pytest.mark.parametrize(("encoder", "codec"), _CODECS)
def test_other_picture_parameters_are_no_change(encoder: Encoder, codec: str) -> None:
    recipe = Recipe(encoder=encoder, seconds=2)
    keyframe = bytes(film(recipe).packets[0].payload)
    picture_set = film(recipe).video.extradata.split(_START)[-1]
    with _camera(transport_stream(recipe)) as (ingest, announced, packets):
        _accept_all(ingest, packets)
        other = coded_packet(keyframe.replace(picture_set, picture_set[:-1] + b"\x77"))
        assert in_band_parameter_sets(codec, other) != announced[0].extradata
        other.is_keyframe = True
        accepted = ingest.accept(other, START_NS + 2_000_000_000)
        assert accepted is not None
        assert accepted.track is announced[0]
    assert len(announced) == 1


def test_a_keyframe_with_only_one_of_its_sets_is_no_change() -> None:
    recipe = Recipe(seconds=2)
    keyframe = bytes(film(recipe).packets[0].payload)
    sequence_set = film(recipe).video.extradata.split(_START)[1]
    with _camera(transport_stream(recipe)) as (ingest, announced, packets):
        _accept_all(ingest, packets)
        other = coded_packet(keyframe.replace(_START + sequence_set, b""))
        other.is_keyframe = True
        assert ingest.accept(other, START_NS + 2_000_000_000) is not None
    assert len(announced) == 1


def test_pictures_before_the_first_parameter_sets_are_not_published() -> None:
    recipe = Recipe(seconds=3)
    with _camera(_without_first_sets(recipe), probesize="32", analyzeduration="0") as (ingest, announced, packets):
        taken = _accept_all(ingest, packets)
    assert len(announced) == 1
    assert (announced[0].width, announced[0].height) == (160, 120)
    assert len(taken) == 30
    assert taken[0].is_keyframe
    assert taken[0].track is announced[0]


def _without_first_sets(recipe: Recipe) -> bytes:
    sets = film(recipe).video.extradata
    written = io.BytesIO()
    source = av.open(io.BytesIO(transport_stream(recipe)), "r")
    with source, av.open(written, "w", format="mpegts", options={"mpegts_flags": "+initial_discontinuity"}) as target:
        stream = target.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index, packet in enumerate(packet for packet in source.demux() if packet.size):
            content = bytes(packet)
            for unit in sets.split(_START)[1:]:
                content = content.replace(_START + unit, b"") if index < 15 else content
            copy = av.Packet(content)
            copy.dts, copy.pts, copy.time_base = packet.dts, packet.pts, packet.time_base
            copy.is_keyframe, copy.stream = packet.is_keyframe, stream
            target.mux(copy)
    return written.getvalue()


def test_a_codec_that_is_not_recorded_is_refused_with_a_sentence() -> None:
    written = io.BytesIO()
    with av.open(written, "w", format="mpegts") as target:
        stream = target.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for _ in range(10):
            target.mux(stream.encode(av.VideoFrame(160, 120, "yuv420p")))
        target.mux(stream.encode(None))
    with (
        av.open(io.BytesIO(written.getvalue()), "r") as source,
        pytest.raises(CameraError, match="mpeg2video") as refused,
    ):
        VideoIngest(source.streams.video[0], lambda track: None)
    assert refused.value.fault is Fault.UNSUPPORTED
