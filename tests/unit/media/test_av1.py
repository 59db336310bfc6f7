"""The sequence header of AV1 is found and read as FFmpeg and the encoder mean it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.av1 import frame_size, sequence_header
from tests.cameras import film

HEADER = bytes.fromhex("0a0b000000043cffbc6af98040")
"""Of 320x240, as SVT-AV1 writes it."""


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 480), (1280, 720)])
def test_the_size_is_the_one_that_was_encoded(width: int, height: int) -> None:
    clip = film("av1", seconds=2, width=width, height=height)
    found = {sequence_header(sample.data) for sample in clip.tracks[0].samples if sample.keyframe}
    assert len(found) == 1
    assert frame_size(found.pop()) == (width, height)
    assert not any(sequence_header(sample.data) for sample in clip.tracks[0].samples if not sample.keyframe)


def test_the_record_of_mp4_and_flv_holds_the_same_header() -> None:
    assert sequence_header(bytes.fromhex("81000c00") + HEADER) == sequence_header(b"\x12\x00" + HEADER) == HEADER


def _bits(text: str) -> bytes:
    digits = text.replace(" ", "")
    payload = int(digits.ljust(-(-len(digits) // 8) * 8, "0"), 2).to_bytes(-(-len(digits) // 8), "big")
    return bytes((0x0A, len(payload))) + payload


def test_a_header_with_timing_decoder_model_and_layers_is_read() -> None:
    timing = "1" + "0" * 31 + "1" + "0" * 31 + "1" + "1" + "00101"
    model = "1" + "00111" + "0" * 32 + "00111" + "00111"
    points = "1" + "00001"
    point = "0" * 12 + "01000" + "1" + "1" + "0" * 17 + "1" + "0000"
    size = "1000" + "0111" + format(319, "09b") + format(239, "08b")
    assert frame_size(_bits("000" + "0" + "0" + timing + model + points + point + point + size)) == (320, 240)


def test_a_still_picture_has_a_short_header() -> None:
    size = "1000" + "0111" + format(319, "09b") + format(239, "08b")
    assert frame_size(_bits("000" + "1" + "1" + "00000" + size)) == (320, 240)


@given(st.binary(max_size=60))
def test_any_bytes_are_looked_at_without_harm(content: bytes) -> None:
    header = sequence_header(content)
    assert header in content
    frame_size(content)
    frame_size(HEADER[: len(content) % len(HEADER)])
