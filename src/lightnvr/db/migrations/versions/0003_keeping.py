"""How long recordings are kept: what each is worth, what is being deleted, and how much each stream takes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SIZES = """
UPDATE recording_days SET size_bytes = coalesce((
  SELECT sum(recordings.size_bytes) FROM recordings
  WHERE recordings.complete AND recordings.stream_name = recording_days.stream_name
  AND recordings.start_us >= recording_days.day * 86400000000
  AND recordings.start_us < (recording_days.day + 1) * 86400000000
), 0)
"""


def upgrade() -> None:
    op.add_column("recordings", sa.Column("tier", sa.Text(), server_default="standard", nullable=False))
    op.add_column("recordings", sa.Column("override_days", sa.Integer(), nullable=True))
    op.execute("UPDATE recordings SET tier = 'important' WHERE capture_method IN ('detection', 'motion')")
    op.create_table(
        "recording_deletions",
        sa.Column("recording_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_recording_deletions_recording_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recording_deletions"),
    )
    op.add_column("recording_days", sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(_SIZES)
    mortal = "complete = {yes} AND protected = {no} AND override_days IS"
    _create_index("removable", ["stream_name", "tier", "capture_method", "start_us", "id"], f"{mortal} NULL")
    _create_index("overridden", ["stream_name", "start_us", "id", "override_days"], f"{mortal} NOT NULL")
    _create_index("protected", ["start_us", "id", "stream_name"], "protected = {yes}")


def _create_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        f"ix_recordings_{name}",
        "recordings",
        columns,
        unique=False,
        sqlite_where=sa.text(where.format(yes=1, no=0)),
        postgresql_where=sa.text(where.format(yes="true", no="false")),
    )
