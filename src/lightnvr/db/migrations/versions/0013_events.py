"""Events, and which point of a box counts for a zone."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("detection_zones", sa.Column("anchor", sa.Text(), nullable=False, server_default="centre"))
    op.create_table(
        "events",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("stream_id", _ROW_ID, nullable=False),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("picture", sa.Text(), nullable=False),
        sa.Column("recording_id", _ROW_ID, nullable=True),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_events_recording_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_start_us_id", "events", ["start_us", "id"])
    op.create_index("ix_events_stream_name_start_us_id", "events", ["stream_name", "start_us", "id"])
    op.create_index("ix_events_recording_id", "events", ["recording_id"])
    for name, columns, where in (
        ("ix_events_open", ["start_us", "id"], "end_us IS NULL"),
        ("ix_events_pictured", ["stream_name", "start_us", "id"], "picture != ''"),
    ):
        op.create_index(name, "events", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_table(
        "event_marks",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_marks_event_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "value", "start_us", "event_id", name="pk_event_marks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_marks_event_id", "event_marks", ["event_id"])
    op.create_index("ix_event_marks_of_stream", "event_marks", ["kind", "value", "stream_name", "start_us", "event_id"])
    op.create_table(
        "event_changes",
        sa.Column("number", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("event_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_changes_event_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_event_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_changes_event_id", "event_changes", ["event_id"])
