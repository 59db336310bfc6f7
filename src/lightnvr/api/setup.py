"""/api/setup/status: whether the page should lead through the first steps."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import ADMIN, Anybody, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.services import Services
from lightnvr.streams.settings import YesNo

router = APIRouter(prefix="/api/setup", tags=["Setup"], route_class=GuardedRoute)


class SetupState(BaseModel):
    """Whether they were taken. `setup_completed_at` is for callers who are logged in."""

    complete: bool
    setup_completed_at: int | None = Field(
        None, examples=[1785585600], description="Seconds since 1970; 0 is never. It stays when they are shown again."
    )


class SetupBody(BaseModel):
    """What is to be noted."""

    model_config = ConfigDict(title="SetupChange", json_schema_extra={"example": {"complete": True}})

    complete: YesNo = Field(True, description="False shows the first steps again.")


class SetupChanged(BaseModel):
    """It is noted."""

    success: Literal[True] = True


@router.get("/status", response_model=SetupState, responses=declared(429), summary="Ask for the first steps")
async def setup_status(services: Services, caller: Anybody) -> Response:
    """Whether the first steps after an installation were taken: its first camera added, or said so by an administrator.

    The account admin is there before them, with a password that was chosen or made at the first start.
    """
    state = await services.first_steps.state()
    if caller is None:
        # json_answer would send null.
        text = SetupState(complete=state.complete).model_dump_json(exclude_none=True)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})
    return json_answer(SetupState(complete=state.complete, setup_completed_at=state.completed_at))


@router.post(
    "/status",
    response_model=SetupChanged,
    responses=declared(400, 401, 403, 413, 429),
    dependencies=[ADMIN],
    summary="Note the first steps",
)
async def change_setup_status(services: Services, body: SetupBody | None = None) -> Response:
    """Notes that the first steps were taken, or that they are to be shown again."""
    await services.first_steps.set(complete=body is None or body.complete)
    return json_answer(SetupChanged())
