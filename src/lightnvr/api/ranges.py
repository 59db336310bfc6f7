"""Byte ranges of HTTP (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_BEYOND = 10**18


class RangeNotSatisfiable(Exception):
    """The range lies outside of the file, which has `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int


def read_range(header: str | None, size: int) -> ByteRange | None:
    """Return what part of a file of `size` bytes is asked for; None is the whole file.

    A header that is not understood, of another unit, or of several ranges asks for the whole file, as RFC 9110 allows.
    Raises RangeNotSatisfiable when nothing of the file is in the range.
    """
    if header is None:
        return None
    unit, _, ranges = header.partition("=")
    found = _RANGE.fullmatch(ranges.strip())
    if unit.strip().lower() != "bytes" or found is None:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        length = min(_number(last), size)
        if length == 0:
            raise RangeNotSatisfiable(size)
        return ByteRange(size - length, size)
    start, end = _number(first), _number(last) if last else size - 1
    if last and end < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return ByteRange(start, min(end + 1, size))


def _number(digits: str) -> int:
    # Thousands of digits would be slow to read, and every number beyond any file means the same.
    stripped = digits.lstrip("0")
    return _BEYOND if len(stripped) > 18 else int(stripped or "0")
