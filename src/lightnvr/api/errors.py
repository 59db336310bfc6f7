"""The one place where what went wrong becomes an answer: {"error": "a sentence a person can act on"}."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from lightnvr.accounts.model import (
    AccountChanged,
    DuplicateUsername,
    InvalidAccount,
    LastAdministrator,
    PasswordLocked,
    TooManyAttempts,
    UserNotFound,
)
from lightnvr.api.access import Forbidden, Unauthorized
from lightnvr.api.ranges import RangeNotSatisfiable
from lightnvr.api.validation import BadRequest, sentence
from lightnvr.backup.model import BackupBusy, BackupFailed, BackupNotFound, UnusableBackup
from lightnvr.config.in_force import InvalidSetting
from lightnvr.detection.zones import InvalidZone
from lightnvr.events.model import EventNotFound
from lightnvr.events.telling.webhooks.model import DuplicateWebhook, WebhookNotFound
from lightnvr.events.triggers import CannotTrigger
from lightnvr.live.errors import (
    CameraUnavailable,
    CannotWatch,
    LiveViewOff,
    MalformedOffer,
    NoNetwork,
    NotAdmitted,
    SegmentGone,
    TooManyViewers,
    UnsupportedTracks,
)
from lightnvr.live.hls.reload import TooFarAhead
from lightnvr.live.webrtc import NoSuchSession, OtherOffer
from lightnvr.playback.clip_plan import ClipNotPossible
from lightnvr.playback.evidence.signing import UnusableEvidenceKey
from lightnvr.playback.silent import CannotSilence
from lightnvr.playback.thumbnails import NoThumbnail, ThumbnailsBusy, ThumbnailsOff
from lightnvr.playback.timeline import NothingRecorded
from lightnvr.recording.model import (
    JobNotFound,
    PathRefused,
    RecordingFileMissing,
    RecordingNotFound,
    RecordingOffline,
    RecordingProtected,
    RecordingStillOpen,
    RecordingUndeletable,
    TooManyJobs,
    TooManyTags,
)
from lightnvr.streams.manual_recording import CannotSwitchRecording
from lightnvr.streams.model import DuplicateStream, InvalidStreamSetting, StreamNotFound, TooManyStreams

Responses = dict[int | str, dict[str, Any]]
"""Answers of a route, for its documentation, by status."""

_SENTENCES: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    UserNotFound: (HTTPStatus.NOT_FOUND, "User not found"),
    AccountChanged: (HTTPStatus.UNAUTHORIZED, "The account was changed while you logged in. Please log in again."),
    DuplicateUsername: (HTTPStatus.CONFLICT, "Username already exists"),
    PasswordLocked: (HTTPStatus.FORBIDDEN, "Password changes are locked for this user"),
    StreamNotFound: (HTTPStatus.NOT_FOUND, "Stream not found"),
    DuplicateStream: (HTTPStatus.CONFLICT, "Stream already exists"),
    SegmentGone: (HTTPStatus.NOT_FOUND, "There is no such segment, or not any more."),
    RecordingNotFound: (HTTPStatus.NOT_FOUND, "Recording not found"),
    RecordingFileMissing: (HTTPStatus.NOT_FOUND, "Recording file not found"),
    BackupNotFound: (HTTPStatus.NOT_FOUND, "Backup not found"),
    BackupBusy: (HTTPStatus.CONFLICT, "A backup is being made at this moment."),
    WebhookNotFound: (HTTPStatus.NOT_FOUND, "Webhook not found"),
    DuplicateWebhook: (HTTPStatus.CONFLICT, "There is a webhook with this name already."),
    EventNotFound: (HTTPStatus.NOT_FOUND, "Event not found"),
    JobNotFound: (HTTPStatus.NOT_FOUND, "Job not found"),
    NoSuchSession: (HTTPStatus.NOT_FOUND, "This WebRTC session has ended."),
    RecordingStillOpen: (
        HTTPStatus.CONFLICT,
        "The recording is being written at this moment. Delete it when it is done.",
    ),
    RecordingProtected: (
        HTTPStatus.CONFLICT,
        "The recording is protected. An administrator can delete it with ?force=true.",
    ),
}
_SPEAKING: Mapping[type[Exception], HTTPStatus] = {
    Forbidden: HTTPStatus.FORBIDDEN,
    InvalidAccount: HTTPStatus.BAD_REQUEST,
    LastAdministrator: HTTPStatus.BAD_REQUEST,
    NothingRecorded: HTTPStatus.NOT_FOUND,
    ClipNotPossible: HTTPStatus.CONFLICT,
    UnusableEvidenceKey: HTTPStatus.SERVICE_UNAVAILABLE,
    RecordingUndeletable: HTTPStatus.SERVICE_UNAVAILABLE,
    RecordingOffline: HTTPStatus.SERVICE_UNAVAILABLE,
    BackupFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    UnusableBackup: HTTPStatus.CONFLICT,
    LiveViewOff: HTTPStatus.FORBIDDEN,
    NotAdmitted: HTTPStatus.FORBIDDEN,
    CannotSilence: HTTPStatus.FORBIDDEN,
    UnsupportedTracks: HTTPStatus.NOT_ACCEPTABLE,
    MalformedOffer: HTTPStatus.BAD_REQUEST,
    TooManyViewers: HTTPStatus.SERVICE_UNAVAILABLE,
    NoNetwork: HTTPStatus.SERVICE_UNAVAILABLE,
    OtherOffer: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyStreams: HTTPStatus.CONFLICT,
    CannotTrigger: HTTPStatus.CONFLICT,
    CannotSwitchRecording: HTTPStatus.CONFLICT,
    InvalidStreamSetting: HTTPStatus.BAD_REQUEST,
    InvalidSetting: HTTPStatus.BAD_REQUEST,
    TooFarAhead: HTTPStatus.BAD_REQUEST,
    PathRefused: HTTPStatus.BAD_REQUEST,
    NoThumbnail: HTTPStatus.NOT_FOUND,
    ThumbnailsOff: HTTPStatus.FORBIDDEN,
    TooManyJobs: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyTags: HTTPStatus.BAD_REQUEST,
    BadRequest: HTTPStatus.BAD_REQUEST,
    InvalidZone: HTTPStatus.BAD_REQUEST,
}
_REFUSAL_S = 0.5
TOO_LARGE = "The body of the request is larger than 1 MiB."
_OF_STATUS: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address. /api/docs lists what there is.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
}


class Error(BaseModel):
    """What every answer with a status from 400 up looks like."""

    model_config = ConfigDict(json_schema_extra={"example": {"error": "Stream not found"}})

    error: str


def error_answer(status: int, text: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for one error."""
    return JSONResponse({"error": text}, status_code=status, headers=headers)


def declared(*statuses: int) -> Responses:
    """Return these statuses for a route's documentation."""
    return {status: {"model": Error, "description": HTTPStatus(status).phrase} for status in sorted(statuses)}


async def make_wait() -> None:
    """Let those wait who try too often and do not wait: else they would keep a processor busy with being refused."""
    await asyncio.sleep(_REFUSAL_S)


def answer_errors(app: FastAPI) -> None:
    """Make the application answer every error in this form."""
    for known, (status, text) in _SENTENCES.items():
        app.add_exception_handler(known, _saying(status, text))
    for known, status in _SPEAKING.items():
        app.add_exception_handler(known, _saying(status, None))
    app.add_exception_handler(Unauthorized, _unauthorized)
    app.add_exception_handler(RangeNotSatisfiable, _not_satisfiable)
    app.add_exception_handler(TooManyAttempts, _too_many_attempts)
    # Whatever ends a live view in the midst of a request is worth another try, which says what is the matter.
    app.add_exception_handler(CannotWatch, _try_again_soon)
    app.add_exception_handler(CameraUnavailable, _try_again_soon)
    app.add_exception_handler(ThumbnailsBusy, _try_again_soon)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)


def _saying(status: int, text: str | None) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_request: Request, error: Exception) -> JSONResponse:
        return error_answer(status, str(error) if text is None else text)

    return answer


async def _unauthorized(_request: Request, error: Exception) -> JSONResponse:
    challenged = isinstance(error, Unauthorized) and error.challenge
    headers = {"WWW-Authenticate": 'Basic realm="LightNVR", charset="UTF-8"'} if challenged else None
    return error_answer(HTTPStatus.UNAUTHORIZED, "Unauthorized", headers)


async def _not_satisfiable(_request: Request, error: Exception) -> JSONResponse:
    headers = {"Content-Range": f"bytes */{error.size}"} if isinstance(error, RangeNotSatisfiable) else None
    return error_answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "Requested Range Not Satisfiable", headers)


async def _too_many_attempts(_request: Request, error: Exception) -> JSONResponse:
    await make_wait()
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else None
    return error_answer(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers)


async def _try_again_soon(_request: Request, error: Exception) -> JSONResponse:
    return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "2"})


async def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    text = sentence(error) if isinstance(error, RequestValidationError) else str(error)
    return error_answer(HTTPStatus.BAD_REQUEST, text)


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_allowed_methods(request))
        text = f"This address takes {allowed}, not {request.method}."
        return error_answer(error.status_code, text, {"Allow": allowed})
    return error_answer(error.status_code, _OF_STATUS.get(error.status_code, str(error.detail)), error.headers)


def _allowed_methods(request: Request) -> list[str]:
    # The framework names only the methods of the first route that has this path.
    taken: set[str] = set()
    refused: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.path_regex.match(request.url.path):
            ours = refused if route.status_code == HTTPStatus.METHOD_NOT_ALLOWED else taken
            ours |= (route.methods or set()) - taken - refused
    return sorted(taken)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    # The server logs what was raised, with its traceback.
    return error_answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, "Something unexpected went wrong. The log of LightNVR says what."
    )
