"""The SHA-256 of each recording, from when it was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Recordings that were closed before have no row: a digest taken now would say nothing about that time.
    op.create_table(
        "recording_digests",
        sa.Column("recording_id", _ROW_ID, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_recording_digests_recording_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recording_digests"),
    )
    op.create_index(
        "ix_recording_digests_due",
        "recording_digests",
        ["recording_id"],
        unique=False,
        sqlite_where=sa.text("taken_at IS NULL"),
        postgresql_where=sa.text("taken_at IS NULL"),
    )
