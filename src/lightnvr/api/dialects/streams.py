"""Streams as clients get them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_serializer

from lightnvr.api.answers import json_answer
from lightnvr.api.dialects.choosing import Spoken
from lightnvr.api.errors import Responses
from lightnvr.api.stream_models import (
    Done,
    Refreshed,
    StreamAnswer,
    StreamChanged,
    StreamList,
    StreamView,
    stream_answer,
)
from lightnvr.streams.status import StreamState


class StreamForms:
    """The form of the specification. A change is answered when it is in force."""

    def listed(self, views: Iterable[StreamView]) -> Response:
        """All streams."""
        return json_answer(StreamList.model_construct(streams=[stream_answer(view) for view in views]))

    def one(self, view: StreamView) -> Response:
        """One stream."""
        return json_answer(stream_answer(view))

    def full(self, view: StreamView) -> Response:
        """One stream with everything about it."""
        return json_answer(stream_answer(view))

    def added(self, view: StreamView) -> Response:
        """A stream that was just made."""
        headers = {"Location": f"/api/streams/{quote(view.stream.name, safe='')}"}
        return json_answer(self._changed(view), status=HTTPStatus.CREATED, headers=headers)

    def changed(self, view: StreamView) -> Response:
        """A stream that was just changed."""
        return json_answer(self._changed(view))

    def deletes(self, *, permanent: bool) -> bool:
        """Whether a request to delete a stream deletes it, and does not only switch it off."""
        return True

    def deleted(self, *, permanent: bool) -> Response:
        """A stream that is gone or, if not `permanent`, switched off."""
        return json_answer(Done())

    def refreshed(self, answer: Refreshed) -> Response:
        """A stream that is being connected anew."""
        return json_answer(answer)

    def _changed(self, view: StreamView) -> BaseModel:
        return StreamChanged.model_construct(success=True, stream=stream_answer(view))


class LightnvrState(StrEnum):
    """The words that clients of the original know."""

    RUNNING = "Running"
    STARTING = "Starting"
    RECONNECTING = "Reconnecting"
    ERROR = "Error"
    STOPPED = "Stopped"


_STATES: Mapping[StreamState, LightnvrState] = {
    StreamState.CONNECTED: LightnvrState.RUNNING,
    StreamState.CONNECTING: LightnvrState.STARTING,
    StreamState.RECONNECTING: LightnvrState.RECONNECTING,
    StreamState.ERROR: LightnvrState.ERROR,
    StreamState.STOPPED: LightnvrState.STOPPED,
}


class LightnvrStream(StreamAnswer):
    """A stream in the dialect `lightnvr`: without an id, with a percentage, a truth value and words of its own."""

    model_config = ConfigDict(title="LightnvrStream")

    # Pages of the original make paths of an id where there is one.
    id: int = Field(0, exclude=True)
    detection_threshold: int = Field(50, ge=0, le=100, description="Least confidence in percent.")
    status: LightnvrState = Field(examples=["Running"])  # type: ignore[assignment]
    error_message: str | None = Field(
        None,
        exclude_if=lambda text: text is None,
        description="Why it is in error; only there with the status Error.",
        examples=["The camera at 192.168.1.100 refuses the user name or password."],
    )
    go2rtc_hls_available: bool = Field(description="Whether its live view is switched on.")

    @field_serializer("detection_based_recording")
    def _detection_as_number(self, value: bool) -> bool:  # type: ignore[override]
        return value


class LightnvrStreamList(RootModel[list[LightnvrStream]]):
    """All streams, by name, in the dialect `lightnvr`."""


class LightnvrFullStream(BaseModel):
    """One stream with everything about it, in the dialect `lightnvr`."""

    stream: LightnvrStream


class LightnvrStreamAdded(BaseModel):
    """The stream is made."""

    success: Literal[True]


class LightnvrStreamChanged(BaseModel):
    """The change is in force. The status says only that it was accepted, as clients of the original expect it."""

    success: Literal[True]
    message: str = Field(examples=["The change is stored and in force."])


class LightnvrStreamDeleted(BaseModel):
    """The stream is gone or, if not `permanent`, switched off."""

    success: Literal[True]
    permanent: bool
    status: Literal["accepted"]


class LightnvrStreams(StreamForms):
    """The form of the original. Changes are answered with 202, though they are in force by then."""

    def listed(self, views: Iterable[StreamView]) -> Response:
        """All streams, as a bare list."""
        return json_answer(LightnvrStreamList.model_construct([_lightnvr_stream(view) for view in views]))

    def one(self, view: StreamView) -> Response:
        """One stream."""
        return json_answer(_lightnvr_stream(view))

    def full(self, view: StreamView) -> Response:
        """The same within an object."""
        return json_answer(LightnvrFullStream.model_construct(stream=_lightnvr_stream(view)))

    def changed(self, view: StreamView) -> Response:
        """That it was changed; clients read the stream again."""
        answer = LightnvrStreamChanged(success=True, message="The change is stored and in force.")
        return json_answer(answer, status=HTTPStatus.ACCEPTED)

    def deletes(self, *, permanent: bool) -> bool:
        """Only when that was asked for; otherwise it is switched off and stays listed."""
        return permanent

    def deleted(self, *, permanent: bool) -> Response:
        """Which of the two was done."""
        answer = LightnvrStreamDeleted(success=True, permanent=permanent, status="accepted")
        return json_answer(answer, status=HTTPStatus.ACCEPTED)

    def refreshed(self, answer: Refreshed) -> Response:
        """A stream that is being connected anew."""
        return json_answer(answer, status=HTTPStatus.ACCEPTED)

    def _changed(self, view: StreamView) -> BaseModel:
        return LightnvrStreamAdded(success=True)


def _lightnvr_stream(view: StreamView) -> LightnvrStream:
    shown: dict[str, Any] = dict(stream_answer(view))
    settings, state = view.stream.settings, _STATES[view.status.state]
    is_watchable = settings.enabled and settings.streaming_enabled and not view.stream.privacy_mode
    different: dict[str, Any] = {
        "detection_threshold": int(settings.detection_threshold * 100 + 0.5),
        "status": state,
        "error_message": (shown["last_error"] or None) if state is LightnvrState.ERROR else None,
        "go2rtc_hls_available": is_watchable,
    }
    return LightnvrStream.model_construct(**(shown | different))


def _accepted(model: type[BaseModel]) -> Responses:
    return {HTTPStatus.ACCEPTED: {"model": model, "description": "Done, in the dialect lightnvr"}}


ListedStreams = StreamList | LightnvrStreamList
OneStream = StreamAnswer | LightnvrStream
FullStream = StreamAnswer | LightnvrFullStream
AddedStream = StreamChanged | LightnvrStreamAdded
CHANGED = _accepted(LightnvrStreamChanged)
DELETED = _accepted(LightnvrStreamDeleted)
REFRESHED = _accepted(Refreshed)

InStreamDialect = Annotated[StreamForms, Depends(Spoken(StreamForms(), LightnvrStreams()))]


def lightnvr_state(state: StreamState) -> LightnvrState:
    """Return the word of the original for a state."""
    return _STATES[state]
