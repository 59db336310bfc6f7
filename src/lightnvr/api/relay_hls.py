"""/go2rtc/api/stream.m3u8: HLS at the address that clients of the original know."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from lightnvr.accounts.admission import Admission
from lightnvr.api.access import GuardedRoute, Watcher
from lightnvr.api.errors import declared
from lightnvr.api.hls import PLAYLIST, low_latency_variant, playlist_answer, transport_variant
from lightnvr.api.services import ApiServices, Services
from lightnvr.live.hls.multivariant import multivariant_playlist

router = APIRouter(tags=["Live view"], route_class=GuardedRoute)

Source = Annotated[
    str,
    Query(min_length=1, description="Name of the stream; with `_sub` at its end the sub-stream.", examples=["door"]),
]
Mp4 = Annotated[str | None, Query(description="When present, fragmented MP4 in place of MPEG-TS.", examples=["flac"])]
_RESPONSES = {200: {"description": "The playlist.", "content": {PLAYLIST: {}}}} | declared(
    400, 401, 403, 404, 406, 429, 503
)


@router.get("/api/stream.m3u8", response_class=Response, responses=_RESPONSES, summary="Watch with HLS")
async def short(src: Source, request: Request, services: Services, watcher: Watcher, mp4: Mp4 = None) -> Response:
    """A multivariant playlist with one stream: that of `/hls/{stream}/index.m3u8`, or of `ll.m3u8` with `mp4`."""
    return await _playlist(src, request, services, watcher, mp4, "..")


@router.get("/go2rtc/api/stream.m3u8", response_class=Response, responses=_RESPONSES, summary="Watch with HLS")
async def prefixed(src: Source, request: Request, services: Services, watcher: Watcher, mp4: Mp4 = None) -> Response:
    """The same, at the address of the original."""
    return await _playlist(src, request, services, watcher, mp4, "../..")


async def _playlist(
    src: str, request: Request, services: ApiServices, watcher: Admission, mp4: str | None, root: str
) -> Response:
    channel = await services.live.open(src, watcher)
    folder = f"{root}/hls/{quote(channel.source.name, safe='')}"
    found = None
    if mp4 is None:
        found = await transport_variant(services, channel, request, watcher, f"{folder}/index.m3u8")
    if found is None:
        found = await low_latency_variant(services, channel, request, watcher, f"{folder}/ll.m3u8")
    return playlist_answer(multivariant_playlist([found], version=6))
