"""The tables of events. Times are microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Table, Text

from lightnvr.db.tables import RowId, metadata

# `heard_us` is when an event was last known to go on: its end, when the server stopped before it could store another.
events = Table(
    "events",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("stream_id", RowId, nullable=False),
    Column("stream_name", Text, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=True),
    Column("heard_us", BigInteger, nullable=False),
    Column("origins", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("zones", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("picture", Text, nullable=False),
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="SET NULL"), nullable=True),
    Column("interrupted", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
Index(None, events.c.start_us, events.c.id)
Index(None, events.c.stream_name, events.c.start_us, events.c.id)
Index(None, events.c.recording_id)
Index("ix_events_open", events.c.start_us, events.c.id, sqlite_where=events.c.end_us.is_(None))
Index("ix_events_pictured", events.c.stream_name, events.c.start_us, events.c.id, sqlite_where=events.c.picture != "")

# What events are looked for by: each label, zone and origin of each, with all that their order needs.
event_marks = Table(
    "event_marks",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("start_us", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "event_id",
        RowId,
        ForeignKey("events.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
    Column("stream_name", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "ix_event_marks_of_stream",
    event_marks.c.kind,
    event_marks.c.value,
    event_marks.c.stream_name,
    event_marks.c.start_us,
    event_marks.c.event_id,
)

# What became of events, by number, so that whoever was away finds what came since. Only the latest are kept.
event_changes = Table(
    "event_changes",
    metadata,
    Column("number", RowId, primary_key=True, autoincrement=True),
    Column("event_id", RowId, ForeignKey("events.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
