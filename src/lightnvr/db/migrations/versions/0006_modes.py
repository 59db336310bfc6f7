"""Why and how much: recordings that were started by hand, and how much time each day has."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIMES = """
UPDATE recording_days SET recorded_us = coalesce((
  SELECT sum(recordings.end_us - recordings.start_us) FROM recordings
  WHERE recordings.complete AND recordings.stream_name = recording_days.stream_name
  AND recordings.start_us >= recording_days.day * 86400000000
  AND recordings.start_us < (recording_days.day + 1) * 86400000000
), 0)
"""


def upgrade() -> None:
    op.create_table(
        "manual_recordings",
        sa.Column("stream_id", _ROW_ID, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["streams.id"], name="fk_manual_recordings_stream_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stream_id", name="pk_manual_recordings"),
    )
    op.add_column("recording_days", sa.Column("recorded_us", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(_TIMES)
