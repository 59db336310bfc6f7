"""/api/events/stream: events as they happen, as server-sent events."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from lightnvr.accounts.admission import Admission
from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.errors import Responses, declared
from lightnvr.api.event_models import event_answer
from lightnvr.api.live_answer import Exchange, send_endless
from lightnvr.api.seen import Seen, Sight, seen_by
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.times import iso_ms
from lightnvr.api.validation import BadRequest
from lightnvr.events.model import EventChange
from lightnvr.live.audience import Viewer
from lightnvr.live.connections import PatientSending

router = APIRouter(tags=["Events"], route_class=GuardedRoute)

_MEDIA_TYPE = "text/event-stream"
_MOST_WAITING = 1000
_MOST_MISSED = 1000
_HEARTBEAT_S = 15.0
_LOOK_AGAIN_S = 2.0
_EXAMPLE = """\
id: 1042
event: began
data: {"number": 1042, "kind": "began", "at": "2026-08-01T12:00:00.250Z", "event": {"id": 42, "stream": "Front Door"}}

"""
_ANSWERS: Responses = {
    200: {
        "description": "Changes of events, for as long as they are read.",
        "content": {_MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    **declared(400, 401, 429, 503),
}


@router.get(
    "/api/events/stream",
    response_class=Response,
    responses=_ANSWERS,
    dependencies=[VIEWER],
    summary="Follow events",
)
async def follow_events(
    request: Request,
    services: Services,
    seen: Sight,
    last_event_id: Annotated[
        str | None,
        Query(description="The same as the header `Last-Event-ID`, which counts more.", examples=["1041"]),
    ] = None,
    last_event_id_header: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="Number of the change that came last.", examples=["1041"]),
    ] = None,
) -> Response:
    """Server-sent events: `began`, `updated` and `ended`, each with the event as it is then.

    With the number of the change that came last, what was missed comes first, with the events as they are now. When
    that is too much, or not known any more, an event `missed` says so: then the list tells what there is. A comment
    every 15 seconds shows that the connection lives.
    """
    since = last_event_id_header or last_event_id
    if since and not (since.isascii() and since.isdigit() and len(since) <= 18):
        raise BadRequest("Last-Event-ID must be the number of a change")
    return _EventStream(services, seen, request.state.admission, int(since) if since else None)


class _EventStream(Response):
    """Raises TooManyViewers before anything was sent."""

    def __init__(self, services: ApiServices, seen: Seen, admission: Admission, since: int | None) -> None:
        super().__init__()
        self._services = services
        self._seen = seen
        self._looked_at = time.monotonic()
        self._admission = admission
        self._since = since

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        services, limits = self._services, self._services.viewer_limits
        with limits.seats.take(), services.live.audience.listening(self._admission) as viewer:
            waiting: asyncio.Queue[EventChange] = asyncio.Queue(_MOST_WAITING)

            def take(change: EventChange) -> None:
                try:
                    # Without the picture, which is large: many changes may wait.
                    waiting.put_nowait(replace(change, keyframe=None))
                except asyncio.QueueFull:
                    viewer.end("Too slow.")

            # Before looking for what was missed, so that nothing falls between the two.
            services.events.log.follow(take)
            try:
                await send_endless(
                    _MEDIA_TYPE,
                    lambda sending: self._serve(sending, viewer, waiting),
                    viewer,
                    limits.patience_s,
                    Exchange(scope, receive, send),
                )
            finally:
                services.events.log.unfollow(take)

    async def _serve(self, send: PatientSending[bytes], viewer: Viewer, waiting: "asyncio.Queue[EventChange]") -> None:
        await send(b"retry: 2000\n\n")
        last = 0
        if self._since is not None:
            missed = await self._services.events.store.changes_since(self._since, _MOST_MISSED)
            if missed.some_are_lost:
                await send(_message("missed", {"since": self._since}))
            for change in missed.changes:
                last = change.number
                await self._send(send, viewer, change)
        while True:
            try:
                change = await asyncio.wait_for(waiting.get(), _HEARTBEAT_S)
            except TimeoutError:
                await send(b": still here\n\n")
                continue
            if change.number > last:
                await self._send(send, viewer, change)

    async def _send(self, send: PatientSending[bytes], viewer: Viewer, change: EventChange) -> None:
        if not await self._may_see(change.event.stream_name):
            return
        told = {
            "number": change.number,
            "kind": change.kind.value,
            "at": iso_ms(change.at_us / 1e6),
            "event": event_answer(change.event).model_dump(mode="json"),
        }
        content = _message(change.kind.value, told, change.number)
        await send(content)
        viewer.sent(len(content))

    async def _may_see(self, stream_name: str) -> bool:
        # Streams get other tags; a caller whose own are changed is cut off by the audience.
        if not self._seen.everything and time.monotonic() - self._looked_at > _LOOK_AGAIN_S:
            self._seen = await seen_by(self._services, self._admission.user)
            self._looked_at = time.monotonic()
        return self._seen.sees(stream_name)


def _message(kind: str, told: Mapping[str, object], number: int | None = None) -> bytes:
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {json.dumps(told)}\n\n".encode()
