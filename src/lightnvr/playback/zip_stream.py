"""Several files as one ZIP that is made while it is sent."""

import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_PIECE = 256 * 1024
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""ZIP knows no earlier time."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """The first `length` bytes of a file, under a name. `modified_s` is in seconds since 1970 UTC."""

    name: str
    path: Path
    length: int
    modified_s: float


def zip_stream(entries: Iterable[ZipEntry]) -> Iterator[bytes]:
    """Yield a ZIP of these files, not compressed, for video does not become smaller. Blocks.

    Sizes follow the content (APPNOTE.TXT 4.4.4, bit 3), so nothing is read twice; what does not fit in 32 bits is in
    the ZIP64 form. No more than a piece is in memory. Raises OSError, also when a file is shorter than it should be.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            moment = max(_EARLIEST, datetime.fromtimestamp(entry.modified_s, UTC))
            date = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
            about = zipfile.ZipInfo(entry.name, date)
            about.external_attr = 0o644 << 16
            about.file_size = entry.length
            with archive.open(about, "w") as target:
                for piece in _pieces(entry):
                    target.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def _pieces(entry: ZipEntry) -> Iterator[bytes]:
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at = 0
        while at < entry.length:
            piece = os.pread(descriptor, min(_PIECE, entry.length - at), at)
            if not piece:
                raise OSError(f"{entry.path} ends at byte {at}, before byte {entry.length}")
            at += len(piece)
            yield piece
    finally:
        os.close(descriptor)


class _Sink:
    """Where the ZIP is written to: what was written since it was taken last. It cannot seek, and zipfile sees that."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._written.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        content = b"".join(self._written)
        self._written.clear()
        return content
