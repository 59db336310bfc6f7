"""Which pictures are looked at when there is no time for all, and how they are decoded."""

import threading
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from lightnvr.detection.detector import Detector, Found, Picture
from lightnvr.detection.eye import LUMA_HEIGHT, LUMA_WIDTH, Eye
from lightnvr.detection.lookers import Lookers, Lookout
from lightnvr.detection.motion import MotionDetector
from lightnvr.detection.sampler import KeyframeSampler, PictureSampler, Sample
from lightnvr.media.decoding import UndecodablePicture, decode_keyframe
from lightnvr.media.hub import Hub
from lightnvr.media.packets import MediaPacket, Track, TracksChanged
from tests.rig.film import Film, Recipe, film

_PATIENCE_S = 60
_FILM = Recipe(seconds=12, fps=5, gop=10)
"""A keyframe every 2 s, six of them."""

_ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg", "vp8": "libvpx", "vp9": "libvpx-vp9"}


def _keyframes(shown: Film) -> list[MediaPacket]:
    return [packet for packet in shown.packets if packet.is_keyframe]


def _nothing() -> None:
    pass


def _eye(stream_id: int = 1, *, every_picture: bool = False) -> Eye:
    return Eye(stream_id, "gate", MotionDetector(), lambda at_ns: at_ns // 1000, every_picture=every_picture)


def _damaged(packet: MediaPacket) -> MediaPacket:
    return packet._replace(payload=av.Packet(b"\x00\x00\x00\x01\x65" + bytes(range(256))))


def _coded(codec: str, width: int, height: int) -> MediaPacket:
    """One keyframe of this codec."""
    encoder = VideoCodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.time_base = width, height, Fraction(1, 25)
    encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    frame = av.VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 90, np.uint8), format="yuv420p")
    frame.pts = 0
    packet = [*encoder.encode(frame.reformat(format=encoder.pix_fmt)), *encoder.encode(None)][0]
    container = av.open("/dev/null", "w", format="null")
    track = Track(0, "video", codec, Fraction(1, 25), container.add_stream(_ENCODERS[codec]), b"", width, height)
    return MediaPacket(track, packet, 0, 0, 1, is_keyframe=True, arrival_ns=0, size=packet.size)


def test_the_newest_keyframe_is_taken_and_those_before_it_are_counted() -> None:
    shown, sampler = film(_FILM), KeyframeSampler(1.0, _nothing)
    for item in shown.items:
        sampler.offer(item)
    assert sampler.take() == Sample((_keyframes(shown)[-1],), begins=True)
    assert sampler.take() is None
    assert (sampler.came, sampler.dropped) == (6, 5)


def test_keyframes_that_come_too_soon_are_left_out() -> None:
    shown, sampler = film(_FILM), KeyframeSampler(4.0, _nothing)
    taken: list[MediaPacket] = []
    for packet in shown.packets:
        sampler.offer(packet)
        if (sample := sampler.take()) is not None:
            taken += sample.packets
    assert taken == _keyframes(shown)[::2]
    assert (sampler.came, sampler.dropped) == (3, 0)


def test_another_connection_begins_anew_without_what_came_before() -> None:
    shown, sampler = film(_FILM), KeyframeSampler(100.0, _nothing)
    first, second, *_ = _keyframes(shown)
    sampler.offer(first)
    assert sampler.take() == Sample((first,), begins=True)
    sampler.offer(TracksChanged(shown.tracks))
    assert sampler.take() is None
    sampler.offer(second)
    assert sampler.take() == Sample((second,), begins=True)


def test_every_picture_is_taken_in_order_by_one_who_keeps_up() -> None:
    shown, sampler = film(_FILM), PictureSampler(_nothing)
    samples = []
    for item in shown.items:
        sampler.offer(item)
        if (sample := sampler.take()) is not None:
            samples.append(sample)
    assert [packet for sample in samples for packet in sample.packets] == shown.video_packets
    assert [sample.begins for sample in samples] == [True] + [False] * (len(samples) - 1)
    assert (sampler.came, sampler.dropped) == (len(shown.packets), 0)


def test_one_who_falls_behind_with_every_picture_goes_on_at_a_keyframe_with_pictures_that_can_be_decoded() -> None:
    shown, sampler, eye = film(_FILM), PictureSampler(_nothing), _eye(every_picture=True)
    looked_at = []
    for number, item in enumerate(shown.items):
        sampler.offer(item)
        # Looks five times at first, then not for a long time, then at each one again.
        if 5 < number < 33:
            continue
        if (sample := sampler.take()) is None:
            continue
        picture = eye.see(sample)
        assert picture is not None
        looked_at.append((sample, picture))
    after = next(sample for sample, _ in looked_at if sample.packets[0].arrival_ns > shown.packets[5].arrival_ns)
    assert after.packets[0].is_keyframe
    assert not after.begins
    assert sampler.dropped == sampler.came - len(looked_at)
    assert looked_at[-1][0].packets[-1] == shown.packets[-1]


def test_after_a_picture_that_cannot_be_decoded_the_next_keyframe_is_waited_for() -> None:
    shown, eye = film(_FILM), _eye(every_picture=True)
    first, *others = shown.video_packets
    with pytest.raises(UndecodablePicture):
        eye.see(Sample((_damaged(first),), begins=True))
    seen = [packet for packet in others if eye.see(Sample((packet,), begins=False)) is not None]
    assert seen == others[9:]


@pytest.mark.parametrize("codec", list(_ENCODERS))
def test_keyframes_of_each_codec_become_small_luma(codec: str) -> None:
    picture = _eye().see(Sample((_coded(codec, 1280, 720),), begins=True))
    assert picture is not None
    assert picture.pixels.shape == (LUMA_HEIGHT, LUMA_WIDTH)
    assert int(picture.pixels.min()) in range(80, 100)


def test_motion_jpeg_is_decoded_small() -> None:
    frame = decode_keyframe(_coded("mjpeg", 1280, 720), rough=True, least_width=LUMA_WIDTH)
    assert (frame.width, frame.height) == (320, 180)


def test_small_pictures_stay_as_they_are() -> None:
    picture = _eye().see(Sample((_keyframes(film(_FILM))[0],), begins=True))
    assert picture is not None
    assert picture.pixels.shape == (_FILM.height, _FILM.width)


class _Slow:
    """A detector that finishes a picture only when it is let."""

    wants_colour = False
    input_size = None

    def __init__(self) -> None:
        self.turns = threading.Semaphore(0)
        self.looked = threading.Semaphore(0)
        self.order: list[int] = []

    def look(self, pictures: Sequence[Picture]) -> Sequence[Sequence[Found]]:
        self.looked.release()
        assert self.turns.acquire(timeout=_PATIENCE_S)
        self.order += [picture.stream_id for picture in pictures]
        return [() for _ in pictures]

    def forget(self, stream_id: int) -> None:
        pass

    def interrupt(self) -> None:
        """It takes a moment only."""

    def close(self) -> None:
        pass


class _Watched:
    """Streams whose keyframes a detector is given, and what came of it."""

    def __init__(self, detector: Detector, streams: int) -> None:
        self.lookers = Lookers(detector, threads=1, together=1, name="looker")
        self.hubs = [Hub() for _ in range(streams)]
        self.samplers: list[KeyframeSampler] = []
        self.seen: list[Picture] = []
        self.failed: list[str] = []
        self.told = threading.Semaphore(0)
        for stream_id, hub in enumerate(self.hubs):
            sampler = KeyframeSampler(0.0, partial(self._wake, stream_id))
            self.samplers.append(sampler)
            hub.attach(sampler)
        self.lookouts = [
            Lookout(stream_id, _eye(stream_id), sampler, self._seen, self._failed)
            for stream_id, sampler in enumerate(self.samplers)
        ]

    def _wake(self, stream_id: int) -> None:
        self.lookers.wake(self.lookouts[stream_id])

    def _seen(self, picture: Picture, _found: Sequence[Found]) -> None:
        self.seen.append(picture)
        self.told.release()

    def _failed(self, error: str) -> None:
        self.failed.append(error)
        self.told.release()

    def wait(self) -> None:
        """Wait until one more picture was looked at, or could not be."""
        assert self.told.acquire(timeout=_PATIENCE_S)


def test_too_much_work_costs_each_stream_the_same_and_holds_nobody_up() -> None:
    streams, rounds = 4, 3
    detector, watched_film = _Slow(), film(_FILM)
    watched = _Watched(detector, streams)
    for number in range(rounds):
        # All of this is published while the detector does not come to an end.
        for keyframe in _keyframes(watched_film.after(number * _FILM.seconds)):
            for hub in watched.hubs:
                hub.publish(keyframe)
        for _ in range(streams):
            detector.turns.release()
            watched.wait()
    for _ in range(streams):
        detector.turns.release()
    watched.lookers.close()
    came = [sampler.came for sampler in watched.samplers]
    lost = [sampler.dropped for sampler in watched.samplers]
    assert came == [rounds * len(_keyframes(watched_film))] * streams
    looked = [detector.order.count(stream_id) for stream_id in range(streams)]
    assert max(looked) - min(looked) <= 1
    waiting = [sampler.take() is not None for sampler in watched.samplers]
    assert [sum(each) for each in zip(looked, lost, waiting, strict=True)] == came


def test_a_keyframe_that_cannot_be_decoded_is_told_and_the_next_one_is_looked_at() -> None:
    first, second, *_ = _keyframes(film(_FILM))
    watched = _Watched(MotionDetector(), 1)
    watched.hubs[0].publish(_damaged(first))
    watched.wait()
    assert watched.failed[0].startswith("A picture of the camera cannot be decoded: ")
    watched.hubs[0].publish(second)
    watched.wait()
    watched.lookers.close()
    assert [picture.keyframe for picture in watched.seen] == [second]


def test_a_stream_that_is_left_is_looked_at_no_more() -> None:
    first, second, *_ = _keyframes(film(_FILM))
    detector = _Slow()
    watched = _Watched(detector, 1)
    watched.hubs[0].publish(first)
    assert detector.looked.acquire(timeout=_PATIENCE_S)
    watched.hubs[0].publish(second)
    watched.hubs[0].detach(watched.samplers[0])
    leaving = threading.Thread(target=watched.lookers.leave, args=(watched.lookouts[0],))
    leaving.start()
    detector.turns.release()
    leaving.join(_PATIENCE_S)
    assert not leaving.is_alive()
    watched.lookers.close()
    assert [picture.keyframe for picture in watched.seen] == [first]
