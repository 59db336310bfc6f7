"""What test cameras show when something is to be seen: scenes with who walks through them, and numbered pictures in
which a red box lies for a while.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

from lightnvr.demo.clip import Clip, ClipTrack, Sample
from lightnvr.demo.numbering import draw_number
from lightnvr.live.rtsp import Track
from tests.rig.motion_scenes import MotionScene, Painter

Plane = npt.NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 320, 240, 10
_CLOCK = 90_000
_RED = (82, 90, 240)
"""Y, U, V."""


def scene_clip(scene: MotionScene, *, gop: int = FPS) -> Clip:
    """Film a scene, 320 x 240 with 10 pictures a second and a keyframe every `gop` pictures. Pictures have no numbers:
    those would move.
    """
    painter = Painter(scene, WIDTH, HEIGHT)
    count = int(scene.seconds * FPS)
    return _encoded((_grey(painter.picture(number / FPS)) for number in range(count)), gop)


def red_clip(first: int, last: int, *, pictures: int, gop: int = FPS) -> Clip:
    """Film numbered pictures of even grey; from `first` to `last` a red box lies in the right half, 80 pixels wide."""

    def drawn() -> Iterator[Plane]:
        for number in range(pictures):
            picture = _grey(np.full((HEIGHT, WIDTH), 60, np.uint8))
            draw_number(picture[:HEIGHT], number)
            if first <= number <= last:
                _put_red(picture)
            yield picture

    return _encoded(drawn(), gop)


def _grey(luma: Plane) -> Plane:
    picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    picture[:HEIGHT] = luma
    return picture


def _put_red(picture: Plane) -> None:
    luma, chroma = picture[:HEIGHT], picture[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    luma[120:200, 200:280] = _RED[0]
    for plane, tone in zip(chroma, _RED[1:], strict=True):
        plane[60:100, 100:140] = tone


def _encoded(pictures: Iterable[Plane], gop: int) -> Clip:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    params = f"repeat-headers=1:scenecut=0:open-gop=0:keyint={gop}:min-keyint={gop}:bframes=0:threads=1"
    encoder.options = {"preset": "ultrafast", "x264-params": params, "crf": "18"}
    encoder.flags |= Flags.global_header
    ticks = _CLOCK // FPS
    samples: list[Sample] = []

    def add(packets: Iterable["av.Packet[av.VideoStream]"]) -> None:
        for packet in packets:
            assert packet.pts is not None
            at = packet.pts * ticks
            samples.append(Sample(at, at, packet.is_keyframe, bytes(packet), packet.pts))

    for number, planes in enumerate(pictures):
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts, picture.time_base = number, encoder.time_base
        add(encoder.encode(picture))
    add(encoder.encode(None))
    track = Track("h264", _CLOCK, parameters=encoder.extradata or b"", width=WIDTH, height=HEIGHT)
    return Clip(Fraction(len(samples), FPS), (ClipTrack(track, tuple(samples)),))
