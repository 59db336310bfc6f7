"""Settings of the server as they are on the wire."""

from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from lightnvr.config.members import FOR_EVERYBODY, MEMBERS

_OF_LIVE_VIEW: dict[str, Any] = {name: (MEMBERS[name].annotation, MEMBERS[name]) for name in FOR_EVERYBODY}
LiveViewSettings = create_model(
    "LiveViewSettings", __doc__="Settings that pages need to show streams.", **_OF_LIVE_VIEW
)


class SettingsChanged(BaseModel):
    """The change is stored, and in force but for what `restart_required_members` names."""

    success: Literal[True] = True
    restart_required: bool = Field(examples=[False])
    restart_required_message: str = Field(
        examples=[""], description="What waits for a restart, in a sentence; empty when nothing does."
    )
    restart_required_members: list[str] = Field(examples=[[]])
    unknown_members: list[str] = Field(
        examples=[[]], description="What was sent and is no setting: perhaps misspelt, perhaps of another version."
    )
