"""The digits of the ends and sizes of finished recordings, so that filtered lists by them are found at once."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BLOCK_BITS = 12
_BLOCK_IDS = 1 << _BLOCK_BITS
_END_DIGITS = 22
_END_BITS = 31
_SIZE_DIGITS = 15
_ROWS = sa.text(
    "SELECT id, end_us, size_bytes FROM recordings WHERE complete AND id >= :first AND id < :after ORDER BY id"
)
_TABLE = sa.table("recording_facets", *map(sa.column, ("kind", "value", "block", "bits")))


def upgrade() -> None:
    connection = op.get_bind()
    first, last = connection.execute(sa.text("SELECT min(id), max(id) FROM recordings")).one()
    for block in range((first or 0) >> _BLOCK_BITS, ((-1 if last is None else last) >> _BLOCK_BITS) + 1):
        within = {"first": block << _BLOCK_BITS, "after": block + 1 << _BLOCK_BITS}
        rows = connection.execute(_ROWS, within).all()
        ends = _digits(((row[0], max(0, row[1]) >> _END_BITS) for row in rows), _END_DIGITS)
        sizes = _digits(((row[0], _size_bucket(row[2])) for row in rows), _SIZE_DIGITS)
        filled = [
            {"kind": kind, "value": "", "block": block, "bits": content}
            for kind, content in (("end", ends), ("size", sizes))
            if any(content)
        ]
        if filled:
            connection.execute(_TABLE.insert(), filled)


def _digits(buckets: Iterable[tuple[int, int]], digits: int) -> bytes:
    content = bytearray(digits * _BLOCK_IDS >> 3)
    for key, bucket in buckets:
        bit = key & _BLOCK_IDS - 1
        for digit, is_set in enumerate(f"{min(bucket, (1 << digits) - 1):0{digits}b}"):
            if is_set == "1":
                content[(digit * _BLOCK_IDS + bit) >> 3] |= 1 << (bit & 7)
    return bytes(content)


def _size_bucket(size: int) -> int:
    octave = min(30, max(0, size.bit_length() - 21))
    return (octave << 10) + (size >> 10 + octave)
