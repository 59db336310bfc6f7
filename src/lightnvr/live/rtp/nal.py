"""Parameter sets inside the extradata of H.264 and H.265 (ISO/IEC 14496-15 and Annex B of the codecs)."""

import re

_START_CODE = re.compile(b"\x00\x00(?:\x00)?\x01")


def split_annex_b(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes."""
    parts = _START_CODE.split(data)
    return [unit for part in parts[1:] if (unit := part.rstrip(b"\0"))]


def h264_parameter_sets(extradata: bytes) -> list[bytes]:
    """SPS then PPS of Annex B or avcC extradata; empty when there is none or it is damaged."""
    units = _avcc_units(extradata) if extradata[:1] == b"\x01" else split_annex_b(extradata)
    return [u for u in units if u[0] & 0x1F == 7] + [u for u in units if u[0] & 0x1F == 8]


def hevc_parameter_sets(extradata: bytes) -> dict[str, list[bytes]]:
    """VPS, SPS and PPS (keys `vps`, `sps`, `pps`) of Annex B or hvcC extradata."""
    units = _hvcc_units(extradata) if extradata[:1] == b"\x01" else split_annex_b(extradata)
    kinds = {"vps": 32, "sps": 33, "pps": 34}
    return {name: [u for u in units if u[0] >> 1 & 0x3F == kind] for name, kind in kinds.items()}


def length_size(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each NAL unit when a stream is described by avcC or hvcC; 0 for Annex B."""
    where = {"h264": 4, "hevc": 21}.get(codec)
    if where is None or extradata[:1] != b"\x01" or len(extradata) <= where:
        return 0
    return (extradata[where] & 3) + 1


def to_annex_b(data: bytes, size: int) -> bytes:
    """A frame whose NAL units have lengths of `size` bytes, with start codes instead."""
    units = bytearray()
    position = 0
    while position + size < len(data):
        end = position + size + int.from_bytes(data[position : position + size], "big")
        units += b"\0\0\0\1" + data[position + size : end]
        position = end
    return bytes(units)


def _avcc_units(extradata: bytes) -> list[bytes]:
    if len(extradata) < 7:
        return []
    units, position = _counted_units(extradata, 6, extradata[5] & 0x1F)
    if position < len(extradata):
        units += _counted_units(extradata, position + 1, extradata[position])[0]
    return units


def _hvcc_units(extradata: bytes) -> list[bytes]:
    if len(extradata) < 23:
        return []
    units: list[bytes] = []
    position = 23
    for _ in range(extradata[22]):
        count = int.from_bytes(extradata[position + 1 : position + 3], "big")
        found, position = _counted_units(extradata, position + 3, count)
        units += found
    return units


def _counted_units(data: bytes, position: int, count: int) -> tuple[list[bytes], int]:
    units: list[bytes] = []
    for _ in range(count):
        size = int.from_bytes(data[position : position + 2], "big")
        unit = data[position + 2 : position + 2 + size]
        if unit:
            units.append(unit)
        position += 2 + size
    return units, position
