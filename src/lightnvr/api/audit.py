"""/api/audit: who did what, when and from where."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from lightnvr.accounts.audit import Entry, EntryFilter, Outcome
from lightnvr.api.access import ADMIN, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.times import iso, read_time
from lightnvr.api.validation import BadRequest

router = APIRouter(tags=["Audit"], route_class=GuardedRoute)

_TIME = "ISO 8601 with any offset (none is UTC), a date, or Unix seconds."


class AuditEntry(BaseModel):
    """Something that somebody did."""

    id: int = Field(examples=[4711])
    time: str = Field(examples=["2026-08-01T12:00:00Z"])
    timestamp: int = Field(examples=[1785585600], description="Seconds since 1970.")
    actor: str = Field(examples=["admin"], description="User name; empty for nobody who is known.")
    actor_id: int | None = Field(examples=[1])
    action: str = Field(examples=["change user"])
    target: str = Field(examples=["2"], description="What it was done to: a name, or an id.")
    outcome: str = Field(examples=["done"], description="`done`, `refused` or `failed`.")
    address: str = Field(examples=["192.168.1.20"], description="Where it was asked for, or `command line`.")
    detail: str = Field(examples=["email, role"], description="Members that were sent. Values are never kept.")
    hash: str = Field(examples=["5e884898da28047151d0e56f8dc62927"], description="Covers all entries up to this one.")


class AuditEntries(BaseModel):
    """Entries, the newest first. With `next_before`, there may be older ones: ask again with it as `before`."""

    entries: list[AuditEntry]
    next_before: int | None = Field(examples=[4711])


@router.get(
    "/api/audit",
    response_model=AuditEntries,
    responses=declared(400, 401, 403, 429),
    dependencies=[ADMIN],
    summary="Read the audit log",
)
async def read_audit_log(
    services: Services,
    seen: Sight,
    actor: Annotated[str, Query(max_length=255, description="Only what this user did.", examples=["admin"])] = "",
    action: Annotated[str, Query(max_length=255, description="Only this action.", examples=["log in"])] = "",
    outcome: Annotated[
        Literal["done", "refused", "failed"] | None, Query(description="Only what went so.", examples=["refused"])
    ] = None,
    start: Annotated[
        str | None, Query(description=f"Only what was at this time or later. {_TIME}", examples=["2026-08-01"])
    ] = None,
    end: Annotated[str | None, Query(description=f"Only what was before. {_TIME}", examples=["2026-08-02"])] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only entries with a smaller id.", examples=[4711])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many.", examples=[100])] = 100,
) -> Response:
    """Who did what, when and from where. Nothing in it can be changed, and no secret is in it.

    `lightnvr check --audit` verifies that nothing was.
    """
    seen.require_everything()  # streams are named in it
    if "\x00" in actor + action:
        raise BadRequest("actor and action must not hold control characters")
    wanted = EntryFilter(
        actor=actor,
        action=action,
        outcome=None if outcome is None else Outcome(outcome),
        since=None if start is None else read_time("start", start, end_of_day=False) // 1_000_000,
        until=None if end is None else read_time("end", end, end_of_day=False) // 1_000_000,
        before=before,
    )
    found = await services.audit.page(wanted, limit)
    last = found[-1].id if len(found) == limit else None
    return json_answer(AuditEntries(entries=[_shown(entry) for entry in found], next_before=last))


def _shown(entry: Entry) -> AuditEntry:
    return AuditEntry(
        id=entry.id,
        time=iso(entry.at),
        timestamp=entry.at,
        actor=entry.actor,
        actor_id=entry.actor_id,
        action=entry.action,
        target=entry.target,
        outcome=entry.outcome,
        address=entry.address,
        detail=entry.detail,
        hash=entry.hash,
    )
