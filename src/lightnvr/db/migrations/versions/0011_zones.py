"""Zones of streams."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "detection_zones",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("stream_id", _ROW_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("polygon", sa.Text(), nullable=False),
        sa.Column("filter_classes", sa.Text(), nullable=False),
        sa.Column("min_confidence", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["streams.id"], name="fk_detection_zones_stream_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_detection_zones"),
        sa.UniqueConstraint("stream_id", "key", name="uq_detection_zones_stream_id_key"),
        sqlite_autoincrement=True,
    )
