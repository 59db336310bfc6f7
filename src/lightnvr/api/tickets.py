"""/api/streams/{name}/ticket: admission to one stream for players that can send neither cookies nor headers."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.tickets import MAX_TICKET_S, MIN_TICKET_S
from lightnvr.api.access import GuardedRoute, Unauthorized, Watcher
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.services import Services
from lightnvr.api.times import iso

router = APIRouter(prefix="/api/streams", tags=["Live view"], route_class=GuardedRoute)


class TicketBody(BaseModel):
    """How long the ticket is good."""

    model_config = ConfigDict(title="TicketRequest", json_schema_extra={"example": {"expires_in": 3600}})

    expires_in: int = Field(3600, ge=MIN_TICKET_S, le=MAX_TICKET_S, strict=True, description="Seconds from now.")


class Ticket(BaseModel):
    """A ticket. It ends with its time, or when its owner logs out, gets a new password or is deleted."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"ticket": "c2lnbmVk...", "expires_at": "2026-08-01T13:00:00Z"}}
    )

    ticket: str
    expires_at: str


@router.post(
    "/{stream_name}/ticket",
    response_model=Ticket,
    responses=declared(400, 401, 403, 404, 413, 429),
    summary="Get a ticket for the live view",
)
async def issue(
    stream_name: Annotated[
        str, Path(description="Name of the stream, percent-encoded, or its id.", examples=["Front Door"])
    ],
    services: Services,
    watcher: Watcher,
    body: TicketBody | None = None,
) -> Response:
    """Return a text that, as `?ticket=`, opens every live address of this one stream, and nothing else.

    For players that can send neither cookies nor headers. Whoever has the address can watch: keep it short-lived. A
    ticket cannot be used to get another one.
    """
    if watcher.stream_id is not None:
        raise Unauthorized
    channel = await services.live.open(stream_name, watcher)
    lifetime_s = (body or TicketBody()).expires_in
    ticket, expires = services.authentication.tickets.issue(watcher, channel.source.stream_id, lifetime_s)
    return json_answer(Ticket(ticket=ticket, expires_at=iso(expires)))
