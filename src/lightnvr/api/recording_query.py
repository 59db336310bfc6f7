"""What lists of recordings are filtered by, and how they are answered."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Depends, Query

from lightnvr.api.recording_models import RecordingAnswer, recording_answer
from lightnvr.api.services import ApiServices
from lightnvr.api.validation import BadRequest
from lightnvr.recording.model import CaptureMethod, Recording, RecordingFilter
from lightnvr.streams.values import is_storable

_MOST_NAMES = 256
Three = Literal["-1", "0", "1"]


def names(member: str, text: str | None) -> tuple[str, ...]:
    """Return the parts of a list with commas, each once. Raises BadRequest naming the member."""
    parts = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    if not all(map(is_storable, parts)):
        raise BadRequest(f"{member} must not hold control characters")
    if len(parts) > _MOST_NAMES:
        raise BadRequest(f"{member} must hold {_MOST_NAMES} values at most")
    return parts


def stream_names(text: str | None) -> tuple[str, ...]:
    """Return the names in a list with commas. All of it may also be one name, for a name may hold commas."""
    parts, whole = names("stream", text), (text or "").strip()
    return parts if not whole or whole in parts else (*parts, whole)


def methods(member: str, text: str | None) -> tuple[CaptureMethod, ...]:
    """Return capture methods from a list with commas. Raises BadRequest naming the member."""
    try:
        return tuple(CaptureMethod(part) for part in names(member, text))
    except ValueError:
        allowed = ", ".join(CaptureMethod)
        raise BadRequest(f"{member} must be some of {allowed}, separated by commas") from None


def having(
    has_detection: Annotated[
        Three, Query(description="1: only with detections, -1: only without, 0: both.", examples=["1"])
    ] = "0",
    detection_label: Annotated[
        str | None,
        Query(
            description="Labels, or parts of labels, separated by commas: only what shows any of them.",
            examples=["person,car"],
        ),
    ] = None,
    protected: Annotated[
        Literal["0", "1", "true", "false"] | None,
        Query(description="1: only protected ones, 0: only others.", examples=["1"]),
    ] = None,
    tag: Annotated[
        str | None, Query(description="Tags, separated by commas: only what has any of them.", examples=["delivery"])
    ] = None,
    capture_method: Annotated[
        str | None,
        Query(
            description="Any of continuous, scheduled, detection, motion, manual, separated by commas.",
            examples=["detection,motion"],
        ),
    ] = None,
) -> RecordingFilter:
    """Return what recordings must have, without streams and times."""
    return RecordingFilter(
        methods=methods("capture_method", capture_method),
        protected=None if protected is None else protected in {"1", "true"},
        detected={"-1": False, "0": None, "1": True}[has_detection],
        labels=names("detection_label", detection_label),
        tags=names("tag", tag),
    )


Having = Annotated[RecordingFilter, Depends(having)]


async def recording_answers(services: ApiServices, recordings: Sequence[Recording]) -> list[RecordingAnswer]:
    """Return the wire form of recordings, with their tags and labels."""
    marks = await services.marks.of([recording.id for recording in recordings])
    return [recording_answer(recording, services.storage_roots, marks) for recording in recordings]
