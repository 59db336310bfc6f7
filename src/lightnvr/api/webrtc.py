"""/api/webrtc: live pictures for browsers, by one offer and one answer (WHEP, and the original's relay)."""

import ipaddress
import json
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Path, Query, Request, Response

from lightnvr.accounts.model import User
from lightnvr.api.access import GuardedRoute, Watcher
from lightnvr.api.client import client_address
from lightnvr.api.errors import Responses, declared
from lightnvr.api.ice_servers import servers_for
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.validation import BadRequest
from lightnvr.live.ice_servers import IceServer
from lightnvr.live.webrtc import Answered

router = APIRouter(tags=["Live view"], route_class=GuardedRoute)

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"
_EXAMPLE = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n..."
_SDP_SCHEMA = {"schema": {"type": "string"}, "example": _EXAMPLE}
_DESCRIPTION = {
    "schema": {
        "type": "object",
        "required": ["sdp"],
        "properties": {"type": {"type": "string"}, "sdp": {"type": "string"}},
    }
}
_OFFER = {
    "requestBody": {
        "required": True,
        "content": {
            _SDP: _SDP_SCHEMA,
            "application/json": {**_DESCRIPTION, "example": {"type": "offer", "sdp": _EXAMPLE}},
        },
    }
}
_ANSWERS: Responses = {
    200: {
        "description": "The answer to an offer in JSON.",
        "content": {"application/json": {**_DESCRIPTION, "example": {"type": "answer", "sdp": _EXAMPLE}}},
    },
    201: {
        "description": "The answer to an offer in SDP. Location is the session, ETag its ICE session, Link names ICE "
        "servers.",
        "content": {_SDP: _SDP_SCHEMA},
    },
    **declared(400, 401, 403, 404, 406, 413, 429, 503),
}
Source = Annotated[
    str,
    Query(alias="src", description="Name or id of the stream; name_sub is its sub-stream.", examples=["Front Door"]),
]
SessionId = Annotated[str, Path(description="From the Location of the answer.", examples=["Yb3fK9sQ"])]


@router.post(
    "/api/webrtc",
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_OFFER,
    summary="Watch by WebRTC",
)
@router.post(
    "/go2rtc/api/webrtc",
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_OFFER,
    summary="Watch by WebRTC (address of the original)",
)
async def offer(src: Source, request: Request, services: Services, watcher: Watcher) -> Response:
    """Answer a browser's SDP offer. The answer holds all candidates, so no trickle is needed.

    H.264 and H.265 are sent as the camera codes them, sound as Opus. A body of `application/json` (`{type, sdp}`) is
    answered with 200 in the same form, any other with 201 in SDP, as WHEP has it. 406 says that the browser cannot play
    what the camera sends, 503 that the camera sends nothing or that there are too many viewers.
    """
    is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    body = (await request.body()).decode(errors="replace")
    answered = await services.webrtc.offer(
        src,
        watcher,
        _sdp_of(body) if is_json else body,
        reached_at=_reached_at(request),
        is_remote=_is_remote(client_address(request, services.options.trusted_proxies)),
    )
    headers = _headers(answered, request, services, watcher.user)
    if is_json:
        content = json.dumps({"type": "answer", "sdp": answered.sdp})
        return Response(content, HTTPStatus.OK, headers, "application/json")
    return Response(answered.sdp, HTTPStatus.CREATED, headers, _SDP)


_OPTIONS: dict[str, Any] = {
    "status_code": HTTPStatus.NO_CONTENT,
    "response_class": Response,
    "responses": {204: {"description": "Link names the ICE servers."}, **declared(401, 429)},
}


@router.options("/api/webrtc", **_OPTIONS, summary="Get ICE servers as WHEP has them")
@router.options("/go2rtc/api/webrtc", **_OPTIONS, summary="Get ICE servers as WHEP has them (address of the original)")
async def options(services: Services, watcher: Watcher) -> Response:
    """Tell which bodies are taken and, in `Link` headers, the ICE servers (RFC 9725, section 4.6)."""
    headers = {"Accept-Post": f"{_SDP}, application/json", "Accept-Patch": _FRAGMENT, "Cache-Control": "no-store"}
    return Response(None, HTTPStatus.NO_CONTENT, {**headers, **_links(servers_for(services, watcher.user))})


_TRICKLE: dict[str, Any] = {
    "status_code": HTTPStatus.NO_CONTENT,
    "response_class": Response,
    "responses": declared(400, 401, 403, 404, 413, 415, 422, 429),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                _FRAGMENT: {
                    "schema": {"type": "string"},
                    "example": "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
                    "m=video 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.7 50001 typ host\r\n",
                }
            },
        }
    },
}


@router.patch("/api/webrtc/{session_id}", **_TRICKLE, summary="Add ICE candidates")
@router.patch("/go2rtc/api/webrtc/{session_id}", **_TRICKLE, summary="Add ICE candidates (address of the original)")
async def trickle(
    session_id: SessionId,
    request: Request,
    services: Services,
    watcher: Watcher,
    if_match: Annotated[str, Header(description="The ETag of the answer.", examples=['"a1B2"'])] = "",
) -> Response:
    """Add candidates that the browser found after its offer (RFC 9725, section 4.3).

    422 says that they are not for this session: ICE cannot be restarted, make a new offer.
    """
    body = (await request.body()).decode(errors="replace")
    services.webrtc.trickle(session_id, watcher, body, if_match)
    return Response(None, HTTPStatus.NO_CONTENT)


_END: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"description": "It is over."}, **declared(401, 403, 404, 429)},
}


@router.delete("/api/webrtc/{session_id}", **_END, summary="Stop watching by WebRTC")
@router.delete("/go2rtc/api/webrtc/{session_id}", **_END, summary="Stop watching by WebRTC (address of the original)")
async def end(session_id: SessionId, services: Services, watcher: Watcher) -> Response:
    """End a session. Answered when it is over."""
    await services.webrtc.end(session_id, watcher)
    return Response(None, HTTPStatus.OK)


def _sdp_of(body: str) -> str:
    try:
        description = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    sdp = description.get("sdp") if isinstance(description, dict) else None
    if not isinstance(sdp, str):
        raise BadRequest("The body must be a JSON object with the member sdp, which is text.")
    if description.get("type", "offer") != "offer":
        raise BadRequest("type must be offer")
    return sdp


def _headers(answered: Answered, request: Request, services: ApiServices, user: User) -> dict[str, str]:
    # A player that came with a ticket has nothing else to end its session with.
    ticket = request.query_params.get("ticket", "")
    query = f"?{urlencode({'ticket': ticket})}" if ticket else ""
    return {
        # Below the address that was asked: the relay's port has no other.
        "Location": f"{request.url.path}/{answered.session_id}{query}",
        "ETag": f'"{answered.etag}"',
        "Accept-Patch": _FRAGMENT,
        "Cache-Control": "no-store",
        **_links(servers_for(services, user)),
    }


def _links(servers: list[IceServer]) -> dict[str, str]:
    links = []
    for server in servers:
        secret = (
            f'; username="{_quoted(server.username)}"; credential="{_quoted(server.credential)}"'
            '; credential-type="password"'
            if server.username
            else ""
        )
        links.append(f'<{server.url}>; rel="ice-server"{secret}')
    return {"Link": ", ".join(links)} if links else {}


def _quoted(text: str) -> str:
    # What a header cannot hold has no place in it; /api/ice-servers gives it all.
    return "".join(c for c in text if " " <= c <= "~").replace("\\", "\\\\").replace('"', '\\"')


def _reached_at(request: Request) -> str:
    server = request.scope.get("server")
    return str(server[0]) if server else ""


def _is_remote(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_global
    except ValueError:
        return False
