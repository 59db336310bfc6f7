"""Sends a media file, whole or in part, also while it is still being written."""

import os
from collections.abc import AsyncIterator
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import anyio
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from lightnvr.api.ranges import ByteRange, read_range
from lightnvr.recording.model import RecordingFileMissing, RecordingOffline
from lightnvr.recording.service import ReadRange

_CHUNK = 256 * 1024
_MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".zip": "application/zip",
}


class ServedFile(Protocol):
    """A file to be sent: `length` bytes of it at most, read by `read` when there is one."""

    @property
    def path(self) -> Path: ...
    @property
    def length(self) -> int: ...
    @property
    def etag(self) -> str: ...
    @property
    def modified_s(self) -> float: ...
    @property
    def read(self) -> ReadRange | None: ...


async def file_answer(request: Request, file: ServedFile, headers: dict[str, str]) -> Response:
    """Answer GET or HEAD for a file (RFC 9110: conditional requests, ranges).

    Exactly the bytes that are promised are sent, `file.length` of them at most, so a file that grows meanwhile does no
    harm. One chunk is in memory at a time, and the next is read when the client has taken it. Raises
    RecordingFileMissing, RecordingOffline, RangeNotSatisfiable.
    """
    headers = headers | {
        "Accept-Ranges": "bytes",
        "ETag": file.etag,
        "Last-Modified": formatdate(file.modified_s, usegmt=True),
        "Cache-Control": "private, no-cache",
    }
    if _is_unchanged(request, file):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    part = read_range(request.headers.get("range"), file.length) if _range_applies(request, file) else None
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.length}"
    part = part or ByteRange(0, file.length)
    headers["Content-Length"] = str(part.stop - part.start)
    headers["Content-Type"] = _MEDIA_TYPES.get(file.path.suffix.lower(), "video/mp4")
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    descriptor = await _open(file.path)
    chunks = _chunks(descriptor, part) if file.read is None else _read_chunks(descriptor, part, file.read)
    return StreamingResponse(chunks, status_code=status, headers=headers)


async def _open(path: Path) -> int:
    try:
        return await anyio.to_thread.run_sync(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RecordingFileMissing(str(path)) from None
    except OSError as error:
        raise RecordingOffline(f"The recording cannot be read now: {error.strerror}.") from None


async def _chunks(descriptor: int, part: ByteRange) -> AsyncIterator[bytes]:
    position = part.start
    try:
        while position < part.stop:
            wanted = min(_CHUNK, part.stop - position)
            data = await anyio.to_thread.run_sync(os.pread, descriptor, wanted, position)
            if not data:
                raise OSError(f"the file ends at byte {position}, before byte {part.stop} that was promised")
            position += len(data)
            yield data
    finally:
        os.close(descriptor)


async def _read_chunks(descriptor: int, part: ByteRange, read: ReadRange) -> AsyncIterator[bytes]:
    pieces = read(descriptor, part.start, part.stop)
    try:
        while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
            yield piece
    finally:
        os.close(descriptor)


def _is_unchanged(request: Request, file: ServedFile) -> bool:
    none_match = request.headers.get("if-none-match")
    if none_match is not None:
        tags = [tag.strip().removeprefix("W/") for tag in none_match.split(",")]
        return none_match.strip() == "*" or file.etag.removeprefix("W/") in tags
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return int(file.modified_s) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False


def _range_applies(request: Request, file: ServedFile) -> bool:
    condition = request.headers.get("if-range")
    return condition is None or condition in {file.etag, formatdate(file.modified_s, usegmt=True)}
