"""What browsers are told of a track is what its encoder was told to make."""

from collections.abc import Mapping
from fractions import Fraction

import av
import numpy as np
import pytest

from lightnvr.media.codec_strings import codec_strings
from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.media.mp4.muxer import init_segment
from tests.rig.film import Recipe, film
from tests.rig.numbered_pictures import draw


class _Written:
    """A file that cannot be rewound, so that the headers come first."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, written: bytes) -> int:
        self.content += written
        return len(written)


def _headers(encoder: str, options: Mapping[str, str], *, size: int = 320) -> bytes:
    """Encode a little and return all that precedes it."""
    written = _Written()
    with av.open(written, "w", format="mp4", options={"movflags": "frag_keyframe+delay_moov"}) as target:
        codec = av.Codec(encoder, "w")
        if codec.type == "video":
            stream = target.add_stream(encoder, rate=10, options=dict(options))
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = size, size * 3 // 4
            stream.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
            for number in range(3):
                picture = draw(number, stream.width, stream.height)
                picture.pts, picture.time_base = number, Fraction(1, 10)
                target.mux(stream.encode(picture.reformat(format=stream.pix_fmt)))
            target.mux(stream.encode(None))
        else:
            sound = target.add_stream(encoder, rate=48_000, layout="mono")
            assert isinstance(sound, av.AudioStream)
            kind = sound.codec_context.format.name.removesuffix("p")
            depth = {"s16": np.int16, "s32": np.int32, "flt": np.float32}[kind]
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 48_000), depth), format=sound.codec_context.format.name, layout="mono"
            )
            frame.sample_rate, frame.pts = 48_000, 0
            target.mux(sound.encode(frame))
            target.mux(sound.encode(None))
    return written.content[: written.content.index(b"moof") - 4]


@pytest.mark.parametrize(
    ("encoder", "options", "expected"),
    [
        ("libx264", {"profile": "baseline", "level": "3.1"}, "avc1.42C01F"),
        ("libx264", {"profile": "main", "level": "4.0"}, "avc1.4D4028"),
        ("libx264", {"profile": "high", "level": "5.1"}, "avc1.640033"),
        ("libx265", {"x265-params": "log-level=none:level-idc=3.1:profile=main"}, "hev1.1.6.L93.90"),
        ("libx265", {"x265-params": "log-level=none:level-idc=4.0:high-tier=1:profile=main"}, "hev1.1.6.H120.90"),
        ("libsvtav1", {"svtav1-params": "lp=1", "preset": "12"}, "av01.0.00M.08"),
        ("mjpeg", {}, "mp4v.6C"),
        ("aac", {}, "mp4a.40.2"),
        ("libmp3lame", {}, "mp4a.6B"),
        ("libopus", {}, "opus"),
    ],
)  # fmt: skip
def test_codec_strings(encoder: str, options: dict[str, str], expected: str) -> None:
    assert list(codec_strings(_headers(encoder, options)).values()) == [expected]


def test_live_files_call_each_track_by_its_name() -> None:
    names = codec_strings(init_segment(film(Recipe(encoder="libx265", audio=True)).tracks).content)

    assert names == {1: "hvc1.1.6.L30.90", 2: "mp4a.40.2"}


def test_what_is_no_init_segment_is_refused() -> None:
    init = init_segment(film(Recipe()).tracks).content

    with pytest.raises(MalformedBox):
        codec_strings(init[:-20])
    with pytest.raises(MalformedBox):
        codec_strings(init.replace(b"avcC", b"none"))
