"""Tags of recordings, what was detected in them, and for each such thing which recordings have it."""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BLOCK_BITS = 12
_DAY_US = 86_400_000_000
_ROWS = sa.text(
    "SELECT id, stream_name, start_us, capture_method, protected FROM recordings"
    " WHERE id > :after ORDER BY id LIMIT 50000"
)
_Key = tuple[str, str, int]


def upgrade() -> None:
    op.create_table(
        "detections",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("stream_id", _ROW_ID, nullable=True),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("score", "x", "y", "width", "height")),
        sa.Column("track_id", sa.BigInteger(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recording_id", _ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_detections_recording_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_detections"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_detections_stream_name_start_us", "detections", ["stream_name", "start_us"])
    op.create_index("ix_detections_recording_id", "detections", ["recording_id"])
    op.create_index("ix_detections_label", "detections", ["label"])
    _create_marks("recording_tags", "tag")
    _create_marks("recording_labels", "label", sa.Column("detections", sa.BigInteger(), nullable=False))
    op.create_table(
        "recording_facets",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "block", name="pk_recording_facets"),
        sqlite_with_rowid=False,
    )
    _fill()
    op.create_index("ix_recording_facets_block", "recording_facets", ["block"])


def _create_marks(name: str, mark: str, *more: "sa.Column[int]") -> None:
    op.create_table(
        name,
        sa.Column("recording_id", _ROW_ID, nullable=False),
        sa.Column(mark, sa.Text(), nullable=False),
        *more,
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=f"fk_{name}_recording_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", mark, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def _fill() -> None:
    bits: defaultdict[_Key, bytearray] = defaultdict(lambda: bytearray(1 << _BLOCK_BITS - 3))
    connection, after = op.get_bind(), 0
    while rows := connection.execute(_ROWS, {"after": after}).all():
        for key, stream_name, start_us, capture_method, protected in rows:
            facets = [("stream", stream_name), ("method", capture_method), ("day", f"{start_us // _DAY_US:06}")]
            facets += [("protected", "")] if protected else []
            facets += [("detection", "")] if capture_method in ("detection", "motion") else []
            block, bit = key >> _BLOCK_BITS, key & (1 << _BLOCK_BITS) - 1
            for kind, value in facets:
                bits[kind, value, block][bit >> 3] |= 1 << (bit & 7)
        after = rows[-1][0]
    table = sa.table("recording_facets", *map(sa.column, ("kind", "value", "block", "bits")))
    filled = [
        {"kind": kind, "value": value, "block": block, "bits": bytes(content)}
        for (kind, value, block), content in sorted(bits.items())
    ]
    for first in range(0, len(filled), 1000):
        connection.execute(table.insert(), filled[first : first + 1000])
