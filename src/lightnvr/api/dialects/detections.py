"""What was detected, as clients get it."""

from typing import Annotated

from fastapi import Depends

from lightnvr.api.dialects.choosing import Spoken
from lightnvr.api.dialects.streams import lightnvr_state
from lightnvr.api.times import iso
from lightnvr.streams.status import StreamState


class DetectionForms:
    """The form of the specification."""

    tells_of_unknown_streams = False
    """Whether a span of a stream that is not there is empty, and not an error."""

    def status(self, state: StreamState | None) -> str:
        """The state of a stream; None: there is no such stream."""
        return "unknown" if state is None else state.value

    def timestamp(self, now_s: float, offset_s: int) -> str:
        """The time now; local time is `offset_s` ahead of UTC."""
        return iso(now_s)


class LightnvrDetections(DetectionForms):
    """The form of the original: its words, and local time."""

    tells_of_unknown_streams = True

    def status(self, state: StreamState | None) -> str:
        """The state of a stream in the words of the original."""
        return "Unknown" if state is None else lightnvr_state(state).value

    def timestamp(self, now_s: float, offset_s: int) -> str:
        """Such as `2026-08-01 12:00:00`."""
        return iso(now_s + offset_s).replace("T", " ").removesuffix("Z")


InDetectionDialect = Annotated[DetectionForms, Depends(Spoken(DetectionForms(), LightnvrDetections()))]
