"""The numbers in the pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.demo.numbering import MAX_NUMBER, MIN_WIDTH, block_size, draw_number, frame_number


@given(number=st.integers(0, MAX_NUMBER), width=st.sampled_from([MIN_WIDTH, 320, 640, 1280, 1920]))
def test_what_was_drawn_is_read(number: int, width: int) -> None:
    luma = np.full((240, width), 77, np.uint8)
    draw_number(luma, number)
    assert frame_number(luma) == number


@given(number=st.integers(0, MAX_NUMBER), seed=st.integers(0, 1000))
def test_noise_does_no_harm(number: int, seed: int) -> None:
    luma = np.zeros((240, 320), np.uint8)
    draw_number(luma, number)
    noise = np.random.default_rng(seed).integers(-50, 50, luma.shape)
    assert frame_number(np.clip(luma + noise, 0, 255).astype(np.uint8)) == number


@given(number=st.integers(0, MAX_NUMBER), bit=st.integers(0, 24))
def test_one_wrong_block_is_noticed(number: int, bit: int) -> None:
    luma = np.zeros((240, 320), np.uint8)
    draw_number(luma, number)
    size = block_size(320)
    left = size * (3 + bit)
    luma[size : 2 * size, left : left + size] = 255 - luma[size : 2 * size, left : left + size]
    assert frame_number(luma) is None


@pytest.mark.parametrize("grey", [0, 120, 255])
def test_a_picture_without_a_strip_has_no_number(grey: int) -> None:
    assert frame_number(np.full((240, 320), grey, np.uint8)) is None


def test_a_picture_that_is_too_small_has_no_number() -> None:
    assert frame_number(np.zeros((16, 64), np.uint8)) is None


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="frame numbers go from 0"):
        draw_number(np.zeros((240, 320), np.uint8), MAX_NUMBER + 1)


def test_blocks_have_16_pixels_at_720p() -> None:
    assert block_size(1280) == 16
