"""/api/events: what happened in front of cameras."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.event_models import EventAnswer, EventList, event_answer
from lightnvr.api.recording_query import stream_names
from lightnvr.api.recordings import Time
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.times import read_time
from lightnvr.api.validation import BadRequest
from lightnvr.events.edges import Origin
from lightnvr.events.model import EventNotFound
from lightnvr.events.store import EventFilter, Place

router = APIRouter(prefix="/api/events", tags=["Events"], route_class=GuardedRoute)

_MAX_LIMIT = 1000
_DEFAULT_LIMIT = 50
_PLACE = re.compile(r"(-?\d{1,18})\.(\d{1,18})")


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    found = _PLACE.fullmatch(cursor)
    if found is None:
        raise BadRequest("cursor must be next_cursor of another page")
    return Place(int(found[1]), int(found[2]))


@router.get(
    "",
    response_model=EventList,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="List events",
)
async def list_events(
    services: Services,
    seen: Sight,
    stream: Annotated[
        str | None, Query(description="Names of streams, separated by commas.", examples=["Front Door,Garden"])
    ] = None,
    label: Annotated[
        str | None, Query(description="Only with this label.", min_length=1, max_length=255, examples=["person"])
    ] = None,
    zone: Annotated[
        str | None,
        Query(description="Only in the zone with this id.", min_length=1, max_length=255, examples=["zone_1"]),
    ] = None,
    origin: Annotated[Origin | None, Query(description="Only with this cause.", examples=["motion"])] = None,
    min_score: Annotated[
        float, Query(ge=0, le=1, allow_inf_nan=False, description="Only with this best score or more.", examples=[0.5])
    ] = 0.0,
    start: Annotated[
        str | None,
        Query(description=f"Only what began at this time or later. {Time}", examples=["2026-08-01T12:00:00Z"]),
    ] = None,
    end: Annotated[
        str | None, Query(description=f"Only what began at this time or earlier. {Time}", examples=["2026-08-02"])
    ] = None,
    ongoing: Annotated[
        bool | None, Query(description="Only what goes on, or only what is over.", examples=[False])
    ] = None,
    cursor: Annotated[
        str | None,
        Query(description="`next_cursor` of the page before this one.", examples=["1785578400250000.42"]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MAX_LIMIT, description="How many a page.", examples=[50])] = _DEFAULT_LIMIT,
) -> Response:
    """Events, the newest first. What happens meanwhile moves no page."""
    wanted = _wanted_streams(stream, seen.names)
    filtered = EventFilter(
        streams=wanted,
        label=label,
        zone=zone,
        origin=origin,
        min_score=min_score,
        start_us=None if start is None else read_time("start", start, end_of_day=False),
        end_us=None if end is None else read_time("end", end, end_of_day=True),
        ongoing=ongoing,
    )
    after = _place(cursor)
    if any(text is not None and "\x00" in text for text in (label, zone)) or wanted == frozenset():
        return json_answer(EventList.model_construct(events=[], next_cursor=None))
    found = await services.events.store.page(filtered, after, limit + 1)
    shown = found[:limit]
    next_cursor = f"{shown[-1].start_us}.{shown[-1].id}" if len(found) > limit else None
    return json_answer(
        EventList.model_construct(events=[event_answer(event) for event in shown], next_cursor=next_cursor)
    )


def _wanted_streams(asked: str | None, seen: frozenset[str] | None) -> frozenset[str] | None:
    if asked is None:
        return seen
    names = frozenset(name for name in stream_names(asked) if "\x00" not in name)
    return names if seen is None else names & seen


@router.get(
    "/{event_id}",
    response_model=EventAnswer,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get an event",
)
async def get_event(
    event_id: Annotated[int, Path(ge=0, le=2**63 - 1, description="Id of the event.", examples=[42])],
    services: Services,
    seen: Sight,
) -> Response:
    """One event as it is now."""
    event = await services.events.store.get(event_id)
    if not seen.sees(event.stream_name):
        raise EventNotFound(event_id)
    return json_answer(event_answer(event))
