"""A ZIP that is written while it is read (PKWARE APPNOTE 6.3.10), with nothing in it that is left to chance.

The same entries give the same bytes, so that not only what is packed can be checked, but the ZIP itself. Nothing is
compressed, sizes are of 64 bits, all times are the first that ZIP knows.
"""

import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_ZIP64_LOCAL = struct.Struct("<HHQQ")
_DESCRIPTOR = struct.Struct("<IIQQ")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_ZIP64_CENTRAL = struct.Struct("<HHQQQ")
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR = struct.Struct("<IIQI")
_END = struct.Struct("<IHHHHIIH")

_VERSION = 45
_MADE_BY_UNIX = 3 << 8 | _VERSION
_FLAGS = 1 << 3 | 1 << 11
"""The checksum follows the content; names are UTF-8."""

_FIRST_DAY = 1 << 5 | 1
_IN_ZIP64 = 0xFFFFFFFF
_ORDINARY_FILE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file to be packed: `size` in bytes, which `read` yields when its turn comes."""

    name: str
    size: int
    read: Callable[[], Iterable[bytes]]


def zip_size(entries: Sequence[ZipEntry]) -> int:
    """Return how many bytes `zip_stream` will yield."""
    heads = _LOCAL.size + _ZIP64_LOCAL.size + _DESCRIPTOR.size + _CENTRAL.size + _ZIP64_CENTRAL.size
    names = sum(2 * len(entry.name.encode()) for entry in entries)
    contents = sum(entry.size for entry in entries)
    return contents + names + len(entries) * heads + _END64.size + _LOCATOR.size + _END.size


def zip_stream(entries: Sequence[ZipEntry]) -> Generator[bytes, None, None]:
    """Yield the ZIP. What an entry yields must be as long as it promised; raises ValueError when it is not."""
    directory: list[bytes] = []
    at = 0
    for entry in entries:
        name = entry.name.encode()
        head = _LOCAL.pack(
            0x04034B50, _VERSION, _FLAGS, 0, 0, _FIRST_DAY, 0, _IN_ZIP64, _IN_ZIP64, len(name), _ZIP64_LOCAL.size
        )
        yield b"".join((head, name, _ZIP64_LOCAL.pack(1, 16, entry.size, entry.size)))
        checksum = length = 0
        for piece in entry.read():
            checksum = zlib.crc32(piece, checksum)
            length += len(piece)
            yield piece
        if length != entry.size:
            raise ValueError(f"{entry.name} has {length} bytes instead of {entry.size}")
        yield _DESCRIPTOR.pack(0x08074B50, checksum, length, length)
        directory += (
            _CENTRAL.pack(
                0x02014B50, _MADE_BY_UNIX, _VERSION, _FLAGS, 0, 0, _FIRST_DAY, checksum, _IN_ZIP64, _IN_ZIP64,
                len(name), _ZIP64_CENTRAL.size, 0, 0, 0, _ORDINARY_FILE, _IN_ZIP64,
            ),
            name,
            _ZIP64_CENTRAL.pack(1, 24, length, length, at),
        )  # fmt: skip
        at += _LOCAL.size + len(name) + _ZIP64_LOCAL.size + length + _DESCRIPTOR.size
    content, count = b"".join(directory), len(entries)
    yield content
    yield _END64.pack(0x06064B50, 44, _MADE_BY_UNIX, _VERSION, 0, 0, count, count, len(content), at)
    yield _LOCATOR.pack(0x07064B50, 0, at + len(content), 1)
    yield _END.pack(0x06054B50, 0, 0, count, count, _IN_ZIP64, _IN_ZIP64, 0)
