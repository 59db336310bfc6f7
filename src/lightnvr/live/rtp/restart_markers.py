"""What FFmpeg leaves out of JPEG packets: how often decoders start anew within a picture (RFC 2435, section 3.1.7).

Without it a picture that has restart markers, as those of many cameras have, is decoded into rubbish.
"""

import struct

RESTART_HEADER_BYTES = 4

_RTP_HEADER_BYTES = 12
_MAIN_HEADER_BYTES = 8
_TYPE_AT = _RTP_HEADER_BYTES + 4
_WITH_RESTARTS = 0x40
_WHOLE = 0xFFFF
"""First and last packet of an interval, and no count: intervals are not looked at one by one."""

_DEFINE_INTERVAL, _SCAN, _END = 0xDD, 0xDA, 0xD9


def restart_interval(picture: bytes) -> int:
    """Return how many blocks lie between the restart markers of a JPEG; 0 when it has none (ITU-T T.81, B.2.4.4)."""
    at = 2
    while at + 6 <= len(picture) and picture[at] == 0xFF:
        marker = picture[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _DEFINE_INTERVAL:
            return picture[at + 4] << 8 | picture[at + 5]
        if marker in (_SCAN, _END):
            break
        at += 2 + (picture[at + 2] << 8 | picture[at + 3])
    return 0


def with_restart_header(packet: bytes, interval: int) -> bytes:
    """Return a packet of a JPEG picture with the header that tells the interval."""
    end = _RTP_HEADER_BYTES + _MAIN_HEADER_BYTES
    head = bytearray(packet[:end])
    head[_TYPE_AT] |= _WITH_RESTARTS
    return bytes(head) + struct.pack(">HH", interval, _WHOLE) + packet[end:]
