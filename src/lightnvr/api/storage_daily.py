"""/api/storage/daily: how much was recorded day by day, for charts."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.storage.daily import StreamUse

router = APIRouter(prefix="/api/storage", tags=["Storage"], route_class=GuardedRoute)

_DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DailyStream(BaseModel):
    """One stream: three lists with a member for each of `days`, and what keeping its recordings takes."""

    stream: str
    recordings: list[int] = Field(description="How many recordings began on each day.")
    recorded_seconds: list[float] = Field(description="How long those that are finished are.")
    bytes: list[int] = Field(description="What those that are finished take.")
    bytes_per_day: float = Field(
        description="How it records now: the mean of the last seven whole days it recorded on."
    )
    bits_per_second: float = Field(description="The bit rate of what it recorded on these days.")
    retention_days: int = Field(description="How many days its recordings are kept; 0: without limit.")
    needed_bytes: float | None = Field(
        description="What its recordings take in the long run: bytes_per_day for retention_days, or its quota; "
        "null without limit."
    )


class DailyStatistics(BaseModel):
    """What was recorded on each day, by stream."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "days": ["2026-07-31", "2026-08-01"],
                "streams": [
                    {
                        "stream": "Front Door",
                        "recordings": [96, 41],
                        "recorded_seconds": [86400.0, 36900.0],
                        "bytes": [21600000000, 9225000000],
                        "bytes_per_day": 21600000000.0,
                        "bits_per_second": 2000000.0,
                        "retention_days": 30,
                        "needed_bytes": 648000000000.0,
                    }
                ],
                "bytes_per_day": 21600000000.0,
                "needed_bytes": 648000000000.0,
            }
        }
    )

    days: list[str] = Field(description="The days, UTC. A recording counts for the day on which it began.")
    streams: list[DailyStream] = Field(
        description="By name; streams that have no recordings of these days are left out."
    )
    bytes_per_day: float = Field(description="All streams together.")
    needed_bytes: float | None = Field(description="All streams together; null when one is kept without limit.")


@router.get(
    "/daily",
    response_model=DailyStatistics,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get how much was recorded on each day",
)
async def daily(
    services: Services,
    seen: Sight,
    days: Annotated[int, Query(ge=1, le=366, description="How many days, up to today.", examples=[30])] = 30,
    stream: Annotated[
        str | None, Query(description="Name of a stream, or its id; all without it.", examples=["Front Door"])
    ] = None,
) -> Response:
    """Recorded time, bytes and recordings of each stream, day by day (UTC), and what keeping them takes."""
    today = int(services.now()) // _DAY_S
    first = today - days + 1
    name = None if stream is None else (await seen.streams.find(stream)).name
    found = [use for use in await services.daily_use.between(first, today, name) if seen.sees(use.stream_name)]
    needed = [use.needed_bytes for use in found]
    answer = DailyStatistics(
        days=[(_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d") for day in range(first, today + 1)],
        streams=[_stream(use, first, days) for use in found],
        bytes_per_day=round(sum(use.pace.bytes_per_day for use in found), 1),
        needed_bytes=None if None in needed else round(sum(each or 0.0 for each in needed), 1),
    )
    return json_answer(answer)


def _stream(use: StreamUse, first: int, days: int) -> DailyStream:
    recordings, seconds, sizes = [0] * days, [0.0] * days, [0] * days
    for day in use.days:
        place = day.day - first
        recordings[place], sizes[place] = day.recordings, day.size_bytes
        seconds[place] = round(day.recorded_us / 1e6, 3)
    return DailyStream(
        stream=use.stream_name,
        recordings=recordings,
        recorded_seconds=seconds,
        bytes=sizes,
        bytes_per_day=round(use.pace.bytes_per_day, 1),
        bits_per_second=round(use.pace.bits_per_second, 1),
        retention_days=use.retention_days,
        needed_bytes=None if use.needed_bytes is None else round(use.needed_bytes, 1),
    )
