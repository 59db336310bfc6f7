"""/hls/{stream}/...: live view as HLS, with MPEG-TS segments for every player or in parts for low latency."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from lightnvr.accounts.admission import Admission
from lightnvr.api.access import GuardedRoute, Watcher
from lightnvr.api.client import client_address
from lightnvr.api.errors import Responses, declared
from lightnvr.api.media_bytes import media_answer
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.validation import BadRequest
from lightnvr.live.audience import Viewer, Way
from lightnvr.live.channel import Channel
from lightnvr.live.errors import CameraUnavailable, SegmentGone, UnsupportedTracks
from lightnvr.live.hls.fragment_output import FragmentOutput
from lightnvr.live.hls.multivariant import Variant, multivariant_playlist, variant
from lightnvr.live.hls.outputs import check_fragments, fits_transport_stream
from lightnvr.live.hls.pace import Pace
from lightnvr.live.hls.playlist import RenditionReport, low_latency_playlist, newest_part, transport_playlist
from lightnvr.live.hls.reload import wait_for_part, wait_for_reload
from lightnvr.live.hls.transport_output import TransportOutput
from lightnvr.media.packets import Track

router = APIRouter(prefix="/hls", tags=["Live view"], route_class=GuardedRoute)

PLAYLIST = "application/vnd.apple.mpegurl"
_FIRST_S = 5.0
"""How long the first request waits for a camera that is being connected to."""

_SEGMENT_S = 4.7
"""How long it then waits for the first segment: a camera whose GOPs are long and that has only just come.

Together less than the 10 s after which players and pages give up; after 4 s of one GOP nothing more is waited for.
"""

_NEVER_KEPT = {"Cache-Control": "no-cache, no-store, must-revalidate"}
_KEPT = {"Cache-Control": "private, max-age=60"}
_MOST = 2**53

StreamReference = Annotated[
    str,
    Path(
        alias="stream",
        description="Name of the stream, percent-encoded, or its id; with `_sub` at its end the sub-stream.",
        examples=["Front Door"],
    ),
]
Number = Annotated[int, Path(ge=0, le=_MOST, description="Number of the segment.", examples=[1785600000])]
Ticket = Annotated[str, Query(description="A ticket, in place of any other credentials.")]


def _route(summary: str, media_type: str, *statuses: int, partial: bool = False) -> dict[str, Any]:
    responses: Responses = {200: {"description": "As asked for.", "content": {media_type: {}}}}
    if partial:
        responses[206] = {"description": "A part of it.", "content": {media_type: {}}}
    return {
        "response_class": Response,
        "responses": responses | declared(400, 401, 403, 404, 429, 503, *statuses),
        "summary": summary,
    }


def _playlist(summary: str) -> dict[str, Any]:
    return _route(summary, PLAYLIST, 406)


def _media(summary: str, media_type: str) -> dict[str, Any]:
    return _route(summary, media_type, 416, partial=True)


@router.head("/{stream}/index.m3u8", **_playlist("Ask whether there is HLS"))
@router.get("/{stream}/index.m3u8", **_playlist("Watch with HLS"))
async def index(stream: StreamReference, request: Request, services: Services, watcher: Watcher) -> Response:
    """The playlist of MPEG-TS segments, for every player.

    Begins to make segments and answers as soon as there is one. What MPEG-TS does not carry to players (AV1, Opus) is
    redirected to `ll.m3u8`.
    """
    channel = await services.live.open(stream, watcher)
    viewer = _visit(services, channel, request, watcher, Way.HLS)
    with channel.use(services.hls.transport(channel)) as output:
        tracks = await _tracks(channel, output)
        check_fragments(channel.source.name, tracks)
        if not fits_transport_stream(tracks):
            return RedirectResponse(f"ll.m3u8{carried(request)}", HTTPStatus.TEMPORARY_REDIRECT, _NEVER_KEPT)
        pace = await _ready(channel, output, viewer)
        return playlist_answer(transport_playlist(output.window, pace, carried(request)))


@router.head("/{stream}/segment_{number}.ts", **_media("Ask for the headers of a segment", "video/mp2t"))
@router.get("/{stream}/segment_{number}.ts", **_media("Get a segment", "video/mp2t"))
async def segment(
    stream: StreamReference, number: Number, request: Request, services: Services, watcher: Watcher
) -> Response:
    """One segment that `index.m3u8` lists or has listed a moment ago."""
    channel = await services.live.open(stream, watcher)
    viewer = _visit(services, channel, request, watcher, Way.HLS)
    output = channel.touch(services.hls.transport(channel))
    found = output.window.find(number)
    if found is None or not found.is_complete:
        raise SegmentGone
    return _kept(services, request, viewer, [part.content for part in found.parts], "video/mp2t")


@router.head("/{stream}/ll.m3u8", **_playlist("Ask whether there is low-latency HLS"))
@router.get("/{stream}/ll.m3u8", **_playlist("Watch with low-latency HLS"))
async def low_latency(
    stream: StreamReference,
    request: Request,
    services: Services,
    watcher: Watcher,
    segment_number: Annotated[
        int | None,
        Query(alias="_HLS_msn", ge=0, le=_MOST, description="Answer when this segment is listed.", examples=[273]),
    ] = None,
    part_index: Annotated[
        int | None,
        Query(alias="_HLS_part", ge=0, le=_MOST, description="Answer when this part of it is listed.", examples=[2]),
    ] = None,
    skip: Annotated[
        str | None,
        Query(alias="_HLS_skip", description="`YES` or `v2`: leave out what was listed long ago.", examples=["YES"]),
    ] = None,
) -> Response:
    """The playlist of fragmented MP4 in parts of at most half a second (RFC 8216bis); other players take it as well."""
    if part_index is not None and segment_number is None:
        raise BadRequest("_HLS_part needs _HLS_msn")
    channel = await services.live.open(stream, watcher)
    viewer = _visit(services, channel, request, watcher, Way.LL_HLS)
    with channel.use(services.hls.low_latency(channel)) as output:
        check_fragments(channel.source.name, await _tracks(channel, output))
        pace = await _ready(channel, output, viewer)
        if segment_number is not None:
            await wait_for_reload(output, pace, segment_number, part_index, viewer.ended)
        report = _report(services, channel)
        text = low_latency_playlist(output, pace, carried(request), skip=skip in ("YES", "v2"), report=report)
        return playlist_answer(text)


@router.head("/{stream}/init_{number}.mp4", **_media("Ask for the headers of an init segment", "video/mp4"))
@router.get("/{stream}/init_{number}.mp4", **_media("Get an init segment", "video/mp4"))
async def init_segment(
    stream: StreamReference, number: Number, request: Request, services: Services, watcher: Watcher
) -> Response:
    """What a player needs to know before the parts of `ll.m3u8`."""
    output, viewer = await _fragments(stream, request, services, watcher)
    found = output.inits.get(number)
    if found is None:
        raise SegmentGone
    return _kept(services, request, viewer, [found.content], "video/mp4")


@router.head("/{stream}/part_{number}.{part}.m4s", **_media("Ask for the headers of a part", "video/iso.segment"))
@router.get("/{stream}/part_{number}.{part}.m4s", **_media("Get a part of a segment", "video/iso.segment"))
async def part_of_segment(
    stream: StreamReference,
    number: Number,
    part: Annotated[int, Path(ge=0, le=_MOST, description="Number of the part, from 0.", examples=[0])],
    request: Request,
    services: Services,
    watcher: Watcher,
) -> Response:
    """One part that `ll.m3u8` lists; the one that it hints at is sent as soon as it is there."""
    channel = await services.live.open(stream, watcher)
    viewer = _visit(services, channel, request, watcher, Way.LL_HLS)
    with channel.use(services.hls.low_latency(channel)) as output:
        if output.pace is None:
            raise SegmentGone
        found = await wait_for_part(output, output.pace, number, part, viewer.ended)
    if found is None:
        raise SegmentGone
    return _kept(services, request, viewer, [found[1].content], "video/iso.segment")


@router.head("/{stream}/seg_{number}.m4s", **_media("Ask for the headers of an MP4 segment", "video/iso.segment"))
@router.get("/{stream}/seg_{number}.m4s", **_media("Get an MP4 segment", "video/iso.segment"))
async def fragmented_segment(
    stream: StreamReference, number: Number, request: Request, services: Services, watcher: Watcher
) -> Response:
    """All parts of a segment that `ll.m3u8` lists or has listed a moment ago."""
    output, viewer = await _fragments(stream, request, services, watcher)
    found = output.window.find(number)
    if found is None or not found.is_complete:
        raise SegmentGone
    return _kept(services, request, viewer, [part.content for part in found.parts], "video/iso.segment")


@router.head("/{stream}/master.m3u8", **_playlist("Ask whether there is a choice of streams"))
@router.get("/{stream}/master.m3u8", **_playlist("Watch with HLS, in the quality that suits"))
async def master(stream: StreamReference, request: Request, services: Services, watcher: Watcher) -> Response:
    """The multivariant playlist: low-latency HLS of the main stream and, where there is one, of the sub-stream."""
    channel = await services.live.open(stream, watcher)
    main, sub = await asyncio.gather(
        low_latency_variant(services, channel, request, watcher, "ll.m3u8"),
        _sub_variant(services, channel, request, watcher),
    )
    return playlist_answer(multivariant_playlist([main] if sub is None else [main, sub], version=9))


async def _sub_variant(services: ApiServices, channel: Channel, request: Request, watcher: Admission) -> Variant | None:
    """Return the sub-stream of a main stream; None when there is none, or none that can be watched now."""
    sub = None if channel.source.is_sub else await services.live.find_beside(channel, watcher)
    if sub is None:
        return None
    try:
        return await low_latency_variant(services, sub, request, watcher, f"{_beside(sub)}/ll.m3u8")
    except (CameraUnavailable, UnsupportedTracks):
        # The main stream can be watched all the same.
        return None


def carried(request: Request) -> str:
    """Return what has to be added to addresses in a playlist so that they open with the same ticket."""
    ticket = request.query_params.get("ticket", "")
    return f"?ticket={quote(ticket, safe='')}" if ticket else ""


def playlist_answer(text: str) -> Response:
    """Return a playlist, which is never kept by a cache."""
    return Response(text, media_type=PLAYLIST, headers=_NEVER_KEPT)


async def transport_variant(
    services: ApiServices, channel: Channel, request: Request, watcher: Admission, uri: str
) -> Variant | None:
    """Return MPEG-TS HLS of a stream for a multivariant playlist; None when it has to be fragmented MP4."""
    viewer = _visit(services, channel, request, watcher, Way.HLS)
    with channel.use(services.hls.transport(channel)) as output:
        tracks = await _tracks(channel, output)
        check_fragments(channel.source.name, tracks)
        if not fits_transport_stream(tracks):
            return None
        pace = await _ready(channel, output, viewer)
        return variant(f"{uri}{carried(request)}", output.tracks, output.window, pace)


async def low_latency_variant(
    services: ApiServices, channel: Channel, request: Request, watcher: Admission, uri: str
) -> Variant:
    """Return low-latency HLS of a stream for a multivariant playlist."""
    viewer = _visit(services, channel, request, watcher, Way.LL_HLS)
    with channel.use(services.hls.low_latency(channel)) as output:
        tracks = await _tracks(channel, output)
        check_fragments(channel.source.name, tracks)
        pace = await _ready(channel, output, viewer)
        return variant(f"{uri}{carried(request)}", output.tracks, output.window, pace)


def _visit(services: ApiServices, channel: Channel, request: Request, watcher: Admission, way: Way) -> Viewer:
    address = client_address(request, services.options.trusted_proxies)
    return services.live.audience.visit(way, channel.source, watcher, address)


def _kept(services: ApiServices, request: Request, viewer: Viewer, parts: Sequence[bytes], media_type: str) -> Response:
    return media_answer(request, parts, media_type, _KEPT, viewer, services.viewer_limits.patience_s)


async def _tracks(channel: Channel, output: TransportOutput | FragmentOutput) -> tuple[Track, ...]:
    """Return what the camera sends; when it is gone but there is still something to play, nothing."""
    if output.is_ready:
        return channel.tracks
    return await channel.wait_for_tracks(_FIRST_S)


async def _ready(channel: Channel, output: TransportOutput | FragmentOutput, viewer: Viewer) -> Pace:
    await output.window.wait(lambda: output.is_ready, _SEGMENT_S, viewer.ended)
    if not output.is_ready or output.pace is None:
        raise CameraUnavailable(f"{channel.source.name} has sent too little yet.")
    return output.pace


async def _fragments(
    stream: str, request: Request, services: ApiServices, watcher: Admission
) -> tuple[FragmentOutput, Viewer]:
    channel = await services.live.open(stream, watcher)
    viewer = _visit(services, channel, request, watcher, Way.LL_HLS)
    return channel.touch(services.hls.low_latency(channel)), viewer


def _report(services: ApiServices, channel: Channel) -> RenditionReport | None:
    # Only of what is at work: a report must not connect to a sub-stream that nobody watches.
    other = services.live.beside(channel)
    output = None if other is None else other.running(services.hls.low_latency(other))
    newest = None if output is None else newest_part(output.window)
    return None if other is None or newest is None else RenditionReport(f"{_beside(other)}/ll.m3u8", *newest)


def _beside(channel: Channel) -> str:
    return f"../{quote(channel.source.name, safe='')}"
