"""What has to be recorded again when a storage goes away in the midst of it."""

from lightnvr.media.packets import MediaPacket

_MOST_BYTES = 16 * 1024 * 1024


class Unwritten:
    """The packets since the last keyframe before which everything is on the disk.

    They are kept, not copied, so that recording can go on elsewhere from that keyframe. A distance between keyframes of
    more than 16 MiB is not kept. Belongs to one recorder's thread.
    """

    def __init__(self) -> None:
        self._packets: list[MediaPacket] = []
        self._latest_keyframe = 0
        self._size = 0

    def add(self, packet: MediaPacket, *, is_cut: bool) -> None:
        """Take a packet that is to be written; `is_cut` for a keyframe of the video."""
        if is_cut:
            self._latest_keyframe = len(self._packets)
        elif not self._packets:
            return
        self._packets.append(packet)
        self._size += packet.size
        if self._size > _MOST_BYTES:
            self.clear()

    def written(self) -> None:
        """Everything before the latest keyframe is on the disk."""
        if self._latest_keyframe:
            del self._packets[: self._latest_keyframe]
            self._latest_keyframe = 0
            self._size = sum(packet.size for packet in self._packets)

    def take(self) -> list[MediaPacket]:
        """Return the packets, which begin with a keyframe, and forget them."""
        packets = self._packets
        self.clear()
        return packets

    def clear(self) -> None:
        """Forget everything, until the next keyframe."""
        self._packets, self._latest_keyframe, self._size = [], 0, 0
