"""/api/streams/{name}/export: a span of what was recorded, as one file to keep."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.clip_answer import PiecewiseAnswer
from lightnvr.api.errors import Responses, declared
from lightnvr.api.ranges import ByteRange, read_range
from lightnvr.api.recordings import attachment
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.streams import Reference
from lightnvr.api.times import read_time
from lightnvr.api.validation import BadRequest
from lightnvr.playback.clip import Clip
from lightnvr.playback.clips import MAX_CLIP_US, clip_file_name
from lightnvr.playback.evidence.package import EvidencePackage

router = APIRouter(prefix="/api/streams", tags=["Export"], route_class=GuardedRoute)

keys = APIRouter(prefix="/api/evidence", tags=["Export"], route_class=GuardedRoute)

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_CLIP: Responses = {
    200: {
        "description": "The whole clip, or the evidence as a ZIP.",
        "content": {"video/mp4": _BYTES, "application/zip": _BYTES},
    },
    206: {"description": "A part of the clip.", "content": {"video/mp4": _BYTES}},
}
_TIME = "ISO 8601 with any offset (none is UTC), a date, or Unix seconds."
Start = Annotated[
    str,
    Query(
        description=f"When the clip begins: the first picture of that time. {_TIME}", examples=["2026-08-01T10:00:00Z"]
    ),
]
End = Annotated[
    str,
    Query(
        description=f"When it ends: the last picture before that time. At most a day later. {_TIME}",
        examples=["2026-08-01T10:05:00Z"],
    ),
]
Audio = Annotated[bool, Query(description="Whether the sound is in it.", examples=[True])]


_KEY = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAO2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=
-----END PUBLIC KEY-----
"""


class EvidenceKey(BaseModel):
    """What evidence is checked with. The fingerprint is the SHA-256 of the key's 32 bytes."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    fingerprint: str = Field(examples=["3b6a27bceeb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"])
    public_key: str = Field(examples=[_KEY])


@router.head(
    "/{name}/export",
    response_class=Response,
    responses=_CLIP | declared(400, 401, 404, 409, 416, 429, 503),
    dependencies=[VIEWER],
    summary="Ask for the size of a clip",
)
@router.get(
    "/{name}/export",
    response_class=Response,
    responses=_CLIP | declared(400, 401, 404, 409, 416, 429, 503),
    dependencies=[VIEWER],
    summary="Export a clip",
)
async def export(
    name: Reference,
    request: Request,
    services: Services,
    seen: Sight,
    start: Start,
    end: End,
    audio: Audio = True,
    evidence: Annotated[
        bool, Query(description="Whether to pack it with a signed list of what is in it.", examples=[False])
    ] = False,
) -> Response:
    """One MP4 of exactly this span, copied without encoding, out of as many files as it takes.

    What is being recorded is in it up to the last half second. Where nothing was recorded, the next picture follows at
    once. The size is known before the first byte, and ranges are answered, so that a download shows its progress and
    can be gone on with. When a recording is deleted meanwhile, the connection is cut.

    With `evidence` it is a ZIP: the clip, a manifest with the SHA-256 of every file and of the recordings it was cut
    from, the signature of this installation, and how to check it (`lightnvr verify`). Ranges are not answered then.
    """
    start_us, end_us = _span(start, end)
    stream_name = await seen.recorded_name(name)
    audio = audio and seen.hears
    if evidence:
        package = await services.evidence.package(stream_name, start_us, end_us, audio=audio)
        return _packed(request, package)
    clip = await services.clips.cut(stream_name, start_us, end_us, audio=audio)
    return _answer(request, clip, clip_file_name(stream_name, clip))


@keys.get(
    "/key",
    response_model=EvidenceKey,
    responses=declared(401, 429, 503),
    dependencies=[VIEWER],
    summary="Get the key of evidence",
)
async def evidence_key(services: Services) -> Response:
    """The public key that evidence of this installation is signed with. It is made when it is first needed."""
    key = await services.evidence.public_key()
    return json_answer(EvidenceKey(fingerprint=key.fingerprint, public_key=key.pem.decode()))


def _span(start: str, end: str) -> tuple[int, int]:
    """Return both ends of a span in microseconds since 1970 UTC. Raises BadRequest."""
    start_us, end_us = read_time("start", start, end_of_day=False), read_time("end", end, end_of_day=True)
    if end_us <= start_us:
        raise BadRequest("end must be later than start")
    if end_us - start_us > MAX_CLIP_US:
        raise BadRequest("end must be at most one day later than start")
    return start_us, end_us


def _packed(request: Request, package: EvidencePackage) -> Response:
    headers = {
        "Content-Length": str(package.length),
        "Cache-Control": "private, no-store",
        "Content-Disposition": attachment(package.facts.clip_name.removesuffix(".mp4") + ".zip"),
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/zip")
    return PiecewiseAnswer(package.read, status_code=HTTPStatus.OK, headers=headers, media_type="application/zip")


def _answer(request: Request, clip: Clip, file_name: str) -> Response:
    etag = f'"{clip.tag}"'
    condition = request.headers.get("if-range")
    part = read_range(request.headers.get("range"), clip.length) if condition in {None, etag} else None
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": attachment(file_name),
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{clip.length}"
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    part = part or ByteRange(0, clip.length)
    headers["Content-Length"] = str(part.stop - part.start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type="video/mp4")
    read = partial(clip.read, part.start, part.stop)
    return PiecewiseAnswer(read, status_code=status, headers=headers, media_type="video/mp4")
