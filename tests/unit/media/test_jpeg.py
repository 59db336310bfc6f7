"""The size of a JPEG picture is read from its markers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.jpeg import jpeg_size
from tests.cameras import film


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 480)])
def test_the_size_is_the_one_that_was_encoded(width: int, height: int) -> None:
    picture = film("mjpeg", seconds=1, width=width, height=height).tracks[0].samples[0].data
    assert jpeg_size(memoryview(picture)) == (width, height)
    thumbnail = b"\xff\xe1" + (2 + len(picture[:60_000])).to_bytes(2, "big") + picture[:60_000]
    assert jpeg_size(memoryview(picture[:2] + thumbnail + b"\xff" + picture[2:])) == (width, height)


def test_a_picture_without_a_frame_has_no_size() -> None:
    assert jpeg_size(memoryview(b"\xff\xd8\xff\xd9")) == (0, 0)
    assert jpeg_size(memoryview(b"\xff\xd8\xff\xda\x00\x02\xff\xc0" + bytes(20))) == (0, 0)


@given(st.binary(max_size=60))
def test_any_bytes_are_looked_at_without_harm(content: bytes) -> None:
    jpeg_size(memoryview(b"\xff\xd8" + content))
