"""/api/streams/{name}/zones: the parts of a picture in which detections count."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from lightnvr.api.access import EDITOR, VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.streams import Reference
from lightnvr.detection.zones import Anchor, Zone

router = APIRouter(prefix="/api/streams", tags=["Detection"], route_class=GuardedRoute)

_BLUE = "#3b82f6"
_Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


_EXAMPLE: JsonDict = {
    "id": "zone_1785578400000",
    "name": "Gate",
    "enabled": True,
    "color": _BLUE,
    "polygon": [{"x": 0.1, "y": 0.1}, {"x": 0.9, "y": 0.1}, {"x": 0.5, "y": 0.9}],
    "filter_classes": "person,car",
    "min_confidence": 0.5,
    "anchor": "foot",
}


class ZonePoint(BaseModel):
    """A corner, in fractions of the picture from its upper left corner."""

    x: _Fraction = Field(examples=[0.1])
    y: _Fraction = Field(examples=[0.9])


class ZoneBody(BaseModel):
    """One zone. Only detections of its labels and with its confidence count."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: str = Field(min_length=1, max_length=63, description="Chosen by the client, unique for its stream.")
    name: str = Field(max_length=63)
    enabled: bool = Field(False, description="Zones that are not enabled do not count at all.")
    color: str = Field(_BLUE, pattern=r"^#[0-9A-Fa-f]{3,6}$", description="How it is drawn.")
    polygon: list[ZonePoint] = Field(min_length=3, max_length=32)
    filter_classes: str = Field("", max_length=255, description="Labels, separated by commas; empty is all.")
    min_confidence: _Fraction = Field(0.0, description="Least confidence; 0 is no limit.")
    anchor: Anchor = Field(
        Anchor.CENTRE, description="Which point of a detection's box has to be in the zone: its centre or its foot."
    )

    def zone(self) -> Zone:
        """Return the zone."""
        return Zone(
            self.id,
            self.name,
            self.enabled,
            self.color,
            tuple((point.x, point.y) for point in self.polygon),
            self.filter_classes,
            self.min_confidence,
            self.anchor,
        )


class ZoneAnswer(ZoneBody):
    """One zone of a stream."""

    model_config = ConfigDict(json_schema_extra={"example": {**_EXAMPLE, "stream_name": "Front Door"}})

    stream_name: str


class ZonesBody(BaseModel):
    """All zones of a stream; an empty list removes them."""

    model_config = ConfigDict(title="ZonesChange")

    zones: list[ZoneBody] = Field(max_length=16)


class ZoneList(BaseModel):
    """The zones of a stream, in the order they were made."""

    zones: list[ZoneAnswer]


class ZonesSaved(BaseModel):
    """How many zones there are now."""

    success: Literal[True] = True
    message: Literal["Zones saved successfully"] = "Zones saved successfully"
    count: int = Field(examples=[1])


class ZonesDeleted(BaseModel):
    """There are no zones any more."""

    success: Literal[True] = True
    message: Literal["Zones deleted successfully"] = "Zones deleted successfully"


def _answer(stream_name: str, zone: Zone) -> ZoneAnswer:
    return ZoneAnswer.model_construct(
        id=zone.key,
        stream_name=stream_name,
        name=zone.name,
        enabled=zone.enabled,
        color=zone.color,
        polygon=[ZonePoint.model_construct(x=x, y=y) for x, y in zone.polygon],
        filter_classes=zone.filter_classes,
        min_confidence=zone.min_confidence,
        anchor=zone.anchor,
    )


@router.get(
    "/{name}/zones",
    response_model=ZoneList,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get the zones of a stream",
)
async def get_zones(name: Reference, services: Services, seen: Sight) -> Response:
    """The zones of a stream, in the order they were made."""
    stream = await seen.streams.find(name)
    zones = await services.zones.of(stream.id)
    return json_answer(ZoneList.model_construct(zones=[_answer(stream.name, zone) for zone in zones]))


@router.post(
    "/{name}/zones",
    response_model=ZonesSaved,
    responses=declared(400, 401, 403, 404, 413, 429),
    dependencies=[EDITOR],
    summary="Set the zones of a stream",
)
async def set_zones(name: Reference, body: ZonesBody, services: Services, seen: Sight) -> Response:
    """Gives a stream these zones and no others. When one of them cannot be one, nothing is changed."""
    stream = await seen.streams.find(name)
    await services.zones.replace(stream.id, [zone.zone() for zone in body.zones])
    return json_answer(ZonesSaved(count=len(body.zones)))


@router.delete(
    "/{name}/zones",
    response_model=ZonesDeleted,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[EDITOR],
    summary="Delete the zones of a stream",
)
async def delete_zones(name: Reference, services: Services, seen: Sight) -> Response:
    """Without zones detections count everywhere."""
    stream = await seen.streams.find(name)
    await services.zones.replace(stream.id, [])
    return json_answer(ZonesDeleted())
