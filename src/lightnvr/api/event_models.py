"""Events as they are on the wire."""

from pydantic import BaseModel, Field

from lightnvr.api.times import iso_ms
from lightnvr.events.edges import Origin
from lightnvr.events.model import Event


class EventLabel(BaseModel):
    """One label of what was seen."""

    label: str = Field(examples=["person"])
    count: int = Field(examples=[7], description="How often it was seen.")
    score: float = Field(examples=[0.91], description="The best score, from 0 to 1.")


class EventAnswer(BaseModel):
    """What happened in front of a camera, from its first reason to the end of its last."""

    id: int = Field(examples=[42])
    stream: str = Field(examples=["Front Door"])
    start: str = Field(examples=["2026-08-01T12:00:00.250Z"])
    end: str | None = Field(examples=["2026-08-01T12:00:21.000Z"], description="null while it goes on.")
    origins: list[Origin] = Field(examples=[["motion", "model"]], description="What caused it, the first one first.")
    labels: list[EventLabel] = Field(description="What was seen, in the order in which it was first seen.")
    score: float = Field(examples=[0.91], description="The best score of all labels; 0 without any.")
    zones: list[str] = Field(examples=[["zone_1785578400000"]], description="Ids of the zones in which it was.")
    picture: str | None = Field(
        examples=["/api/snapshots/Front_Door/20260801_120000_42.jpg"],
        description="Address of the picture of the best detection. null while there is none.",
    )
    recording_id: int | None = Field(
        examples=[4711], description="The recording that shows the beginning. null while there is none."
    )
    interrupted: bool = Field(
        examples=[False], description="The server stopped while it went on; then its end is when it was last heard of."
    )


class EventList(BaseModel):
    """Events, the newest first."""

    events: list[EventAnswer]
    next_cursor: str | None = Field(
        examples=["1785578400250000.42"], description="`cursor` of the next page; null on the last one."
    )


def event_answer(event: Event) -> EventAnswer:
    """Return an event as it is on the wire."""
    return EventAnswer.model_construct(
        id=event.id,
        stream=event.stream_name,
        start=iso_ms(event.start_us / 1e6),
        end=None if event.end_us is None else iso_ms(event.end_us / 1e6),
        origins=list(event.origins),
        labels=[
            EventLabel.model_construct(label=each.label, count=each.count, score=round(each.score, 4))
            for each in event.labels
        ],
        score=round(event.score, 4),
        zones=list(event.zones),
        picture=event.picture_address,
        recording_id=event.recording_id,
        interrupted=event.interrupted,
    )
