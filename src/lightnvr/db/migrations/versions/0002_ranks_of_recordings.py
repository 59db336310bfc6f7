"""Lists of recordings by id, stream, end and size: an index for each, and how many lie in each part of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PERIOD_US = 4 * 86_400_000_000
_OCTAVES = 25
_SIZE_BUCKET = " ".join(
    (
        "CASE",
        *(f"WHEN size_bytes < {1 << 21 + octave} THEN {64 * octave} + (size_bytes >> {14 + octave})"
          for octave in range(_OCTAVES)),
        f"ELSE {64 * _OCTAVES} + (size_bytes >> {14 + _OCTAVES}) END",
    )
)  # fmt: skip
_BUCKETS = {"id": "id >> 12", "end_time": "end_us / 86400000000", "size_bytes": _SIZE_BUCKET}

_INTO = "INSERT INTO recording_ranks (sorted_by, stream_name, period, bucket, recordings) "
_FILL = (
    *(
        f"{_INTO}SELECT '{sorted_by}', stream_name, start_us / {_PERIOD_US} AS period, {bucket} AS bucket,"  # noqa: S608 - constants
        " count(*) FROM recordings WHERE complete GROUP BY stream_name, period, bucket"
        for sorted_by, bucket in _BUCKETS.items()
    ),
    _INTO + "SELECT sorted_by, '', period, bucket, sum(recordings) FROM recording_ranks GROUP BY 1, 3, 4",  # noqa: S608 - constants
    _INTO + "SELECT sorted_by, stream_name, -1, bucket, sum(recordings) FROM recording_ranks GROUP BY 1, 2, 4",  # noqa: S608 - constants
)


def upgrade() -> None:
    op.create_table(
        "recording_ranks",
        sa.Column("sorted_by", sa.Text(), nullable=False),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recordings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "stream_name", "period", "bucket", name="pk_recording_ranks"),
        sqlite_with_rowid=False,
    )
    for statement in _FILL:
        op.execute(statement)
    for name in ("end_us_id", "size_bytes_id", "stream_name_id"):
        op.drop_index(f"ix_recordings_{name}", table_name="recordings")
    _create_index("ix_recordings_by_stream", ["stream_name", "id", "start_us"])
    _create_index("ix_recordings_by_end", ["end_us", "id", "start_us", "stream_name"])
    _create_index("ix_recordings_by_size", ["size_bytes", "id", "start_us", "stream_name"])
    _create_index("ix_recordings_finished", ["start_us", "stream_name", "id", "end_us", "size_bytes"])


def _create_index(name: str, columns: list[str]) -> None:
    op.create_index(
        name,
        "recordings",
        columns,
        unique=False,
        sqlite_where=sa.text("complete = 1"),
        postgresql_where=sa.text("complete = true"),
    )
