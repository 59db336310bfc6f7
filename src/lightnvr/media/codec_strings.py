"""What browsers call the coding of a track: the `codecs` parameter of RFC 6381, read from the file's own headers."""

import struct
from collections.abc import Callable, Mapping

from lightnvr.media.mp4.boxes import Box, MalformedBox, children, first

_VISUAL_ENTRY_BYTES = 78
_AUDIO_ENTRY_BYTES = 28
"""Fields of a sample entry before its own boxes (ISO/IEC 14496-12 sections 12.1.3 and 12.2.3)."""

_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC_INFO = 0x03, 0x04, 0x05
_AAC = 0x40


def codec_strings(init: bytes) -> dict[int, str]:
    """Return the codec string of each track of an init segment (`ftyp` and `moov`), by track id.

    Such as `avc1.64001F`, `hvc1.1.6.L93.B0`, `av01.0.04M.08`, `mp4a.40.2`, `mp4a.6B` (MP3), `opus`.
    Raises MalformedBox.
    """
    found: dict[int, str] = {}
    try:
        for top in children(init, 0, len(init)):
            if top.type == b"moov":
                for trak in children(init, top.payload, top.end):
                    if trak.type == b"trak":
                        tkhd = first(init, trak, b"tkhd")
                        at = tkhd.payload + (20 if init[tkhd.payload] == 1 else 12)
                        found[struct.unpack_from(">I", init, at)[0]] = _of_track(init, trak)
    except (struct.error, IndexError) as error:
        raise MalformedBox(f"moov: {error}") from error
    return found


def _of_track(init: bytes, trak: Box) -> str:
    box = trak
    for kind in (b"mdia", b"minf", b"stbl", b"stsd"):
        box = first(init, box, kind)
    entry = next(children(init, box.payload + 8, box.end))
    reader = _READERS.get(entry.type)
    name = entry.type.decode("latin-1")
    return name if reader is None else reader(init, entry, name)


def _config(init: bytes, entry: Box, fields_bytes: int, kind: bytes) -> memoryview:
    inside = Box(entry.type, entry.start, entry.payload + fields_bytes, entry.end)
    box = first(init, inside, kind)
    return memoryview(init)[box.payload : box.end]


def _h264(init: bytes, entry: Box, name: str) -> str:
    # Profile, constraints and level as they stand in the SPS (RFC 6381 section 3.3, ISO/IEC 14496-15 section 5.3.3.1).
    avc_c = _config(init, entry, _VISUAL_ENTRY_BYTES, b"avcC")
    return f"{name}.{avc_c[1]:02X}{avc_c[2]:02X}{avc_c[3]:02X}"


def _h265(init: bytes, entry: Box, name: str) -> str:
    # ISO/IEC 14496-15 annex E.3; the compatibility flags are told with their bits reversed.
    hvc_c = _config(init, entry, _VISUAL_ENTRY_BYTES, b"hvcC")
    space = ("", "A", "B", "C")[hvc_c[1] >> 6]
    tier = "H" if hvc_c[1] & 0x20 else "L"
    compatible = int(f"{struct.unpack_from('>I', hvc_c, 2)[0]:032b}"[::-1], 2)
    constraints = bytes(hvc_c[6:12]).rstrip(b"\x00")
    parts = [name, f"{space}{hvc_c[1] & 0x1F}", f"{compatible:X}", f"{tier}{hvc_c[12]}"]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def _av1(init: bytes, entry: Box, name: str) -> str:
    # AV1 Codec ISO Media File Format Binding, section 5.
    av1_c = _config(init, entry, _VISUAL_ENTRY_BYTES, b"av1C")
    level, tier = av1_c[1] & 0x1F, "H" if av1_c[2] & 0x80 else "M"
    depth = 8 if not av1_c[2] & 0x40 else 12 if av1_c[2] & 0x20 else 10
    return f"{name}.{av1_c[1] >> 5}.{level:02}{tier}.{depth:02}"


def _mpeg_audio(init: bytes, entry: Box, name: str) -> str:
    return _of_descriptor(_config(init, entry, _AUDIO_ENTRY_BYTES, b"esds"), name)


def _mpeg_video(init: bytes, entry: Box, name: str) -> str:
    return _of_descriptor(_config(init, entry, _VISUAL_ENTRY_BYTES, b"esds"), name)


def _of_descriptor(esds: memoryview, name: str) -> str:
    """Return the string for an elementary stream descriptor (ISO/IEC 14496-1 section 7.2.6)."""
    tag, body = _descriptor(esds[4:])
    if tag != _ES_DESCRIPTOR:
        raise MalformedBox("esds holds no ES_Descriptor")
    # FFmpeg and cameras set none of the flags that would put more before the decoder's configuration.
    tag, config = _descriptor(body[3:])
    if tag != _DECODER_CONFIG:
        raise MalformedBox("esds holds no DecoderConfigDescriptor")
    if config[0] != _AAC:
        return f"{name}.{config[0]:02X}"
    tag, specific = _descriptor(config[13:])
    if tag != _DECODER_SPECIFIC_INFO:
        raise MalformedBox("esds holds no DecoderSpecificInfo")
    kind = specific[0] >> 3
    if kind == 31:
        kind = 32 + ((specific[0] & 7) << 3 | specific[1] >> 5)
    return f"{name}.40.{kind}"


def _descriptor(content: memoryview) -> tuple[int, memoryview]:
    size, at = 0, 1
    while True:
        byte = content[at]
        size, at = size << 7 | byte & 0x7F, at + 1
        if not byte & 0x80:
            return content[0], content[at : at + size]


def _opus(_init: bytes, _entry: Box, _name: str) -> str:
    return "opus"


_READERS: Mapping[bytes, Callable[[bytes, Box, str], str]] = {
    b"avc1": _h264,
    b"avc3": _h264,
    b"hvc1": _h265,
    b"hev1": _h265,
    b"av01": _av1,
    b"mp4a": _mpeg_audio,
    b"mp4v": _mpeg_video,
    b"Opus": _opus,
}
