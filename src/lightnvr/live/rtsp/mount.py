"""What can be watched at a path of the server, and who watches it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lightnvr.live.rtp.frames import RtpBatch
from lightnvr.live.rtp.payload import Track


@dataclass(frozen=True, slots=True)
class Presentation:
    """What DESCRIBE tells about a mount."""

    name: str
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the IP address, the value of `Authorization` and the `ticket` of the URL's query. Empty is absent."""

    address: str
    authorization: str = ""
    ticket: str = ""


class Viewer(Protocol):
    """One playing session. Nothing here blocks: a viewer that is too slow loses packets, then its connection.

    `sent_bytes` were handed to its connection, `lost_packets` were not because it was too slow.
    """

    sent_bytes: int
    lost_packets: int

    @property
    def backlog(self) -> int:
        """Bytes accepted for this viewer that its connection has not taken yet."""
        ...

    def deliver(self, batch: RtpBatch) -> None:
        """Sends the packets of one frame; a track the viewer did not set up is ignored."""
        ...

    def catch_up(self, batches: Sequence[RtpBatch]) -> None:
        """Sends what came before the viewer did; it may take its time for this."""
        ...

    def deliver_report(self, track: int, packet: bytes) -> None:
        """Sends an RTCP packet that belongs to a track."""
        ...

    def close(self) -> None:
        """Ends the viewer's connection after what was delivered has been sent."""
        ...


class Mount(Protocol):
    """A source of RTP packets."""

    async def describe(self) -> Presentation:
        """The tracks; may wait until they are known. Raises MountUnavailable when there is nothing to watch now."""
        ...

    def attach(self, viewer: Viewer) -> None:
        """Starts delivering to a viewer."""
        ...

    def detach(self, viewer: Viewer) -> None:
        """Stops delivering to a viewer; no error if it is not attached."""
        ...


class Mounts(Protocol):
    """Finds what is watched at a path."""

    async def find(self, path: str, caller: Caller) -> Mount | None:
        """The mount of a decoded path such as `/front door`, None when there is none.

        Raises RtspError when the caller may not watch it, MountUnavailable.
        """
        ...


class MountUnavailable(Exception):
    """The mount exists, but has nothing to show at the moment."""


class FixedMounts:
    """Mounts that are known from the start."""

    def __init__(self, mounts: dict[str, Mount]) -> None:
        self._mounts = {"/" + path.strip("/"): mount for path, mount in mounts.items()}

    async def find(self, path: str, caller: Caller) -> Mount | None:
        return self._mounts.get(path)
