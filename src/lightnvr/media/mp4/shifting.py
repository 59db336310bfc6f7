"""Moving fragments to another place on the time line, without touching their media."""

import struct
from collections.abc import Mapping

from lightnvr.media.mp4.boxes import MalformedBox, children, first

_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")


def shift_fragment(fragment: bytearray, ticks: Mapping[int, int]) -> None:
    """Make a `moof` with its `mdat` play later, in place: `ticks` by track id, in the track's time scale.

    Only `tfdt` changes (ISO/IEC 14496-12 section 8.8.12), so every size and offset stays true. Raises MalformedBox.
    """
    try:
        size = _U32.unpack_from(fragment)[0]
        if fragment[4:8] != b"moof" or size > len(fragment):
            raise MalformedBox("these bytes are not a fragment")
        moof = memoryview(fragment)[:size]
        for traf in children(moof, 8, size):
            if traf.type != b"traf":
                continue
            track_id = _U32.unpack_from(fragment, first(moof, traf, b"tfhd").payload + 4)[0]
            tfdt = first(moof, traf, b"tfdt").payload
            layout = _U64 if fragment[tfdt] == 1 else _U32
            layout.pack_into(fragment, tfdt + 4, layout.unpack_from(fragment, tfdt + 4)[0] + ticks.get(track_id, 0))
    except struct.error as error:
        raise MalformedBox(f"moof: {error}") from error
