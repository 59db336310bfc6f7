"""Sample entries without what differs between files that are coded alike: how many bits a second each has."""

import contextlib

from lightnvr.media.mp4.boxes import MalformedBox, box, children

_FIXED = {b"vide": 78, b"soun": 28}
"""What stands before the boxes in an entry, in bytes (ISO/IEC 14496-12 sections 12.1.3 and 12.2.3)."""

_ES, _DECODER_CONFIG = 3, 4
_RATES = slice(2, 13)
"""Size of the buffer, highest and mean rate within a DecoderConfigDescriptor (ISO/IEC 14496-1 section 7.2.6.6)."""


def without_rates(stsd: bytes, handler: bytes) -> bytes:
    """Return an `stsd` of one entry whose rates are left out, or are zero; as it is when it cannot be told."""
    with contextlib.suppress(MalformedBox, KeyError, IndexError):
        entry = next(children(stsd, 16, len(stsd)))
        fixed = entry.payload + _FIXED[handler]
        parts = [
            _esds(stsd[part.start : part.end]) if part.type == b"esds" else stsd[part.start : part.end]
            for part in children(stsd, fixed, entry.end)
            if part.type != b"btrt"
        ]
        return box(b"stsd", stsd[8:16], box(entry.type, stsd[entry.payload : fixed], *parts))
    return stsd


def _esds(esds: bytes) -> bytes:
    changed = bytearray(esds)
    at = _descriptor(esds, 12, _ES)
    at = _descriptor(esds, at + 3, _DECODER_CONFIG)
    changed[at + _RATES.start : at + _RATES.stop] = bytes(_RATES.stop - _RATES.start)
    return bytes(changed)


def _descriptor(esds: bytes, at: int, tag: int) -> int:
    """Return where the content of the descriptor at `at` begins. Raises MalformedBox, IndexError."""
    if esds[at] != tag:
        raise MalformedBox(f"esds: there is no descriptor {tag}")
    at += 1
    while esds[at] & 0x80:
        at += 1
    return at + 1
