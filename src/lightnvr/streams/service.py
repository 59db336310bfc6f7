"""What API handlers can ask of running streams. Handlers change configuration and poke; they never touch media."""

from typing import Protocol

from lightnvr.streams.status import StreamStatus


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
