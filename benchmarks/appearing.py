"""A film in which nothing moves, until somebody comes into the picture at a known frame."""

from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.codec.context import Flags

from lightnvr.demo.clip import Clip, ClipTrack, Sample
from lightnvr.demo.encoding import VIDEO_CLOCK
from lightnvr.demo.scene import NOON, Plane, Scene
from lightnvr.live.rtsp import Track

APPEARS = 157
"""The number of the first picture with somebody in it: the eighth of its group."""

_WIDTH, _HEIGHT, _FPS, _GOP = 1280, 720, 15, 30
_STAYS, _COUNT = 60, 300
_TALL, _WIDE, _STEP = 200, 96, 8
_BRIGHT, _NOISE = 235, 3


def appearing_clip() -> Clip:
    """Film it: 1280x720, 15 fps, 2 Mbit/s, a keyframe every 2 s; 20 s, of which somebody walks by for 4 s."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, _FPS), Fraction(_FPS)
    encoder.bit_rate = 2_000_000
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"repeat-headers=1:scenecut=0:keyint={_GOP}:min-keyint={_GOP}:bframes=0",
    }
    encoder.flags |= Flags.global_header
    ticks, samples = VIDEO_CLOCK // _FPS, list[Sample]()

    def add(packets: Iterable["av.Packet[av.VideoStream]"]) -> None:
        for packet in packets:
            number = packet.pts or 0
            samples.append(Sample(number * ticks, number * ticks, packet.is_keyframe, bytes(packet), number))

    still = Scene(_WIDTH, _HEIGHT, _FPS, _COUNT, NOON).frame(0)
    rng = np.random.default_rng(1)
    for number in range(_COUNT):
        frame = av.VideoFrame.from_ndarray(_picture(still, number, rng), format="yuv420p")
        frame.pts, frame.time_base = number, encoder.time_base
        add(encoder.encode(frame))
    add(encoder.encode(None))
    track = Track("h264", VIDEO_CLOCK, parameters=encoder.extradata or b"", width=_WIDTH, height=_HEIGHT)
    return Clip(Fraction(_COUNT, _FPS), (ClipTrack(track, tuple(samples)),))


def _picture(still: Plane, number: int, rng: np.random.Generator) -> Plane:
    picture = still.copy()
    picture[:_HEIGHT] += rng.integers(0, _NOISE, (_HEIGHT, _WIDTH), dtype=np.uint8)
    walked = number - APPEARS
    if 0 <= walked < _STAYS:
        left = 300 + _STEP * walked
        picture[400 : 400 + _TALL, left : left + _WIDE] = _BRIGHT
    return picture
