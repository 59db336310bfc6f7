"""What a stream's configuration means for detection."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lightnvr.detection.sieve import Rules
from lightnvr.media.hub import Hub

MOTION_MODEL = "motion"
"""The `detection_model` that is built-in motion."""


class Looks(StrEnum):
    """Which pictures of a stream are looked at."""

    KEYFRAMES = "keyframes"
    EVERY_PICTURE = "every picture"


@dataclass(frozen=True, slots=True)
class DetectionPlan:
    """How one stream is watched. `model` is its `detection_model`, `api_url` its `detection_api_url`.

    Checks are at least `interval_s` seconds apart; built-in motion looks at every keyframe, because its idea of what is
    usual needs them. `hours` are those of its schedule, None when there is none.
    """

    stream_id: int
    stream_name: str
    model: str
    api_url: str
    interval_s: float
    rules: Rules
    looks: Looks = Looks.KEYFRAMES
    hours: Sequence[bool] | None = None


class Scene(Protocol):
    """Where pictures of a stream come from. Belongs to the event loop."""

    @property
    def hub(self) -> Hub:
        """The packets of the camera."""
        ...

    @property
    def small(self) -> Hub | None:
        """Those of its sub-stream, None when it has none."""
        ...

    def acquire_small(self) -> None:
        """Have the sub-stream connected."""
        ...

    def release_small(self) -> None:
        """Take that back."""
        ...
