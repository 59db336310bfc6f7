"""The RTP packets of a stream: what a decoder makes of them, and when they belong."""

import io
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pytest
from av.stream import Stream

from lightnvr.live.errors import CameraUnavailable
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp.timeline import Timeline
from lightnvr.live.rtp_output import RtpOutput, TimedFrame
from lightnvr.media.packets import MediaItem, TracksChanged, coded_packet
from lightnvr.media.packets import Track as CameraTrack
from tests.rig.depacketizing import access_unit, rtp_payloads, units
from tests.rig.film import START_NS, Film, Recipe, film, take_in, transport_stream
from tests.rig.numbered_pictures import read

_NOW_S = 1_800_000_000


class Watching:
    """A consumer that keeps what it is told."""

    def __init__(self) -> None:
        self.tracks: list[tuple[Track, ...]] = []
        self.frames: list[TimedFrame] = []
        self.has_ended = False

    def tracks_changed(self, tracks: tuple[Track, ...]) -> None:
        self.tracks.append(tracks)

    def frame(self, timed: TimedFrame) -> None:
        self.frames.append(timed)

    def ended(self) -> None:
        self.has_ended = True

    def of(self, track: int) -> list[TimedFrame]:
        return [timed for timed in self.frames if timed.frame.track == track]


def _output() -> RtpOutput:
    return RtpOutput(Timeline(monotonic_ns=lambda: START_NS, system_ns=lambda: _NOW_S * 1_000_000_000))


def _watch(items: list[MediaItem]) -> Watching:
    output, watching = _output(), Watching()
    output.attach(watching)
    output.take(items)
    return watching


def _numbers(codec: str, frames: list[TimedFrame]) -> list[int | None]:
    """The numbers on the pictures that a decoder shows which was told nothing in advance."""
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    coded = [coded_packet(access_unit(codec, timed.frame)) for timed in frames]
    pictures = [picture for packet in (*coded, None) for picture in decoder.decode(packet)]
    return [read(picture) for picture in pictures]


def _length_prefixed(recipe: Recipe) -> Film:
    """The film as it comes over RTMP: parameter sets out of band, lengths in place of start codes."""
    written = io.BytesIO()
    with av.open(io.BytesIO(transport_stream(recipe)), "r") as source, av.open(written, "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stripped = av.BitStreamFilterContext("filter_units=remove_types=7-8|32-34", source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            for without_sets in stripped.filter(packet) if packet.dts is not None else ():
                without_sets.stream = stream
                target.mux(without_sets)
    with av.open(io.BytesIO(written.getvalue()), "r") as source:
        return take_in(source, recipe.first, recipe.seconds * recipe.fps)


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_picture_can_be_decoded(encoder: str, b_frames: int) -> None:
    shown = film(Recipe(encoder, b_frames=b_frames, audio=True, width=640, height=480))  # type: ignore[arg-type]
    watching = _watch(shown.items)
    assert _numbers(shown.video.codec, watching.of(0)) == shown.numbers
    assert [rtp_payloads(timed.frame)[0][4:] for timed in watching.of(1)] == [
        bytes(packet.payload) for packet in shown.audio_packets
    ]
    assert [track.codec for track in watching.tracks[0]] == [shown.video.codec, "aac"]


def test_no_packet_is_larger_than_what_fits_any_path() -> None:
    watching = _watch(film(Recipe(width=640, height=480)).items)
    sizes = [len(payload) + 12 for timed in watching.frames for payload in rtp_payloads(timed.frame)]
    assert max(sizes) <= 1200
    assert len(sizes) > len(watching.frames)


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_each_keyframe_brings_the_parameter_sets_that_the_camera_sent_once(encoder: str) -> None:
    shown = _length_prefixed(Recipe(encoder, seconds=2))  # type: ignore[arg-type]
    assert shown.video.extradata[:1] == b"\x01"
    watching = _watch(shown.items)
    keyframes = [timed.frame for timed in watching.frames if timed.frame.keyframe]
    assert len(keyframes) == 2
    kinds = [
        [unit[0] & 0x1F if encoder == "libx264" else unit[0] >> 1 & 0x3F for unit in units(shown.video.codec, frame)]
        for frame in keyframes
    ]
    wanted = {7, 8} if encoder == "libx264" else {32, 33, 34}
    assert all(wanted <= set(found) for found in kinds)
    second = watching.frames.index(next(t for t in watching.frames if t.frame is keyframes[1]))
    assert _numbers(shown.video.codec, watching.frames[second:]) == shown.numbers[15:]


def test_an_access_unit_delimiter_stays_first() -> None:
    shown = film(Recipe(seconds=1))
    keyframe = shown.video_packets[0]
    coded = b"\0\0\0\1\x09\xf0" + b"\0\0\0\1\x65" + bytes(keyframe.payload).partition(b"\0\0\1\x65")[2]
    watching = _watch([TracksChanged(shown.tracks), keyframe._replace(payload=coded_packet(coded))])
    kinds = [unit[0] & 0x1F for unit in units("h264", watching.frames[0].frame)]
    assert kinds == [9, 7, 8, 5]


def test_tracks_are_the_same_whatever_form_the_parameter_sets_had() -> None:
    recipe = Recipe(seconds=1)
    annex_b, prefixed = (_watch(shown.items).tracks[0] for shown in (film(recipe), _length_prefixed(recipe)))
    assert annex_b == prefixed


def test_timestamps_are_exact_however_long_it_lasts() -> None:
    shown = film(Recipe(audio=True))
    late = shown.after(30 * 24 * 3600)
    watching = _watch([*shown.items, *late.packets])
    for track, clock, packets in ((0, 90_000, late.video_packets), (1, 16_000, late.audio_packets)):
        expected = [round(packet.pts * packet.track.time_base * clock) for packet in packets]
        assert [timed.timestamp for timed in watching.of(track)][-len(packets) :] == expected


def test_capture_times_follow_the_media_and_not_the_jitter_of_the_network() -> None:
    shown = film(Recipe(seconds=4))
    jittered = [
        packet._replace(arrival_ns=packet.arrival_ns + (index * 7919 % 50) * 1_000_000 * (index > 0))
        for index, packet in enumerate(shown.video_packets)
    ]
    watching = _watch([TracksChanged(shown.tracks), *jittered])
    first, last = watching.frames[0], watching.frames[-1]
    assert first.captured == pytest.approx(_NOW_S, abs=0.001)
    assert last.captured - first.captured == pytest.approx((last.timestamp - first.timestamp) / 90_000, abs=0.005)


def test_a_camera_that_comes_back_goes_on_after_the_gap() -> None:
    before, after = film(Recipe(seconds=2, audio=True)), _again(film(Recipe(seconds=2, audio=True, first=500)), 10)
    watching = _watch([*before.items, TracksChanged(()), *after.items])
    assert watching.tracks[0] == watching.tracks[2]
    assert watching.tracks[1] == ()
    video = watching.of(0)
    gap = (video[30].timestamp - video[29].timestamp) / 90_000
    assert gap == pytest.approx(8.07, abs=0.2)
    assert video[30].captured - video[29].captured == pytest.approx(gap, abs=0.2)
    sound = watching.of(1)
    assert all(one.timestamp < two.timestamp for one, two in pairwise(sound))
    assert abs(video[30].captured - sound[len(before.audio_packets)].captured) < 1.1


def test_other_parameters_in_mid_stream_do_not_move_the_clock() -> None:
    shown = film(Recipe(seconds=4, b_frames=2))
    half = len(shown.packets) // 2
    changed = replace(shown.video, extradata=film(Recipe(seconds=1, width=320, height=240)).video.extradata, width=320)
    watching = _watch(
        [
            *shown.items[: half + 1],
            TracksChanged((changed,)),
            *(packet._replace(track=changed) for packet in shown.packets[half:]),
        ]
    )
    assert watching.tracks[0] != watching.tracks[1]
    steps = np.diff(sorted(timed.timestamp for timed in watching.frames))
    assert set(steps) == {6000}


def test_who_comes_later_begins_with_the_latest_keyframe() -> None:
    shown = film(Recipe(seconds=3, audio=True))
    output, late, live = _output(), Watching(), Watching()
    output.take(shown.items)
    output.attach(late)
    output.attach(live, from_keyframe=False)
    assert late.frames[0].frame.keyframe
    assert _numbers("h264", late.of(0)) == shown.numbers[30:]
    assert live.frames == []
    output.detach(late)
    output.take(shown.after(3).packets)
    assert len(late.of(0)) == 15
    assert len(live.of(0)) == 45


def test_nothing_of_the_camera_before_is_shown_after_it_is_gone() -> None:
    shown = film(Recipe(seconds=1))
    output, late = _output(), Watching()
    output.take([*shown.items, TracksChanged(())])
    output.attach(late)
    assert (late.tracks, late.frames, output.tracks) == ([], [], ())


async def test_tracks_are_waited_for_until_the_output_ends() -> None:
    output, watching = _output(), Watching()
    with pytest.raises(CameraUnavailable):
        await output.wait_for_tracks(0.01)
    output.take(film(Recipe(seconds=1)).items)
    assert [track.codec for track in await output.wait_for_tracks(5)] == ["h264"]
    output.attach(watching)
    output.close()
    assert watching.has_ended
    with pytest.raises(CameraUnavailable):
        await output.wait_for_tracks(5)


def _again(shown: Film, seconds: float) -> Film:
    """The film by a connection of its own: the clock begins anew, only the time of arrival tells how late it is."""
    tracks = {track.index: replace(track, template=_fresh_template(track)) for track in shown.tracks}
    packets = tuple(
        packet._replace(track=tracks[packet.track.index], arrival_ns=packet.arrival_ns + int(seconds * 1e9))
        for packet in shown.packets
    )
    return replace(shown, tracks=tuple(tracks.values()), packets=packets)


def _fresh_template(track: CameraTrack) -> Stream:
    container = av.open(io.BytesIO(), "w", format="mp4")
    return container.add_stream_from_template(track.template, opaque=True)
