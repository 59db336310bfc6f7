"""/api/system/logs: what was logged lately, and what is being logged."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Query, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from lightnvr.accounts.admission import Admission
from lightnvr.accounts.model import Role, User, UserNotFound
from lightnvr.api.access import ADMIN, Administrator, Forbidden, GuardedRoute, add_socket
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared, error_answer
from lightnvr.api.seen import Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.system_models import Asked, LogLine, LogLines
from lightnvr.api.times import iso_us, read_time
from lightnvr.system.recent_log import LogEntry

router = APIRouter(prefix="/api/system/logs", tags=["System"], route_class=GuardedRoute)

LevelName = Literal["error", "warning", "warn", "info", "debug", "ERROR", "WARNING", "WARN", "INFO", "DEBUG"]
_LEVELS: Mapping[str, int] = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
_NAMES: Mapping[int, str] = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", logging.WARNING: "WARN"}
_POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1
_CHECK_S = 5.0
_MOST_AT_ONCE = 200

WantedLevel = Annotated[LevelName, Query(description="This level and more serious ones.", examples=["warning"])]


@router.get(
    "",
    response_model=LogLines,
    responses=declared(400, 401, 403, 429),
    dependencies=[ADMIN],
    summary="Get system logs",
)
async def read_logs(
    services: Services,
    seen: Sight,
    level: WantedLevel = "debug",
    count: Annotated[
        int, Query(ge=0, le=5000, description="How many entries at most, the latest; 0: 500.", examples=[100])
    ] = 500,
    since: Annotated[
        str | None,
        Query(
            description="Only what was logged after this: ISO 8601 with any offset (none is UTC), a date, or Unix "
            "seconds.",
            examples=["2026-08-01T12:00:00Z"],
        ),
    ] = None,
    last_ts: Annotated[
        str | None,
        Query(
            description="The same: the timestamp of the last entry that is known.", examples=["2026-08-01T12:00:00Z"]
        ),
    ] = None,
) -> Response:
    """What was logged since the start, up to 5000 entries, the oldest first. It needs no log file.

    Entries that come later can be followed on the WebSocket `/api/system/logs/ws`, which takes `level` and `since` as
    well and sends each as a JSON object like those here.
    """
    seen.require_everything()  # streams are named in it
    after_us = max(_after("since", since), _after("last_ts", last_ts))
    logs = services.system.logs
    found = logs.recent.latest(count or 500, level=_LEVELS[level.lower()], after_us=after_us)
    return json_answer(
        LogLines(
            logs=[_line(entry) for entry in found],
            file="" if logs.file is None else str(logs.file),
            level=_NAMES.get(_LEVELS[level.lower()], "ERROR"),
        )
    )


@router.post(
    "/clear",
    response_model=Asked,
    responses=declared(401, 403, 429, 500),
    dependencies=[ADMIN],
    summary="Clear system logs",
)
async def clear_logs(services: Services) -> Response:
    """Forgets what was logged, and empties the log file; older ones (`.1` to `.4`) stay. The audit log stays too."""
    try:
        await asyncio.to_thread(services.system.logs.clear)
    except OSError as error:
        return error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"The log file cannot be emptied: {error.strerror}.")
    return json_answer(Asked(message="Logs cleared successfully"))


def add_log_socket(app: FastAPI) -> None:
    """Add the socket to the application."""
    add_socket(app, "/api/system/logs/ws", follow_logs)


async def follow_logs(
    websocket: WebSocket,
    services: Services,
    seen: Sight,
    caller: Administrator,
    level: LevelName = "debug",
    since: str | None = None,
) -> None:
    """Send what is logged as it comes; with `since`, what was logged after that before it."""
    try:
        seen.require_everything()
        after_us = _after("since", since)
    except Forbidden as error:
        await websocket.send_denial_response(JSONResponse({"error": str(error)}, HTTPStatus.FORBIDDEN))
        return
    except ValueError as error:
        await websocket.send_denial_response(JSONResponse({"error": str(error)}, HTTPStatus.BAD_REQUEST))
        return
    await websocket.accept()
    recent = services.system.logs.recent
    known = recent.number
    if since is not None:
        earlier = recent.latest(5000, level=_LEVELS[level.lower()], after_us=after_us)
        await _send(websocket, [entry for entry in earlier if entry.number <= known])
    leaving = asyncio.create_task(_until_left(websocket))
    try:
        with suppress(WebSocketDisconnect):
            await _follow(websocket, services, caller, leaving, _LEVELS[level.lower()], known)
    finally:
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving


async def _follow(
    websocket: WebSocket, services: ApiServices, caller: User, leaving: "asyncio.Task[None]", level: int, known: int
) -> None:
    recent = services.system.logs.recent
    loop = asyncio.get_running_loop()
    check_at = loop.time() + _CHECK_S
    with recent.followed() as news:
        while not leaving.done():
            fresh = recent.since(known)[:_MOST_AT_ONCE]
            if fresh:
                known = fresh[-1].number
                await _send(websocket, [entry for entry in fresh if entry.level >= level])
            if loop.time() >= check_at:
                check_at = loop.time() + _CHECK_S
                if not await _may_still(websocket, services, caller):
                    await websocket.close(_POLICY_VIOLATION, "Logged out.")
                    return
            if not fresh:
                news.clear()
                if recent.number == known:
                    waiting = asyncio.create_task(news.wait())
                    await asyncio.wait(
                        [waiting, leaving], timeout=check_at - loop.time(), return_when=asyncio.FIRST_COMPLETED
                    )
                    waiting.cancel()


async def _until_left(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        continue


async def _may_still(websocket: WebSocket, services: ApiServices, caller: User) -> bool:
    """Whether the caller is still logged in, and still an administrator."""
    admission: Admission = websocket.state.admission
    if await services.authentication.standing.lapsed([admission.proof]):
        return False
    if not services.authentication.enabled:
        return True
    try:
        user = await services.administration.user(caller.id)
    except UserNotFound:
        return False
    return user.is_active and user.role is Role.ADMIN


async def _send(websocket: WebSocket, entries: Sequence[LogEntry]) -> None:
    for entry in entries:
        await websocket.send_text(_line(entry).model_dump_json())


def _after(name: str, text: str | None) -> int:
    return 0 if text is None else read_time(name, text, end_of_day=False)


def _line(entry: LogEntry) -> LogLine:
    return LogLine(
        id=entry.number,
        timestamp=iso_us(entry.at_us),
        level=_NAMES.get(entry.level, "ERROR"),
        message=entry.text,
        logger=entry.logger,
    )
