"""Queries for configured streams."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import streams
from lightnvr.media.address import SourceAddress
from lightnvr.streams.model import Stream
from lightnvr.streams.secrets import SecretBox, SecretUnreadable
from lightnvr.streams.settings import SECRET_MEMBERS, StreamSettings

_SCHEDULES = ("recording_schedule", "detection_recording_schedule")
_BIGGEST_ID = 2**63 - 1
_UNREADABLE = (
    "{members} cannot be read: the key file in the data folder is not the one that was there when they were stored. "
    "Put that one back, or enter them again."
)


class StreamStore:
    """Reads and writes streams within a connection that the caller owns."""

    def __init__(self, secrets: SecretBox) -> None:
        self._secrets = secrets

    async def every(self, connection: AsyncConnection) -> tuple[Stream, ...]:
        """Return all streams, by name."""
        rows = (await connection.execute(select(streams).order_by(streams.c.name))).mappings()
        return tuple(self._stream(row) for row in rows)

    async def tags(self, connection: AsyncConnection) -> dict[str, str]:
        """Return the tags of each stream by its name, without the cost of unsealing anything."""
        rows = await connection.execute(select(streams.c.name, streams.c.tags))
        return {row.name: row.tags for row in rows}

    async def by_name(self, connection: AsyncConnection, name: str) -> Stream | None:
        """Return the stream with this name."""
        if "\x00" in name:  # PostgreSQL has no such text
            return None
        row = (await connection.execute(select(streams).where(streams.c.name == name))).mappings().one_or_none()
        return None if row is None else self._stream(row)

    async def by_id(self, connection: AsyncConnection, stream_id: int) -> Stream | None:
        """Return the stream with this id."""
        if not 0 < stream_id <= _BIGGEST_ID:
            return None
        row = (await connection.execute(select(streams).where(streams.c.id == stream_id))).mappings().one_or_none()
        return None if row is None else self._stream(row)

    async def count(self, connection: AsyncConnection) -> int:
        """Return how many streams there are."""
        return (await connection.execute(select(func.count()).select_from(streams))).scalar_one()

    async def folders(self, connection: AsyncConnection) -> frozenset[str]:
        """Return the folders of all streams, in lower case."""
        return frozenset((await connection.execute(select(func.lower(streams.c.folder)))).scalars())

    async def add(self, connection: AsyncConnection, stream: Stream) -> int:
        """Store a new stream and return its id; the id of `stream` itself is not looked at."""
        row = self._sealed(_plain_row(stream)) | {"created_at": stream.created_at}
        added: int = (await connection.execute(insert(streams).values(row).returning(streams.c.id))).scalar_one()
        return added

    async def replace(self, connection: AsyncConnection, before: Stream, after: Stream) -> None:
        """Store what is not the same in `after`. What is, stays as it is, even a secret that cannot be read."""
        old, new = _plain_row(before), _plain_row(after)
        changed = {column: value for column, value in new.items() if value != old[column]}
        if changed:
            await connection.execute(update(streams).where(streams.c.id == after.id).values(self._sealed(changed)))

    async def remove(self, connection: AsyncConnection, stream_id: int) -> None:
        """Delete a stream."""
        await connection.execute(delete(streams).where(streams.c.id == stream_id))

    def _sealed(self, row: Mapping[str, object]) -> dict[str, object]:
        return {
            column: self._secrets.seal(str(value)) if column.endswith("_sealed") else value
            for column, value in row.items()
        }

    def _stream(self, row: RowMapping) -> Stream:
        unreadable: list[str] = []
        password = self._reveal(row, "password_sealed", unreadable)
        source = SourceAddress.parse(row["url"]).with_credentials(row["username"], password)
        settings = StreamSettings.model_construct(**self._settings(row, unreadable))
        return Stream(
            id=row["id"],
            name=row["name"],
            folder=row["folder"],
            source=source,
            settings=settings,
            privacy_mode=row["privacy_mode"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            problem=_UNREADABLE.format(members=" and ".join(unreadable)) if unreadable else "",
        )

    def _settings(self, row: RowMapping, unreadable: list[str]) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for member in StreamSettings.model_fields:
            if member in SECRET_MEMBERS:
                values[member] = self._reveal(row, f"{member}_sealed", unreadable)
            elif member in _SCHEDULES:
                values[member] = tuple(hour == "1" for hour in row[member])
            else:
                values[member] = row[member]
        return values

    def _reveal(self, row: RowMapping, column: str, unreadable: list[str]) -> str:
        try:
            return self._secrets.reveal(row[column])
        except SecretUnreadable:
            unreadable.append(column.removesuffix("_sealed"))
            return ""


def _plain_row(stream: Stream) -> dict[str, object]:
    row: dict[str, object] = {
        "name": stream.name,
        "folder": stream.folder,
        "url": stream.source.without_credentials(),
        "username": stream.source.username,
        "password_sealed": stream.source.password,
        "privacy_mode": stream.privacy_mode,
        "updated_at": stream.updated_at,
    }
    for member in StreamSettings.model_fields:
        value = getattr(stream.settings, member)
        if member in SECRET_MEMBERS:
            row[f"{member}_sealed"] = value
        elif member in _SCHEDULES:
            row[member] = "".join("1" if hour else "0" for hour in value)
        else:
            row[member] = value
    return row
