"""An endless MPEG transport stream, made once for all who watch."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction

from lightnvr.live.output import OutputKind
from lightnvr.live.shared_output import SharedPieces
from lightnvr.live.viewer_queue import ViewerQueue
from lightnvr.media.mp4.muxer import MuxFailed
from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged
from lightnvr.media.transport_stream import TransportStreamMuxer, TsPart

_BEGIN_S = Fraction(1)
_PAUSE_S = Fraction(1, 10)
"""Between the last picture of a camera that was lost and the first when it is back, for players that mind overlaps."""


@dataclass(frozen=True, slots=True, eq=False)
class TsPiece:
    """Whole packets of a transport stream. With `problem`, a sentence, there are none and will not be."""

    content: bytes
    begins: bool
    problem: str = ""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)


class TsOutput:
    """A transport stream whose time goes on when the camera was lost or changed. Implements `Output`."""

    def __init__(self) -> None:
        self._pieces: SharedPieces[TsPiece] = SharedPieces()
        self._tracks: tuple[Track, ...] = ()
        self._muxer: TransportStreamMuxer | None = None
        self._begun = 0
        self._shift = Fraction(0)
        self._end = _BEGIN_S - _PAUSE_S

    def viewed_through(self, queue: ViewerQueue[TsPiece]) -> AbstractContextManager[None]:
        """Fill a queue for as long as the context is open, from the latest keyframe on."""
        return self._pieces.viewed_through(queue)

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output."""
        for item in items:
            if isinstance(item, TracksChanged):
                self._finish()
                self._tracks = item.tracks
            elif self._muxer is not None or self._begin(item):
                self._mux(item)

    def close(self) -> None:
        """See Output."""
        self._pieces.close()

    def _begin(self, packet: MediaPacket) -> bool:
        if packet.track.kind != "video" or not packet.is_keyframe or not self._tracks:
            return False
        self._shift = self._end + _PAUSE_S - packet.time
        try:
            self._muxer = TransportStreamMuxer(self._tracks, self._shift, number=self._begun)
        except MuxFailed as error:
            self._tracks = ()
            self._pieces.add(TsPiece(b"", begins=True, problem=f"{error}: use stream.mp4."))
            return False
        self._begun += 1
        return True

    def _finish(self) -> None:
        if self._muxer is not None:
            self._hand_on(self._muxer.finish())
            self._muxer = None
        self._pieces.forget()

    def _hand_on(self, parts: Sequence[TsPart]) -> None:
        for part in parts:
            self._pieces.add(TsPiece(part.content, part.begins))

    def _mux(self, packet: MediaPacket) -> None:
        if self._muxer is None:
            return
        self._muxer.mux(packet)
        if packet.track.kind == "video":
            self._end = max(self._end, packet.pts * packet.track.time_base + self._shift)
        self._hand_on(self._muxer.take_parts())


TS = OutputKind("ts", TsOutput)
