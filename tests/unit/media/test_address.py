"""The address of a camera: read as people type it, shown without secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.address import MASK, InvalidSourceAddress, SourceAddress
from lightnvr.media.opening import explain

_NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x24F, exclude_characters="\x7f"), max_size=20)
_PASSWORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_characters="\x7f"), max_size=20)


@pytest.mark.parametrize(
    ("typed", "username", "password"),
    [
        ("rtsp://admin:secret@cam/live", "admin", "secret"),
        ("rtsp://admin:p@ss@cam/live", "admin", "p@ss"),
        ("rtsp://admin:a:b:c@cam/live", "admin", "a:b:c"),
        ("rtsp://admin:50%off@cam/live", "admin", "50%off"),
        ("rtsp://admin:100%@cam/live", "admin", "100%"),
        ("rtsp://admin:a%2Fb%40c@cam/live", "admin", "a/b@c"),
        ("rtsp://admin@cam/live", "admin", ""),
        ("rtsp://:secret@cam/live", "", "secret"),
        ("rtsp://us%20er:pa%20ss@cam/live", "us er", "pa ss"),
        ("rtsp://cam/live", "", ""),
    ],
)
def test_credentials_are_read_as_people_type_them(typed: str, username: str, password: str) -> None:
    if " " in username:
        with pytest.raises(InvalidSourceAddress):
            SourceAddress.parse(typed)
        return
    address = SourceAddress.parse(typed)
    assert (address.username, address.password) == (username, password)
    assert (address.host, address.path) == ("cam", "/live")


@given(_NAMES, _PASSWORDS)
def test_what_ffmpeg_gets_means_the_same_credentials(username: str, password: str) -> None:
    address = SourceAddress.parse("rtsp://cam:8554/live?a=1").with_credentials(username, password)
    assert SourceAddress.parse(address.with_secret()) == address


@given(_NAMES, st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=20))
def test_the_secret_is_in_nothing_that_is_shown(username: str, password: str) -> None:
    address = SourceAddress.parse("rtsp://cam/live").with_credentials(username, f"x{password}x")
    message = f"cannot open {address.with_secret()} (password {address.password})"
    shown = [str(address), repr(address), address.redacted(), address.without_credentials(), f"{address!s}"]
    for text in [*shown, address.scrub(message), str(explain(address, OSError(22, message)))]:
        assert address.password not in text
    assert address.password not in address.masked() or address.password in username


def test_a_password_in_the_query_is_not_logged() -> None:
    address = SourceAddress.parse("rtsp://cam:554/user=admin&password=hunter2&channel=1&stream=0.sdp?pwd=hunter3")
    assert "hunter" not in str(address)
    assert "channel=1" in str(address)
    assert "hunter2" in address.with_secret()
    assert "hunter" not in address.scrub(f"no {address.with_secret()}")
    assert "hunter" not in str(explain(address, OSError(22, address.with_secret())))


def test_an_editor_sees_the_user_name_and_a_mask() -> None:
    assert SourceAddress.parse("rtsp://ad@min:secret@cam/x").password == "secret"
    assert SourceAddress.parse("rtsp://admin:secret@cam:554/x").masked() == f"rtsp://admin:{MASK}@cam:554/x"
    assert SourceAddress.parse("rtsp://admin@cam/x").masked() == "rtsp://admin@cam/x"
    assert SourceAddress.parse("rtsp://cam/x").masked() == "rtsp://cam/x"


@pytest.mark.parametrize(
    ("typed", "host", "port", "connects_to"),
    [
        ("rtsp://[2001:db8::1]:8554/s", "2001:db8::1", 8554, 8554),
        ("rtsp://u:p@[::1]/s", "::1", None, 554),
        ("RTSPS://cam.example.org/s", "cam.example.org", None, 322),
        ("rtmp://10.0.0.1/s", "10.0.0.1", None, 1935),
        ("http://cam?x=1", "cam", None, 80),
        ("https://küche.example/s", "küche.example", None, 443),
    ],
)
def test_hosts_and_ports(typed: str, host: str, port: int | None, connects_to: int) -> None:
    address = SourceAddress.parse(typed)
    assert (address.host, address.port, address.effective_port) == (host, port, connects_to)
    assert SourceAddress.parse(address.with_secret()) == address


@pytest.mark.parametrize(
    "typed",
    [
        *("file:///etc/passwd", "concat:a|b", "pipe:0", "udp://host:1", "srt://h", "ftp://h/", "cam", "", "rtsp:/cam"),
        *(
            "rtsp://",
            "rtsp:///path",
            "rtsp://u:p@/x",
            "rtsp://[::1/x",
            "rtsp://[::1]x/",
            "rtsp://cam:0/",
            "rtsp://cam:65536/",
        ),
        *("rtsp://cam:abc/", "rtsp://cam:٣/", "rtsp://ca m/", "rtsp://cam/a\nb", "rtsp://u\r\n:p@cam/", 'rtsp://ca"m/'),
        *("rtsp://u:p\x00@cam/", "rtsp://cam/a\tb", "rtsp://u:p%0d%0aX@cam/", "rtsp://u%0a:p@cam/"),
    ],
)
def test_what_is_no_camera_is_refused(typed: str) -> None:
    with pytest.raises(InvalidSourceAddress):
        SourceAddress.parse(typed)


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    for typed in (text, f"rtsp://{text}", f"rtsp://user:{text}@cam/"):
        try:
            address = SourceAddress.parse(typed)
        except InvalidSourceAddress:
            continue
        assert SourceAddress.parse(address.with_secret()) == address


def test_a_refusal_does_not_repeat_the_password() -> None:
    for typed in ("file://u:hunter2@h/", "rtsp://u:hunter2@ho st/", "rtsp://u:hunter2@h:0/", "rtsp://u:hunter2@[::1/"):
        with pytest.raises(InvalidSourceAddress) as refused:
            SourceAddress.parse(typed)
        assert "hunter2" not in str(refused.value)
