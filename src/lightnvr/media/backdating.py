"""Giving the first packets of a connection the time at which they really came."""

from collections.abc import Callable

from lightnvr.media.packets import MediaItem, MediaPacket

_MOST_HELD = 1000
_LONGEST_NS = 3_000_000_000


class Backdating:
    """Holds what FFmpeg gathered while it found out what the camera sends.

    All of that is read at one moment, seconds after it came, and a recording would begin that much too late. The first
    packet that has to be waited for tells the relation between the camera's clock and ours; the others are dated back
    by it. From then on everything is passed through. Not thread-safe.
    """

    def __init__(self, publish: Callable[[MediaItem], None]) -> None:
        self._publish = publish
        self._held: list[MediaItem] = []
        self._holding = True

    @property
    def holding(self) -> bool:
        """Whether packets are still held."""
        return self._holding

    def publish(self, item: MediaItem) -> None:
        """Pass an item on, or hold it."""
        if not self._holding:
            self._publish(item)
            return
        self._held.append(item)
        if len(self._held) >= _MOST_HELD or self._held_ns() > _LONGEST_NS:
            self.caught_up()

    def caught_up(self) -> None:
        """The video packet that was published last came just now: pass on what is held."""
        if not self._holding:
            return
        self._holding = False
        video = [item for item in self._held if isinstance(item, MediaPacket) and item.track.kind == "video"]
        for item in self._held:
            if isinstance(item, MediaPacket) and item.track.kind == "video":
                early_ns = int((video[-1].time - item.time) * 1_000_000_000)
                came_ns = min(item.arrival_ns, video[-1].arrival_ns - early_ns)
                self._publish(item._replace(arrival_ns=came_ns))
            else:
                self._publish(item)
        self._held.clear()

    def _held_ns(self) -> int:
        packets = [item for item in self._held[:2] + self._held[-1:] if isinstance(item, MediaPacket)]
        return packets[-1].arrival_ns - packets[0].arrival_ns if packets else 0
