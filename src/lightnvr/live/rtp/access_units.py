"""Coded pictures in the form in which they go out: start codes, and all that a decoder needs at each keyframe."""

from lightnvr.live.rtp.nal import length_size, to_annex_b
from lightnvr.live.rtp.payload import Track
from lightnvr.media.packets import MediaPacket, coded_packet
from lightnvr.media.packets import Track as CameraTrack
from lightnvr.media.parameter_sets import in_band_parameter_sets, is_complete

_DELIMITERS = {"h264": (0x1F, 0, 9), "hevc": (0x3F, 1, 35)}
"""Mask, shift and number of the access unit delimiter's type (H.264 table 7-1, H.265 table 7-1)."""

_LONGEST_DELIMITER = 16


class AccessUnits:
    """Turns the packets of one track into what an RTP packetizer takes."""

    def __init__(self, camera: CameraTrack, track: Track) -> None:
        self._codec = track.codec
        self._parameter_sets = track.parameters if track.is_video else b""
        self._length_size = length_size(camera.codec, camera.extradata)

    def coded(self, packet: MediaPacket) -> bytes:
        """Return the frame's bytes: Annex B for H.264 and H.265, keyframes with their parameter sets."""
        content = bytes(packet.payload)
        # Some cameras announce lengths and send start codes. Only the long one can be told from a length.
        if self._length_size and not content.startswith(b"\0\0\0\1"):
            content = to_annex_b(content, self._length_size)
        if not packet.is_keyframe or not self._parameter_sets:
            return content
        sets = in_band_parameter_sets(self._codec, coded_packet(content))
        if sets and is_complete(self._codec, sets):
            return content
        # A delimiter begins the access unit, so nothing of it may come before (H.264 section 7.4.1.2.3).
        begin = self._after_delimiter(content)
        return content[:begin] + self._parameter_sets + content[begin:]

    def _after_delimiter(self, content: bytes) -> int:
        at = content.find(b"\0\0\1", 0, 4) + 3
        mask, shift, delimiter = _DELIMITERS[self._codec]
        if at < 3 or at >= len(content) or content[at] >> shift & mask != delimiter:
            return 0
        end = content.find(b"\0\0\1", at, at + _LONGEST_DELIMITER)
        if end < 0:
            return 0
        return end - 1 if content[end - 1] == 0 else end
