"""The table of what tells others of events: messages on their way."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from lightnvr.db.tables import RowId, metadata

# Messages that were not taken yet, in the order of their ids for each destination. `content` is JSON.
outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("destination", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index(None, outbox.c.destination, outbox.c.id)
