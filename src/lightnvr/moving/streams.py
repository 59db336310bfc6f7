"""Streams of the original, with all that is set of them."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.moving.original import Original, OriginalRow, Value
from lightnvr.moving.report import Report, Thing
from lightnvr.moving.values import flag, number, schedule, text, whole
from lightnvr.streams.checking import merged
from lightnvr.streams.masking import source_address
from lightnvr.streams.model import InvalidStreamSetting, Stream
from lightnvr.streams.names import folder_name, stream_name
from lightnvr.streams.settings import SECRET_MEMBERS, StreamSettings
from lightnvr.streams.store import StreamStore

_SCHEDULES = ("recording_schedule", "detection_recording_schedule")
_DAYS = ("retention_days", "detection_retention_days")
_FACTORS = ("tier_critical_multiplier", "tier_important_multiplier", "tier_ephemeral_multiplier")
_MOST_DAYS = 365


class StreamMover:
    """Takes over streams within a connection that the caller owns. `now_s` is in seconds since 1970 UTC."""

    def __init__(self, store: StreamStore, report: Report, now_s: int, max_streams: int) -> None:
        self._store = store
        self._report = report
        self._now_s = now_s
        self._max_streams = max_streams

    async def take_over(self, connection: AsyncConnection, original: Original) -> None:
        """Store every stream whose name is not there yet. Raises DamagedTable."""
        there = {stream.name for stream in await self._store.every(connection)}
        folders = set(await self._store.folders(connection))
        seen: set[str] = set()
        for row in original.rows("streams"):
            what = f"stream {text(row['name']) or '(without a name)'}"
            try:
                stream = self._stream(row, what)
            except InvalidStreamSetting as error:
                self._report.left(Thing.STREAM, what, f"{error}.")
                continue
            if stream.name in seen:
                self._report.left(Thing.STREAM, what, "There is another stream of this name.")
            elif stream.name in there:
                self._report.present(Thing.STREAM)
            else:
                stream = replace(stream, folder=folder_name(stream.name, folders))
                folders.add(stream.folder.lower())
                await self._store.add(connection, stream)
                self._report.taken(Thing.STREAM)
            seen.add(stream.name)
        many = await self._store.count(connection)
        if many > self._max_streams:
            self._report.note(
                f"there are {many} streams now, and max_streams is {self._max_streams}: no more can be added until it "
                "is raised"
            )

    def _stream(self, row: OriginalRow, what: str) -> Stream:
        name = stream_name(text(row["name"]))
        source = source_address(text(row["url"]), None)

        def tell(how: str) -> None:
            self._report.changed(what, how)

        settings = stream_settings(row, tell)
        privacy = flag(row["privacy_mode"], default=False)
        return Stream(0, name, "", source, settings, privacy, created_at=self._now_s, updated_at=self._now_s)


def stream_settings(row: OriginalRow, tell: Callable[[str], None]) -> StreamSettings:
    """Return what a row of the original sets. What is not possible here gets the default, and is told."""
    defaults, given = StreamSettings(), dict[str, object]()
    for member, field in StreamSettings.model_fields.items():
        if member not in row:
            continue
        value = _value(member, row, is_flag=field.annotation is bool)
        try:
            one = StreamSettings.model_validate({member: value})
            merged(defaults, one)
        except (ValidationError, InvalidStreamSetting):
            shown = "a value" if member in SECRET_MEMBERS or member == "onvif_password" else repr(row[member])
            default = getattr(defaults, member)
            if member in _DAYS and (number(row[member]) or 0) > _MOST_DAYS:
                default = given[member] = 0
            tell(f"{member} is {shown}, which is not possible here; it is {default!r} now")
            continue
        given[member] = getattr(one, member)
    return StreamSettings.model_validate(given)


def _value(member: str, row: OriginalRow, *, is_flag: bool) -> object:
    value: Value = row[member]
    if member in _SCHEDULES:
        return schedule(value)
    if member == "tags":
        # One early version had a single group instead.
        return text(value) or text(row["group_name"])
    if is_flag:
        return flag(value, default=bool(StreamSettings.model_fields[member].default))
    if member in _DAYS:
        return whole(value)
    if member in _FACTORS:
        factor = number(value)
        # Nothing, or less, is the default in the original too.
        return factor if factor is not None and factor > 0 else StreamSettings.model_fields[member].default
    if isinstance(StreamSettings.model_fields[member].default, int | float):
        return number(value)
    return text(value)
