"""Reading and making ISO base media boxes (ISO/IEC 14496-12 section 4.2)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")


class MalformedBox(ValueError):
    """The bytes are not a sequence of whole boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies in a buffer: its header at `start`, its content from `payload` to before `end`."""

    type: bytes
    start: int
    payload: int
    end: int


def read_header(buffer: bytes | bytearray | memoryview, at: int) -> tuple[bytes, int, int] | None:
    """Return (type, header size, box size) of the box at `at`, all in bytes; None when the header is not all there.

    Raises MalformedBox when the size cannot be true.
    """
    if len(buffer) < at + 8:
        return None
    size, kind = _HEADER.unpack_from(buffer, at)
    header = 8
    if size == 1:
        if len(buffer) < at + 16:
            return None
        size, header = _LARGE.unpack_from(buffer, at + 8)[0], 16
    if size < header:
        raise MalformedBox(f"box {kind!r} at {at} claims {size} bytes")
    return kind, header, size


def children(buffer: bytes | memoryview, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that lie between `start` and `end`. Raises MalformedBox."""
    while start < end:
        found = read_header(buffer, start)
        if found is None or start + found[2] > end:
            raise MalformedBox(f"a box at {start} does not fit")
        kind, header, size = found
        yield Box(kind, start, start + header, start + size)
        start += size


def first(buffer: bytes | memoryview, parent: Box, kind: bytes) -> Box:
    """Return the first child of this type. Raises MalformedBox when there is none."""
    for child in children(buffer, parent.payload, parent.end):
        if child.type == kind:
            return child
    raise MalformedBox(f"{parent.type!r} holds no {kind!r}")


def box(kind: bytes, *parts: bytes) -> bytes:
    """Make a box of these parts."""
    return _HEADER.pack(8 + sum(map(len, parts)), kind) + b"".join(parts)


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Make a full box: one with version and flags (section 4.2.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)
