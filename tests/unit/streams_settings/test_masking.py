"""Passwords in addresses are shown as a mask, and a mask that comes back means the password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.address import SourceAddress
from lightnvr.streams.masking import masked, source_address, unmasked
from lightnvr.streams.model import InvalidStreamSetting


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://u:secret@host/1", "rtsp://u:********@host/1"),
        ("rtsp://u:s@c:r%t@host/1", "rtsp://u:********@host/1"),
        ("rtsp://:secret@host", "rtsp://:********@host"),
        ("rtsp://u@host/a:b@c", "rtsp://u@host/a:b@c"),
        ("rtsp://host:554/path", "rtsp://host:554/path"),
        ("", ""),
        ("- rtsp://u:one@a/\n- ffmpeg:http://v:two@b/#x", "- rtsp://u:********@a/\n- ffmpeg:http://v:********@b/#x"),
    ],
)
def test_passwords_are_masked(address: str, shown: str) -> None:
    assert masked(address) == shown
    assert unmasked("publish_url", shown, address) == address


def test_a_mask_in_another_address_is_refused() -> None:
    with pytest.raises(InvalidStreamSetting, match="sub_stream_url was changed but holds"):
        unmasked("sub_stream_url", "rtsp://u:********@other/", "rtsp://u:secret@host/")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#"), min_size=1))
def test_no_password_is_ever_shown(password: str) -> None:
    assert masked(f"rtsp://u:{password}@host/1") == "rtsp://u:********@host/1"


def test_a_mask_stands_for_the_stored_password_on_the_same_host_and_port() -> None:
    stored = SourceAddress.parse("rtsp://u:s@cret@host/1")
    assert source_address("rtsp://u:********@HOST:554/2", stored).password == "s@cret"
    assert source_address("rtsp://u:new@host/1", stored).password == "new"
    assert source_address("rtsp://host/1", stored).password == ""


@pytest.mark.parametrize("elsewhere", ["rtsp://u:********@other/1", "rtsp://u:********@host:8554/1"])
def test_a_stored_password_is_not_sent_elsewhere(elsewhere: str) -> None:
    with pytest.raises(InvalidStreamSetting, match="url names another host or port: enter the password again"):
        source_address(elsewhere, SourceAddress.parse("rtsp://u:secret@host/1"))
