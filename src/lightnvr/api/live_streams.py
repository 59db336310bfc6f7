"""/api/stream.mp4 and /api/stream.ts: live streams over HTTP, for players and scripts."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lightnvr.api.access import GuardedRoute, Watcher
from lightnvr.api.errors import Responses, declared
from lightnvr.api.live_answer import LiveAnswer, LiveBody, LiveRequest, headers_only
from lightnvr.api.services import Services
from lightnvr.live.audience import Way
from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.mp4_output import MP4
from lightnvr.live.mp4_pieces import LiveFragment, Mp4Piece, Presentation, Unplayable
from lightnvr.live.mp4_timeline import ViewerTimeline
from lightnvr.live.ts_output import TS, TsPiece

router = APIRouter(tags=["Live view"], route_class=GuardedRoute)

_MP4, _TS = "video/mp4", "video/mp2t"
_DAY_S = 86_400

Src = Annotated[
    str, Query(description="Name of the stream, or its id; `name_sub` is the sub-stream.", examples=["Front Door"])
]
Duration = Annotated[
    float | None,
    Query(gt=0, le=_DAY_S, allow_inf_nan=False, description="Seconds after which it ends. Without: never."),
]


def _everywhere(path: str, media_type: str, summary: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Serve an address below /api/ and, for clients of the original, below /go2rtc/api/."""
    responses: Responses = {200: {"description": "The stream, for as long as it is read.", "content": {media_type: {}}}}

    def add(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        for prefix in ("/api", "/go2rtc/api"):
            for method in ("GET", "HEAD"):
                router.add_api_route(
                    f"{prefix}/{path}",
                    endpoint,
                    methods=[method],
                    response_class=Response,
                    responses=responses | declared(400, 401, 403, 404, 406, 429, 503),
                    summary=summary if method == "GET" else f"{summary}: headers only",
                    operation_id=f"{method.lower()}_{prefix.strip('/').replace('/', '_')}_{path.replace('.', '_')}",
                )
        return endpoint

    return add


@_everywhere("stream.mp4", _MP4, "Watch a stream as fMP4")
async def stream_mp4(
    request: Request, services: Services, watcher: Watcher, src: Src, duration: Duration = None
) -> Response:
    """A fragmented MP4 without end, from the latest keyframe on, one fragment a picture.

    While the camera is gone the connection stays. It ends when the camera's coding changes: that needs a new file.
    """
    channel = await services.live.open(src, watcher)
    if request.method == "HEAD":
        return headers_only(_MP4)
    wanted = LiveRequest(channel, watcher, Way.MP4)
    return LiveAnswer(wanted, MP4, Mp4Body(duration), services.live.audience, services.viewer_limits)


@_everywhere("stream.ts", _TS, "Watch a stream as MPEG-TS")
async def stream_ts(request: Request, services: Services, watcher: Watcher, src: Src) -> Response:
    """An MPEG transport stream without end, from the latest keyframe on.

    While the camera is gone the connection stays; when it is back, or its coding changes, the stream goes on with the
    next version of its tables.
    """
    channel = await services.live.open(src, watcher)
    if request.method == "HEAD":
        return headers_only(_TS)
    return LiveAnswer(
        LiveRequest(channel, watcher, Way.TS), TS, TsBody(), services.live.audience, services.viewer_limits
    )


class Mp4Body(LiveBody[Mp4Piece]):
    """An init segment and the fragments that belong to it."""

    def __init__(self, duration_s: float | None) -> None:
        self._duration_s = duration_s
        self._timeline = ViewerTimeline()
        self._presentation: Presentation | None = None
        self._has_begun = False

    def begin(self, first: Mp4Piece) -> str:
        """See LiveBody."""
        if not isinstance(first, LiveFragment):
            raise UnsupportedTracks(first.reason if isinstance(first, Unplayable) else "The camera is gone.")
        self._presentation = first.presentation
        return first.presentation.media_type(len(first.presentation.codecs))

    def content(self, piece: Mp4Piece) -> bytes | None:
        """See LiveBody."""
        if not isinstance(piece, LiveFragment):
            return None if isinstance(piece, Unplayable) else b""
        presentation = piece.presentation
        if presentation is not self._presentation:
            return None
        if self._duration_s is not None and self._timeline.seconds >= self._duration_s:
            return None
        tracks = len(presentation.codecs)
        fragment = self._timeline.place(piece, tracks)
        if self._has_begun:
            return fragment
        self._has_begun = True
        return presentation.init(tracks) + fragment


class TsBody(LiveBody[TsPiece]):
    """The stream as it is."""

    def begin(self, first: TsPiece) -> str:
        """See LiveBody."""
        if first.problem:
            raise UnsupportedTracks(first.problem)
        return _TS

    def content(self, piece: TsPiece) -> bytes | None:
        """See LiveBody."""
        return None if piece.problem else piece.content
