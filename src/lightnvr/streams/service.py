"""What API handlers can ask of running streams. Handlers change configuration and poke; they never touch media."""

from typing import Protocol

from lightnvr.media.hub import Hub
from lightnvr.streams.model import StreamNotFound
from lightnvr.streams.status import StreamStatus

__all__ = ["LiveInput", "LiveInputs", "StreamNotFound", "StreamSupervisors"]


class StreamSupervisors(Protocol):
    """Keeps what runs equal to what is configured: one supervisor per stream."""

    def status(self, stream_id: int) -> StreamStatus:
        """Return the present status; a stream that is unknown here is `stopped`."""
        ...

    async def apply(self, stream_id: int) -> None:
        """Read the stored configuration of this stream again and close the difference.

        Restarts only what changed; returns when the change is in force (or the stream has begun to connect). Also to be
        called after a stream was deleted: then everything of it is stopped and its open recording is closed.
        """
        ...

    async def refresh(self, stream_id: int) -> None:
        """Drop the connection to the camera and make a new one at once."""
        ...


class LiveInput(Protocol):
    """A stream, main or sub, as the live view sees it.

    `refusal` is empty, or a sentence saying why it must not be watched now. `name` is the stream's, with `_sub` for the
    sub-stream. `tags` are separated by commas.
    """

    @property
    def stream_id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def is_sub(self) -> bool: ...
    @property
    def refusal(self) -> str: ...
    @property
    def tags(self) -> str: ...
    @property
    def hub(self) -> Hub: ...

    def acquire(self) -> None:
        """Say that the pictures are needed: a sub-stream is connected from now on."""
        ...

    def release(self) -> None:
        """Take one `acquire` back."""
        ...

    def last_error(self) -> str:
        """Return why the camera sends nothing, or an empty text."""
        ...


class LiveInputs(Protocol):
    """All streams, as the live view sees them."""

    async def find(self, reference: str) -> LiveInput:
        """Return the stream of this name, else of this id; `<name>_sub` is a sub-stream. Raises StreamNotFound."""
        ...

    async def by_id(self, stream_id: int, *, is_sub: bool) -> LiveInput | None:
        """Return a stream, None when it, or its sub-stream, is not there any more."""
        ...
