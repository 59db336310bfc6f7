"""Reading and writing RTSP messages."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.live.rtsp.messages import Interleaved, MalformedMessage, Request, Response, RtspError, read_message

pytestmark = pytest.mark.anyio


async def read_all(data: bytes) -> list[Request | Interleaved]:
    reader = asyncio.StreamReader(limit=1024)
    reader.feed_data(data)
    reader.feed_eof()
    messages: list[Request | Interleaved] = []
    while (message := await read_message(reader)) is not None:
        messages.append(message)
    return messages


def status_of(data: bytes) -> int | None:
    """What a connection with these bytes ends with: None when all of them could be read."""
    try:
        asyncio.run(read_all(data))
    except MalformedMessage as error:
        return error.status
    return None


async def test_requests_and_binary_data_are_told_apart() -> None:
    data = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x01\x00\x03abc\r\nSET_PARAMETER rtsp://h/p RTSP/1.0\r\n"
    options, binary, parameter = await read_all(data + b"CSEQ:2\r\nContent-Length: 4\r\n\r\nbody")
    assert options == Request("OPTIONS", "*", {"cseq": "1"})
    assert binary == Interleaved(1, b"abc")
    assert isinstance(parameter, Request)
    assert (parameter.body, parameter.headers["cseq"], parameter.path) == (b"body", "2", "/p")


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    assert status_of(data) in {None, 400, 413, 505}


@given(head=st.text(max_size=200))
def test_arbitrary_headers_are_read_or_refused(head: str) -> None:
    data = b"PLAY rtsp://h/p RTSP/1.0\r\n" + head.encode("utf-8", "replace") + b"\r\n\r\n"
    assert status_of(data) in {None, 400, 413, 505}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("rtsp://host/front%20door/", "/front door"),
        ("rtsp://u:p@host:554/a/trackID=0", "/a/trackID=0"),
        ("rtsp://host", "/"),
        ("*", "*"),
    ],
)
def test_paths_are_decoded(url: str, path: str) -> None:
    assert Request("DESCRIBE", url, {}).path == path


def test_an_unreadable_url_is_a_bad_request() -> None:
    with pytest.raises(RtspError) as error:
        _ = Request("DESCRIBE", "rtsp://[", {}).path
    assert error.value.status == 400


def test_answers_carry_sequence_and_length() -> None:
    encoded = Response(200, {"Session": "1"}, b"hello").encode("7")
    assert encoded == b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nSession: 1\r\nContent-Length: 5\r\n\r\nhello"
