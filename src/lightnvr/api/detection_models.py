"""/api/detection/models: what can detect."""

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.errors import declared
from lightnvr.api.services import Services

router = APIRouter(tags=["Detection"], route_class=GuardedRoute)

_EXAMPLE: JsonDict = {
    "models": [
        {
            "id": "motion",
            "name": "Built-in Motion Detection",
            "path": "motion",
            "type": "builtin",
            "supported": True,
            "description": "Compares pictures; needs no model.",
        },
        {
            "id": "/var/lib/lightnvr/models/yolov8n.onnx",
            "name": "yolov8n.onnx",
            "path": "/var/lib/lightnvr/models/yolov8n.onnx",
            "type": "onnx",
            "supported": True,
            "size": 12851049,
        },
    ],
    "onnx_available": True,
    "litert_available": False,
    "sod_available": False,
    "count": 2,
}


class DetectionModel(BaseModel):
    """One choice for `detection_model` of a stream."""

    id: str = Field(description="What a stream names: a word, or the path of a file.")
    name: str
    path: str = Field(description="The same as `id`.")
    type: str = Field(description="`builtin`, `api`, `onvif`, or the kind of file: `onnx`, `tflite`, `sod`.")
    supported: bool
    description: str | None = None
    unsupported_reason: str | None = Field(None, description="Why it cannot be used, in a sentence.")
    size: int | None = Field(None, description="Bytes of the file.")


class DetectionModels(BaseModel):
    """What can detect."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    models: list[DetectionModel]
    onnx_available: bool = Field(description="Whether the package onnxruntime is installed, which runs `.onnx`.")
    litert_available: bool = Field(description="Whether ai-edge-litert is installed, which runs `.tflite`.")
    sod_available: bool
    message: str | None = Field(None, description="What is wrong with the models folder.")
    count: int


@router.get(
    "/api/detection/models",
    response_model=DetectionModels,
    responses=declared(401, 429),
    dependencies=[VIEWER],
    summary="List what can detect",
)
async def detection_models(services: Services) -> Response:
    """Built-in motion, external detectors, ONVIF events, then the files of the models folder by name.

    A file is tried when it is listed for the first time, which may take some seconds.
    """
    listing = await asyncio.to_thread(services.models.listing)
    answer = DetectionModels(
        models=[
            DetectionModel(
                id=model.id,
                name=model.name,
                path=model.id,
                type=model.kind,
                supported=not model.reason,
                description=model.description or None,
                unsupported_reason=model.reason or None,
                size=model.size,
            )
            for model in listing.models
        ],
        onnx_available="onnxruntime" in listing.runs,
        litert_available="ai_edge_litert" in listing.runs,
        sod_available=False,
        message=listing.message or None,
        count=len(listing.models),
    )
    return Response(answer.model_dump_json(exclude_none=True), media_type="application/json")
