"""Scenes as cameras send them: coded in H.264, looked at as built-in motion does, and compared with the truth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from lightnvr.detection.detector import Found
from lightnvr.detection.eye import Eye
from lightnvr.detection.motion import MotionDetector
from lightnvr.detection.sampler import Sample
from lightnvr.detection.sieve import Rules, Sieve
from lightnvr.detection.zones import Zone
from lightnvr.media.packets import MediaPacket, Track
from lightnvr.recording.detection import Box
from tests.rig.motion_scenes import Luma, MotionScene, Painter

ASPECT = 16 / 9
"""Width over height of all films."""

_CLOCK = 90_000
_NEAR = 0.03
"""How far a box may be from what is really there, in fractions of the picture."""


@dataclass(frozen=True, slots=True)
class Filming:
    """How a scene is filmed: a keyframe every `gop_s` seconds."""

    width: int = 1280
    height: int = 720
    fps: int = 5
    gop_s: int = 2
    bit_rate: int = 1_000_000
    seed: int = 7


@dataclass(slots=True)
class Score:
    """Pictures: with something that was seen there, with something that was not seen, with something seen that is not
    there, and in all. Those in which something is only half in the picture do not count."""

    hits: int = 0
    misses: int = 0
    false: int = 0
    pictures: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.hits + other.hits,
            self.misses + other.misses,
            self.false + other.false,
            self.pictures + other.pictures,
        )

    @property
    def recall(self) -> float:
        """Of the pictures with something in them, the fraction in which it was seen."""
        return self.hits / max(1, self.hits + self.misses)

    @property
    def precision(self) -> float:
        """Of the pictures in which something was seen, the fraction in which it was there."""
        return self.hits / max(1, self.hits + self.false)


def coded(scene: MotionScene, filming: Filming) -> Iterator[MediaPacket]:
    """Yield the packets of a scene, as a source publishes them; arrival 0 is its beginning."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = filming.width, filming.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, filming.fps), Fraction(filming.fps)
    interval = filming.fps * filming.gop_s
    rate = filming.bit_rate // 1000
    encoder.bit_rate = filming.bit_rate
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "x264-params": f"repeat-headers=1:scenecut=0:keyint={interval}:min-keyint={interval}:bframes=0"
        f":vbv-maxrate={rate}:vbv-bufsize={rate * 2}:threads=1",
    }
    painter = Painter(scene, filming.width, filming.height, filming.seed)
    with av.open("/dev/null", "w", format="null") as container:
        template = container.add_stream("libx264", rate=filming.fps)
        track = Track(0, "video", "h264", Fraction(1, _CLOCK), template, b"", filming.width, filming.height)
        ticks = _CLOCK // filming.fps
        for number in range(int(scene.seconds * filming.fps)):
            frame = _frame(painter.picture(number / filming.fps))
            frame.pts, frame.time_base = number, encoder.time_base
            for packet in encoder.encode(frame):
                arrival_ns = int(number / filming.fps * 1e9)
                yield MediaPacket(
                    track, packet, number * ticks, number * ticks, ticks, packet.is_keyframe, arrival_ns, packet.size
                )


def watched(
    scene: MotionScene, packets: Iterable[MediaPacket], *, every_picture: bool = False
) -> Iterator[tuple[float, list[Found]]]:
    """Yield for each sample when it was taken, in seconds, and what was found of it with the usual threshold."""
    zones = (Zone("z", "Zone", True, "#ffffff", tuple(scene.zone), "", 0.0),) if scene.zone else ()
    detector = MotionDetector(lambda _stream_id: zones)
    eye = Eye(1, scene.name, detector, lambda at_ns: at_ns // 1000, every_picture=every_picture)
    sieve = Sieve(Rules(0.5, zones=zones))
    begins = True
    for packet in packets:
        if not (every_picture or packet.is_keyframe):
            continue
        picture = eye.see(Sample((packet,), begins))
        begins = False
        assert picture is not None
        yield picture.at_us / 1e6, [*sieve.sift(detector.look([picture])[0], picture.at_us).moving]


def scored(
    scene: MotionScene, packets: Iterable[MediaPacket], *, every_picture: bool = False, learn_s: float = 10.0
) -> Score:
    """Watch a scene and compare; what is seen in the first `learn_s` seconds does not count."""
    score = Score()
    for at_s, found in watched(scene, packets, every_picture=every_picture):
        if at_s < learn_s:
            continue
        there = [box for each in scene.passes if (box := each.box(at_s, ASPECT)) is not None]
        is_whole = any(each.is_whole(at_s, ASPECT) for each in scene.passes)
        is_seen = any(_touch(item.box, box) for item in found for box in there)
        is_false = any(not any(_touch(item.box, box) for box in there) for item in found)
        score.pictures += 1
        score.hits += is_seen
        score.misses += is_whole and not is_seen
        score.false += is_false
    return score


def _frame(luma: Luma) -> av.VideoFrame:
    height, width = luma.shape
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = luma
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _touch(found: Box, there: Box) -> bool:
    return (
        found.x < there.x + there.width + _NEAR
        and there.x < found.x + found.width + _NEAR
        and found.y < there.y + there.height + _NEAR
        and there.y < found.y + found.height + _NEAR
    )
