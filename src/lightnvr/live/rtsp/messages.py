"""RTSP 1.0 requests and responses as they stand on the wire (RFC 2326, sections 4 to 7)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 16 * 1024

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    460: "Only Aggregate Operation Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option not supported",
}


class RtspError(Exception):
    """A request that is answered with an error status, and perhaps with headers that explain it."""

    def __init__(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {_REASONS.get(status, '')}")
        self.status = status
        self.headers = dict(headers or {})


class MalformedMessage(Exception):
    """What came in is not RTSP; nothing after it on the same connection can be trusted."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(_REASONS[status])
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path of the URL without a trailing slash, `*` for a request about the server itself.

        Raises RtspError 400 for a URL that cannot be read.
        """
        if self.url == "*":
            return "*"
        split = self._split()
        # Players put the name of a track behind the URL that they were given, its query included.
        _, slash, track = split.query.partition("/")
        return "/" + unquote(split.path + slash + track).strip("/")

    @property
    def ticket(self) -> str:
        """The `ticket` of the URL's query, empty without one. Raises RtspError 400."""
        query = self._split().query.partition("/")[0]
        return parse_qs(query).get("ticket", [""])[0]

    @property
    def base(self) -> str:
        """The URL without its query, with a slash at its end: what the names of tracks are put behind."""
        return self.url.partition("?")[0].rstrip("/") + "/"

    def _split(self) -> SplitResult:
        try:
            return urlsplit(self.url)
        except ValueError as error:
            raise RtspError(400) from error


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `CSeq` and `Content-Length` are added when it is encoded."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, cseq: str | None) -> bytes:
        lines = [f"RTSP/1.0 {self.status} {_REASONS.get(self.status, 'Unknown')}"]
        if cseq is not None:
            lines.append(f"CSeq: {cseq}")
        lines += [f"{name}: {part}" for name, value in self.headers.items() for part in value.split("\n")]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Binary data of the client between its requests (RFC 2326, section 10.12): RTCP receiver reports."""

    channel: int
    data: bytes


def parse_request(head: bytes) -> Request:
    """A request from its bytes up to the empty line, without body. Raises MalformedMessage."""
    try:
        first, *rest = head.decode("utf-8").rstrip("\r\n").split("\r\n")
    except UnicodeDecodeError as error:
        raise MalformedMessage from error
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/"):
        raise MalformedMessage
    if words[2] != "RTSP/1.0":
        raise MalformedMessage(505)
    if not words[0].replace("_", "").isalpha() or not words[1]:
        raise MalformedMessage
    headers: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise MalformedMessage
        headers[name.strip().lower()] = value.strip()
    return Request(words[0], words[1], headers)


async def read_message(reader: asyncio.StreamReader) -> Request | Interleaved | None:
    """The next message of a client, None when it has closed its side. Raises MalformedMessage."""
    try:
        first = await reader.readexactly(1)
        while first in (b"\r", b"\n"):
            first = await reader.readexactly(1)
        if first == b"$":
            header = await reader.readexactly(3)
            return Interleaved(header[0], await reader.readexactly(int.from_bytes(header[1:], "big")))
        request = parse_request(first + await reader.readuntil(b"\r\n\r\n"))
        length = _content_length(request)
        if not length:
            return request
        return Request(request.method, request.url, request.headers, await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise MalformedMessage(413) from error


def _content_length(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise MalformedMessage
    if int(text) > MAX_BODY_BYTES:
        raise MalformedMessage(413)
    return int(text)
