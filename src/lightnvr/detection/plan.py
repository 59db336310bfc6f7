"""What a stream's configuration means for detection."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from lightnvr.detection.sieve import Rules
from lightnvr.detection.zones import Zone
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
    usual needs them. `hours` are those of its schedule, None when there is none. `made_from` says what of the
    settings of the server its detector is made from.
    """

    stream_id: int
    stream_name: str
    model: str
    api_url: str
    interval_s: float
    rules: Rules
    looks: Looks = Looks.KEYFRAMES
    hours: Sequence[bool] | None = None
    made_from: str = ""

    def needs_anew(self, other: "DetectionPlan") -> bool:
        """Whether going over to `other` needs to begin anew; else only what counts has changed."""
        return replace(self, rules=other.rules, hours=other.hours) != other


class Plans:
    """The plans in force, by stream. What detectors ask of them may be asked by any thread."""

    def __init__(self) -> None:
        self._plans: dict[int, DetectionPlan] = {}

    def take(self, plan: DetectionPlan) -> None:
        """Have a plan in force."""
        self._plans[plan.stream_id] = plan

    def forget(self, stream_id: int) -> None:
        """Have none for a stream."""
        self._plans.pop(stream_id, None)

    def threshold_of(self, stream_id: int) -> float:
        """Return the least score that counts for a stream, a fraction."""
        plan = self._plans.get(stream_id)
        return 0.0 if plan is None else plan.rules.threshold

    def zones_of(self, stream_id: int) -> tuple[Zone, ...]:
        """Return the zones of a stream; the same object as long as they are the same."""
        plan = self._plans.get(stream_id)
        return () if plan is None else plan.rules.zones


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
