"""Recordings as clients get them."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Protocol

from fastapi import Depends

from lightnvr.api.dialects.choosing import Spoken
from lightnvr.api.validation import BadRequest
from lightnvr.recording.model import Recording, RecordingFilter, RecordingPage
from lightnvr.recording.service import Recordings


class ReadRecordings(Protocol):
    """Gives a page of a list of recordings."""

    def __call__(self, wanted: RecordingFilter, *, offset: int, limit: int) -> Awaitable[RecordingPage]:
        """Return at most `limit` recordings from `offset` on, and the number of all that match."""
        ...


class RecordingForms:
    """The form of the specification. What is being written is listed too."""

    def pages(self, recordings: Recordings) -> ReadRecordings:
        """What lists are read with."""
        return recordings.page

    def on_timeline(self, found: Sequence[Recording]) -> Sequence[Recording]:
        """The recordings of a span that are shown."""
        return found

    def protection(self, asked: bool | None) -> bool | None:
        """How a recording is to be protected; None: the opposite of what it is. Raises BadRequest."""
        return asked


class LightnvrRecordings(RecordingForms):
    """The form of the original. What is being written is not listed until it is done."""

    def pages(self, recordings: Recordings) -> ReadRecordings:
        """What lists are read with."""
        return recordings.finished_page

    def on_timeline(self, found: Sequence[Recording]) -> Sequence[Recording]:
        """Those that are done."""
        return [recording for recording in found if recording.complete]

    def protection(self, asked: bool | None) -> bool | None:
        """What the body says. Raises BadRequest without one."""
        if asked is None:
            raise BadRequest("protected is missing")
        return asked


InRecordingDialect = Annotated[RecordingForms, Depends(Spoken(RecordingForms(), LightnvrRecordings()))]
