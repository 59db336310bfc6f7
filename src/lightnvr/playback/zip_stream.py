"""A ZIP that is written while it is read (PKWARE APPNOTE 6.3.10), with nothing in it that is left to chance.

The same entries give the same bytes, so that not only what is packed can be checked, but the ZIP itself. Nothing is
compressed, for video does not become smaller. Sizes are of 64 bits, however small they are: so the size of the whole is
known before. They come after the content once more with its checksum (4.4.4, bit 3), so that nothing is read twice.
"""

import os
import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

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

_PIECE_BYTES = 256 * 1024
_EARLIEST_S, _LATEST_S = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1980, 2108))
"""ZIP knows no other times."""

_IN_ZIP64 = 0xFFFFFFFF
_ORDINARY_FILE = 0o100644 << 16

_ReadRange = Callable[[int, int, int], Iterator[bytes]]
"""Yields what is at a descriptor from a start up to a stop."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file to be packed: `size` in bytes, which `read` yields when its turn comes.

    `modified_s` is in seconds since 1970 UTC. Without it the time is the first that ZIP knows.
    """

    name: str
    size: int
    read: Callable[[], Iterable[bytes]]
    modified_s: float = _EARLIEST_S


def file_entry(
    name: str,
    path: Path,
    length: int,
    modified_s: float,
    read: Callable[[int, int, int], Iterator[bytes]] | None = None,
) -> ZipEntry:
    """Return the first `length` bytes of a file as an entry. Its `read` raises OSError, also when it is shorter.

    Without `read` that is what is in the file.
    """
    return ZipEntry(name, length, partial(_pieces, path, length, read or _plain), modified_s)


def zip_size(entries: Sequence[ZipEntry]) -> int:
    """Return how many bytes `zip_stream` will yield."""
    heads = _LOCAL.size + _ZIP64_LOCAL.size + _DESCRIPTOR.size + _CENTRAL.size + _ZIP64_CENTRAL.size
    names = sum(2 * len(entry.name.encode()) for entry in entries)
    contents = sum(entry.size for entry in entries)
    return contents + names + len(entries) * heads + _END64.size + _LOCATOR.size + _END.size


def zip_stream(entries: Sequence[ZipEntry]) -> Generator[bytes, None, None]:
    """Yield the ZIP, of which no more than a piece is in memory. Blocks.

    What an entry yields must be as long as it promised; raises ValueError when it is not, and what entries raise.
    """
    directory: list[bytes] = []
    at = 0
    for entry in entries:
        name = entry.name.encode()
        time, date = _moment(entry.modified_s)
        head = _LOCAL.pack(
            0x04034B50, _VERSION, _FLAGS, 0, time, date, 0, _IN_ZIP64, _IN_ZIP64, len(name), _ZIP64_LOCAL.size
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
                0x02014B50, _MADE_BY_UNIX, _VERSION, _FLAGS, 0, time, date, checksum, _IN_ZIP64, _IN_ZIP64,
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


def _moment(modified_s: float) -> tuple[int, int]:
    """Return a time and a day as ZIP writes them, in steps of two seconds (4.4.6)."""
    at = datetime.fromtimestamp(min(max(modified_s, _EARLIEST_S), _LATEST_S - 1), UTC)
    return at.hour << 11 | at.minute << 5 | at.second >> 1, at.year - 1980 << 9 | at.month << 5 | at.day


def _pieces(path: Path, length: int, read: _ReadRange) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield from read(descriptor, 0, length)
    finally:
        os.close(descriptor)


def _plain(descriptor: int, start: int, stop: int) -> Iterator[bytes]:
    while start < stop:
        piece = os.pread(descriptor, min(_PIECE_BYTES, stop - start), start)
        if not piece:
            raise OSError(f"the file ends at byte {start}, before byte {stop}")
        start += len(piece)
        yield piece
