"""Turns models into responses without validating again what was made from validated values."""

from collections.abc import Mapping

from fastapi import Response
from pydantic import BaseModel


def json_answer(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the model as JSON. It is never kept by a cache, for it is about now."""
    return Response(
        model.model_dump_json(by_alias=True),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
