"""A group of pictures that is kept for a while, in little more memory than its media takes."""

from array import array
from collections.abc import Iterator, Sequence

from lightnvr.media.packets import MediaPacket, Track, coded_packet

_PADDING = 64
"""FFmpeg reads so many bytes beyond what it decodes (AV_INPUT_BUFFER_PADDING_SIZE); they have to be there."""


class PackedGop:
    """The packets of a GOP, laid end to end: objects for each would take a sixth more, as sound comes in small ones.

    Iterating makes the packets anew; they share the bytes that are kept here.
    """

    __slots__ = ("_columns", "_content", "_flags", "_tracks", "arrival_ns", "size_bytes")

    def __init__(self, packets: Sequence[MediaPacket]) -> None:
        """`packets` are those of one GOP, the keyframe first."""
        self.arrival_ns = packets[0].arrival_ns
        """When the keyframe came, in nanoseconds of the monotonic clock."""
        self.size_bytes = sum(packet.size for packet in packets)
        """How much media it is, in bytes."""
        self._tracks: list[Track] = []
        self._flags = bytearray()
        self._columns = array("q")
        for packet in packets:
            if packet.track not in self._tracks:
                self._tracks.append(packet.track)
            self._flags += bytes((self._tracks.index(packet.track), packet.is_keyframe))
            self._columns.extend((packet.dts, packet.pts, packet.duration, packet.arrival_ns, packet.size))
        self._content = b"".join((*(memoryview(packet.payload) for packet in packets), bytes(_PADDING)))

    def __iter__(self) -> Iterator[MediaPacket]:
        """Yield the packets as they came."""
        content, begin = memoryview(self._content), 0
        for index in range(len(self._flags) // 2):
            track, is_keyframe = self._flags[2 * index : 2 * index + 2]
            dts, pts, duration, arrival_ns, size = self._columns[5 * index : 5 * index + 5]
            payload = coded_packet(content[begin : begin + size])
            yield MediaPacket(self._tracks[track], payload, dts, pts, duration, bool(is_keyframe), arrival_ns, size)
            begin += size
