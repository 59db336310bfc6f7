"""Still pictures: their size, their colours, their quality."""

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.snapshot import PictureForm, encode_jpeg
from tests.rig.jpeg import decoded, size

COLOURS = ((255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0))
SIDES = st.integers(16, 8192)


def striped(width: int, height: int, matrix: str) -> av.VideoFrame:
    """Upright stripes in known colours, as a camera with this colour matrix codes them."""
    rgb = np.repeat(np.array(COLOURS, np.uint8), width // len(COLOURS), axis=0)
    picture = np.broadcast_to(rgb, (height, *rgb.shape)).copy()
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=matrix)


def noise(width: int, height: int) -> av.VideoFrame:
    luma = np.random.default_rng(1).integers(0, 256, (height * 3 // 2, width), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(luma, format="yuv420p")


@given(SIDES, SIDES, SIDES)
def test_with_one_side_the_other_keeps_the_shape(width: int, height: int, wanted: int) -> None:
    found_width, found_height = PictureForm(width=wanted).size(width, height)

    assert found_width == min(wanted, width)
    assert abs(found_height - height * found_width / width) <= 1


@given(SIDES, SIDES, st.none() | SIDES, st.none() | SIDES)
def test_a_picture_is_never_enlarged(width: int, height: int, wanted: int | None, high: int | None) -> None:
    found_width, found_height = PictureForm(wanted, high).size(width, height)

    assert 1 <= found_width <= width
    assert 1 <= found_height <= height


@pytest.mark.parametrize(("width", "height", "matrix"), [(1280, 720, "ITU709"), (640, 480, "ITU601")])
def test_colours_come_out_as_they_were(width: int, height: int, matrix: str) -> None:
    frame = striped(width, height, matrix)
    frame.colorspace = 2  # says nothing, as most cameras

    seen = decoded(encode_jpeg(frame, 320, 180, 95)).to_ndarray(format="rgb24")

    stripe = 320 // len(COLOURS)
    for index, colour in enumerate(COLOURS):
        assert np.abs(seen[90, index * stripe + stripe // 2].astype(int) - colour).max() <= 8


def test_more_quality_takes_more_bytes() -> None:
    frame = noise(320, 240)

    sizes = [len(encode_jpeg(frame, 320, 240, quality)) for quality in (1, 20, 50, 80, 95, 100)]

    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 3


def test_odd_sizes_are_possible() -> None:
    assert size(encode_jpeg(noise(320, 240), 101, 77, 80)) == (101, 77)
