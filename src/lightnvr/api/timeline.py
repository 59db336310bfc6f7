"""/api/timeline: recorded time as one stretch, whatever files it lies in."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.dialects.recordings import InRecordingDialect
from lightnvr.api.errors import Responses, declared
from lightnvr.api.files import file_answer
from lightnvr.api.recording_models import size_text
from lightnvr.api.recordings import RecordingId, media_route
from lightnvr.api.seen import Seen, Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.times import iso, read_time
from lightnvr.api.validation import BadRequest
from lightnvr.playback.made_media import MadeMedia
from lightnvr.playback.timeline import MAX_SPAN_US
from lightnvr.recording.model import Recording
from lightnvr.streams.values import Whole

router = APIRouter(prefix="/api/timeline", tags=["Timeline"], route_class=GuardedRoute)

_DAY_US = 86_400_000_000
_MOST_IDS = 1000
_MOST_IN_BODY = 10_000
_HLS = "application/vnd.apple.mpegurl"
_EXAMPLE = """\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:12
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init/4711.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-08-01T10:00:00.000Z
#EXTINF:6.000000,
#EXT-X-BYTERANGE:1500000@1197
media/4711.mp4?shift=0
#EXT-X-ENDLIST
"""
_PLAYLIST: Responses = {
    200: {"description": "The playlist.", "content": {_HLS: {"schema": {"type": "string"}, "example": _EXAMPLE}}}
}
_INIT: Responses = {
    200: {
        "description": "The init segment.",
        "content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_FOUND: Responses = {302: {"description": "To the recording, with the offset in seconds as a media fragment."}}
Time = "ISO 8601 with any offset (none is UTC), a date, or Unix seconds."
StreamName = Annotated[
    str, Query(alias="stream", min_length=1, max_length=64, description="Name of the stream.", examples=["Front Door"])
]
Start = Annotated[
    str | None,
    Query(
        description=f"Beginning of the span, 24 hours before its end by default. {Time}",
        examples=["2026-08-01T10:00:00Z"],
    ),
]
End = Annotated[
    str | None, Query(description=f"End of the span, now by default. {Time}", examples=["2026-08-01T11:00:00Z"])
]


class TimelineSegment(BaseModel):
    """One recording on the timeline."""

    id: int = Field(examples=[4711])
    stream: str = Field(examples=["Front Door"])
    start_time: str = Field(examples=["2026-08-01T10:00:00Z"])
    end_time: str = Field(examples=["2026-08-01T10:15:00Z"])
    duration: int = Field(examples=[900], description="Seconds.")
    size: str = Field(examples=["118.4 MB"])
    has_detection: bool
    schedule_restricted: bool
    complete: bool
    start_timestamp: int = Field(examples=[1785578400])
    end_timestamp: int = Field(examples=[1785579300])
    local_start_timestamp: int = Field(examples=[1785578400])
    local_end_timestamp: int = Field(examples=[1785579300])


class DetectionInterval(BaseModel):
    """A time in which motion was reported."""

    start_timestamp: int
    end_timestamp: int


class TimelineSegments(BaseModel):
    """The recordings of a span, in order of time; `truncated` when there are more than fit in one answer."""

    model_config = ConfigDict(title="TimelineSegments")

    segments: list[TimelineSegment]
    detection_intervals: list[DetectionInterval]
    detection_interval_count: int
    stream: str
    start_time: str
    end_time: str
    segment_count: int
    truncated: bool


class ChosenSegments(BaseModel):
    """Chosen recordings, in the order asked for."""

    segments: list[TimelineSegment]
    stream: str = "(selected)"
    multi_stream: bool = True
    start_time: str
    end_time: str
    segment_count: int


class DensityPart(BaseModel):
    """One part of the span: seconds of footage in it, and how many of them motion or a detection was the reason for."""

    start_timestamp: float = Field(examples=[1785578400.0])
    recorded_s: float = Field(examples=[60.0])
    triggered_s: float = Field(examples=[0.0])


class ChosenIds(BaseModel):
    """Which recordings."""

    model_config = ConfigDict(json_schema_extra={"example": {"ids": [4711, 4712]}})

    ids: list[Annotated[int, Whole(1, 2**63 - 1)]] = Field(
        min_length=1, max_length=_MOST_IN_BODY, description="Ids of recordings."
    )


class Density(BaseModel):
    """How much was recorded when."""

    stream: str
    bucket_s: float = Field(examples=[60.0])
    buckets: list[DensityPart]


@router.get(
    "/segments",
    response_model=TimelineSegments,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="Get timeline segments",
)
async def segments(
    services: Services,
    seen: Sight,
    dialect: InRecordingDialect,
    stream_name: StreamName,
    start: Start = None,
    end: End = None,
) -> Response:
    """The recordings of one stream that show anything of a span, oldest first.

    Those being written are among them; in the dialect `lightnvr` they are not.
    """
    start_us, end_us = _span(services, start, end)
    there, truncated = await seen.timeline.segments(_checked(stream_name), start_us, end_us)
    found = dialect.on_timeline(there)
    answer = TimelineSegments(
        segments=await _segments(services, found),
        detection_intervals=[],
        detection_interval_count=0,
        stream=stream_name,
        start_time=iso(start_us / 1e6),
        end_time=iso(end_us / 1e6),
        segment_count=len(found),
        truncated=truncated,
    )
    return json_answer(answer)


@router.get(
    "/segments-by-ids",
    response_model=ChosenSegments,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="Get chosen timeline segments",
)
async def segments_by_ids(
    services: Services,
    seen: Sight,
    ids: Annotated[str, Query(description="Ids of recordings, separated by commas.", examples=["4711,4712"])],
) -> Response:
    """Chosen recordings of any streams. Ids of recordings that are not there are left out."""
    wanted = [int(part) for part in (piece.strip() for piece in ids.split(",")) if _is_id(part)]
    if not wanted:
        raise BadRequest("ids must hold the id of at least one recording")
    if len(wanted) > _MOST_IDS:
        raise BadRequest(f"ids must hold {_MOST_IDS} ids at most")
    return await _chosen(services, seen, wanted)


@router.post(
    "/segments-by-ids",
    response_model=ChosenSegments,
    responses=declared(400, 401, 413, 429),
    dependencies=[VIEWER],
    summary="Get many chosen timeline segments",
)
async def segments_by_many_ids(services: Services, seen: Sight, body: ChosenIds) -> Response:
    """The same for more ids than fit in an address."""
    return await _chosen(services, seen, body.ids)


async def _chosen(services: ApiServices, seen: Seen, wanted: list[int]) -> Response:
    found = await seen.timeline.by_ids(list(dict.fromkeys(wanted)))
    answer = ChosenSegments(
        segments=await _segments(services, found),
        start_time=iso(min(each.start_us for each in found) / 1e6) if found else "",
        end_time=iso(max(each.end_us for each in found) / 1e6) if found else "",
        segment_count=len(found),
    )
    return json_answer(answer)


@router.get(
    "/manifest",
    response_class=Response,
    responses=_PLAYLIST | declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get a span as one HLS playlist",
)
async def manifest(
    services: Services,
    seen: Sight,
    stream_name: StreamName,
    start: Start = None,
    end: End = None,
    frames: Annotated[
        Literal["all", "key"],
        Query(description="`key` gives a playlist of keyframes only, for fast playback.", examples=["all"]),
    ] = "all",
) -> Response:
    """A playlist of byte ranges into the recordings of a span, 7 days at most. Nothing is copied for it.

    It begins with the keyframe at or before `start`. With a `start` and without an `end`, or with one that is still to
    come, it grows: a player that follows it reaches the present.
    """
    start_us, end_us = _span(services, start, end)
    follows = start is not None and end is None
    text = await seen.timeline.playlist(
        _checked(stream_name), start_us, None if follows else end_us, keyframes_only=frames == "key"
    )
    return Response(text, media_type=_HLS, headers={"Cache-Control": "no-store"})


@router.get(
    "/init/{id}.mp4",
    response_class=Response,
    responses=_INIT | declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get the init segment of a recording",
)
async def init_segment(
    seen: Sight,
    recording_id: RecordingId,
) -> Response:
    """What a player needs before any byte range of a recording. Playlists name it; it never changes."""
    content = await seen.timeline.init_segment(recording_id)
    # Who may listen from now on must not be left with what tells of no sound.
    kept = "no-store" if seen.timeline.silent else "private, max-age=86400, immutable"
    return Response(content, media_type="video/mp4", headers={"Cache-Control": kept})


@router.head("/media/{id}.mp4", **media_route("Ask for the headers of a recording's media"))
@router.get("/media/{id}.mp4", **media_route("Get a byte range of a recording"))
async def media(
    recording_id: RecordingId,
    request: Request,
    seen: Sight,
    shift: Annotated[
        int, Query(ge=0, le=10**13, description="Microseconds by which the media begins later.", examples=[0])
    ] = 0,
) -> Response:
    """The file of a recording under an address that players take for a media segment. Playlists name its ranges.

    With `shift` its timestamps are those of the playlist, in which it does not begin at zero.
    """
    file = await seen.recordings.file(recording_id)
    reader = await seen.timeline.reader(file.recording, shift)
    if reader is None:
        return await file_answer(request, file, {})
    length = reader.length if isinstance(reader, MadeMedia) else file.length
    tagged = replace(file, etag=f'{file.etag[:-1]}-{shift:x}"', length=length, read=reader.read)
    return await file_answer(request, tagged, {})


@router.get(
    "/play",
    response_class=Response,
    status_code=302,
    responses=_FOUND | declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Play from a moment",
)
async def play(
    services: Services,
    seen: Sight,
    stream_name: StreamName,
    start: Annotated[
        str | None, Query(description=f"The moment, now by default. {Time}", examples=["2026-08-01T10:17:00Z"])
    ] = None,
) -> Response:
    """Redirects to the recording that shows a moment, at the keyframe before it.

    In a gap it is the recording whose beginning or end is nearest, within an hour.
    """
    moment_us = int(services.now() * 1e6) if start is None else read_time("start", start, end_of_day=False)
    position = await seen.timeline.position(_checked(stream_name), moment_us)
    address = f"/api/recordings/play/{position.recording.id}#t={position.offset_s:.3f}"
    return Response(status_code=HTTPStatus.FOUND, headers={"Location": address, "Cache-Control": "no-store"})


@router.get(
    "/density",
    response_model=Density,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="Get how much was recorded when",
)
async def density(
    services: Services,
    seen: Sight,
    stream_name: StreamName,
    start: Start = None,
    end: End = None,
    buckets: Annotated[
        int, Query(ge=1, le=2000, description="Into how many equal parts the span is divided.", examples=[144])
    ] = 144,
) -> Response:
    """For drawing a timeline: the seconds recorded in each part of a span of up to 400 days."""
    start_us, end_us = _span(services, start, end, longest_us=400 * _DAY_US)
    parts = await seen.timeline.density(_checked(stream_name), start_us, end_us, buckets)
    answer = Density(
        stream=stream_name,
        bucket_s=(end_us - start_us) / buckets / 1e6,
        buckets=[
            DensityPart(start_timestamp=part.start_us / 1e6, recorded_s=part.recorded_s, triggered_s=part.triggered_s)
            for part in parts
        ],
    )
    return json_answer(answer)


def _span(services: Services, start: str | None, end: str | None, *, longest_us: int = MAX_SPAN_US) -> tuple[int, int]:
    end_us = int(services.now() * 1e6) if end is None else read_time("end", end, end_of_day=True)
    start_us = end_us - _DAY_US if start is None else read_time("start", start, end_of_day=False)
    if end_us <= start_us:
        raise BadRequest("end must be later than start")
    if end_us - start_us > longest_us:
        raise BadRequest(f"end must be at most {longest_us // _DAY_US} days later than start")
    return start_us, end_us


def _checked(stream_name: str) -> str:
    if "\x00" in stream_name:
        raise BadRequest("stream must not hold control characters")
    return stream_name


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63


async def _segments(services: ApiServices, found: Sequence[Recording]) -> list[TimelineSegment]:
    detected = await services.marks.detected([recording.id for recording in found])
    return [_segment(recording, has_detection=recording.id in detected) for recording in found]


def _segment(recording: Recording, *, has_detection: bool) -> TimelineSegment:
    start_s, end_s = recording.start_us // 1_000_000, recording.end_us // 1_000_000
    return TimelineSegment.model_construct(
        id=recording.id,
        stream=recording.stream_name,
        start_time=iso(start_s),
        end_time=iso(end_s),
        duration=max(0, round((recording.end_us - recording.start_us) / 1e6)),
        size=size_text(recording.size_bytes),
        has_detection=has_detection,
        schedule_restricted=recording.schedule_restricted,
        complete=recording.complete,
        start_timestamp=start_s,
        end_timestamp=end_s,
        local_start_timestamp=start_s,
        local_end_timestamp=end_s,
    )
