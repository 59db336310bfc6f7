"""Names of codecs as players ask for them (RFC 6381)."""

from lightnvr.media.mp4.boxes import Box, MalformedBox, children, first
from lightnvr.media.mp4.init_segment import InitSegment

_VISUAL_ENTRY, _AUDIO_ENTRY = 78, 28
"""Bytes of a sample entry before its boxes (ISO/IEC 14496-12 sections 12.1.3 and 12.2.3)."""


def codec_names(init: InitSegment) -> list[str]:
    """Return the name of each track's codec with its profile and level, such as `avc1.64001f`. Raises MalformedBox."""
    content = init.content
    moov = next(found for found in children(content, 0, len(content)) if found.type == b"moov")
    names: list[str] = []
    for trak in children(content, moov.payload, moov.end):
        if trak.type == b"trak":
            stbl = first(content, first(content, first(content, trak, b"mdia"), b"minf"), b"stbl")
            stsd = first(content, stbl, b"stsd")
            entry = next(children(content, stsd.payload + 8, stsd.end))
            names.append(_name(content, entry))
    return names


def _name(content: bytes, entry: Box) -> str:
    tag = entry.type.decode("latin-1")
    if tag in ("avc1", "avc3"):
        record = _configuration(content, entry, _VISUAL_ENTRY, b"avcC")
        return f"{tag}.{record[1:4].hex()}"
    if tag in ("hvc1", "hev1"):
        return f"{tag}.{_hevc(_configuration(content, entry, _VISUAL_ENTRY, b'hvcC'))}"
    if tag == "av01":
        record = _configuration(content, entry, _VISUAL_ENTRY, b"av1C")
        depth = (12 if record[2] & 0x20 else 10) if record[2] & 0x40 else 8
        return f"av01.{record[1] >> 5}.{record[1] & 0x1F:02d}{'H' if record[2] & 0x80 else 'M'}.{depth:02d}"
    if tag == "mp4a":
        return _mp4a(_configuration(content, entry, _AUDIO_ENTRY, b"esds"))
    return tag.lower()


def _configuration(content: bytes, entry: Box, skipped: int, kind: bytes) -> bytes:
    inner = Box(entry.type, entry.start, entry.payload + skipped, entry.end)
    found = first(content, inner, kind)
    return content[found.payload : found.end]


def _hevc(record: bytes) -> str:
    # ISO/IEC 14496-15 annex E.3: profile, compatibility with its bits reversed, tier and level, constraints.
    space = ("", "A", "B", "C")[record[1] >> 6]
    compatibility = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    tier = "H" if record[1] & 0x20 else "L"
    constraints = "".join(f".{byte:X}" for byte in record[6:12].rstrip(b"\x00"))
    return f"{space}{record[1] & 0x1F}.{compatibility:X}.{tier}{record[12]}{constraints}"


def _mp4a(esds: bytes) -> str:
    # ISO/IEC 14496-1 section 7.2.6: ES descriptor (3), decoder configuration (4), its specific information (5).
    at = 4
    object_type = 0
    while at + 2 <= len(esds):
        tag = esds[at]
        at += 1
        while at < len(esds) and esds[at] & 0x80:
            at += 1
        at += 1
        if tag == 3:
            flags = esds[at + 2]
            at += 3 + (2 if flags & 0x80 else 0)
            at += 1 + esds[at] if flags & 0x40 else 0
            at += 2 if flags & 0x20 else 0
        elif tag == 4:
            object_type = esds[at]
            at += 13
        elif tag == 5 and object_type == 0x40:
            kind = esds[at] >> 3
            return f"mp4a.40.{32 + ((esds[at] & 7) << 3 | esds[at + 1] >> 5) if kind == 31 else kind}"
        else:
            break
    if not object_type:
        raise MalformedBox("esds names no codec")
    return f"mp4a.{object_type:02X}"
