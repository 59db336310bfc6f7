"""The messages that feed a browser's Media Source Extensions over a WebSocket, as go2rtc's player knows them.

The player says what it can play, `{"type": "mse", "value": "avc1.640029,mp4a.40.2"}`. It gets what to open its buffer
with, `{"type": "mse", "value": "video/mp4; codecs=\\"...\\""}`, then an init segment and fragments as binary messages.
What goes wrong is told as `{"type": "error", "value": "mse: ..."}`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.mp4_pieces import LiveFragment, Mp4Piece, Presentation, Unplayable
from lightnvr.live.mp4_timeline import ViewerTimeline
from lightnvr.live.viewer_queue import ViewerQueue

_LONGEST_LIST = 4096
_FAMILIES: Mapping[str, str] = {"avc3": "avc1", "hev1": "hvc1", "mp3": "mp4a.6b", "mp4a.69": "mp4a.6b"}
_NAMES: Mapping[str, str] = {"avc1": "H.264", "hvc1": "H.265", "av01": "AV1", "mp4v.6c": "MJPEG"}


@dataclass(frozen=True, slots=True)
class MseRequest:
    """What a player says that it can play: codec strings, none for everything."""

    codecs: tuple[str, ...]

    @classmethod
    def read(cls, message: str) -> "MseRequest | None":
        """Read a message; None when it is of another type or cannot be read."""
        try:
            read = json.loads(message)
        except (ValueError, RecursionError):
            return None
        if not isinstance(read, dict) or read.get("type") != "mse":
            return None
        value = read.get("value")
        listed = value[:_LONGEST_LIST].split(",") if isinstance(value, str) else []
        return cls(tuple(codec.strip() for codec in listed if codec.strip()))

    def tracks_of(self, presentation: Presentation) -> int:
        """Return how many tracks of a presentation to show: 2, or 1 without sound. Raises UnsupportedTracks."""
        known = {_family(codec) for codec in self.codecs}
        playable = [_family(codec) in known if known else True for codec in presentation.codecs]
        video = _family(presentation.codecs[0])
        if video == "mp4v.6c":
            raise UnsupportedTracks("The camera sends MJPEG, which browsers do not play as MP4. Use stream.mjpeg.")
        if not playable[0]:
            raise UnsupportedTracks(f"The camera sends {_NAMES.get(video, video)}, which this player does not play.")
        return len([*filter(None, playable)])


def _family(codec: str) -> str:
    """Return what two codec strings share of which a player that has the one can be given the other."""
    lower = codec.lower()
    lower = _FAMILIES.get(lower, lower)
    if lower.startswith("mp4a.40"):
        # 67 and 02 are MP3 and AAC of MPEG-2; all kinds of AAC come in the same form.
        return "mp4a.40"
    if lower.startswith(("mp4a", "mp4v")):
        return lower
    family = lower.split(".")[0]
    return _FAMILIES.get(family, family)


def message(kind: str, value: str) -> str:
    """Return a message for the player."""
    return json.dumps({"type": kind, "value": value})


class MseStream:
    """Sends one viewer what its queue holds, for one request."""

    def __init__(
        self,
        request: MseRequest,
        queue: ViewerQueue[Mp4Piece],
        *,
        send_text: Callable[[str], Awaitable[None]],
        send_bytes: Callable[[bytes], Awaitable[None]],
        sent: Callable[[int], None],
    ) -> None:
        """`sent` is told how many bytes of media were sent."""
        self._request = request
        self._queue = queue
        self._send_text = send_text
        self._send_bytes = send_bytes
        self._sent = sent
        self._timeline = ViewerTimeline()
        self._presentation: Presentation | None = None
        self._tracks = 0
        self._announced = ""
        self._is_gone = False

    async def run(self) -> None:
        """Send until nothing more will come."""
        while (piece := await self._queue.take()) is not None:
            if isinstance(piece, LiveFragment):
                await self._show(piece)
            elif isinstance(piece, Unplayable):
                await self._send_text(message("error", f"mse: {piece.reason}"))
            elif self._presentation is not None and not self._is_gone:
                # Players of go2rtc know no such message, and pass it over.
                self._is_gone = True
                await self._send_text(message("camera", "gone"))

    async def _show(self, fragment: LiveFragment) -> None:
        if self._is_gone:
            self._is_gone = False
            await self._send_text(message("camera", "back"))
        if fragment.presentation is not self._presentation:
            await self._present(fragment.presentation)
        if self._tracks:
            content = self._timeline.place(fragment, self._tracks)
            await self._send_bytes(content)
            self._sent(len(content))

    async def _present(self, presentation: Presentation) -> None:
        self._presentation = presentation
        try:
            self._tracks = self._request.tracks_of(presentation)
        except UnsupportedTracks as error:
            self._tracks = 0
            await self._send_text(message("error", f"mse: {error}"))
            return
        media_type = presentation.media_type(self._tracks)
        if media_type != self._announced:
            self._announced = media_type
            await self._send_text(message("mse", media_type))
        await self._send_bytes(presentation.init(self._tracks))
