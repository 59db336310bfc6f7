"""Recordings of the original: rows and the files they name, which stay where they are."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath

from lightnvr.db.engine import Database
from lightnvr.media.mp4.plain_movie import NoMovie
from lightnvr.moving.links import Linker
from lightnvr.moving.original import Original, OriginalRow
from lightnvr.moving.places import FoundFile, NotThere, Places
from lightnvr.moving.recording_marks import kept_for, method_of, tags_of, tier_of
from lightnvr.moving.report import Report, Thing
from lightnvr.moving.values import flag, seconds, text, whole
from lightnvr.recording import sync_rows, taking_over
from lightnvr.recording.model import BY_DETECTION, CaptureMethod
from lightnvr.recording.plain_file import PlainFile, read_plain_file
from lightnvr.recording.storage import Storage
from lightnvr.recording.taking_over import TakenOver
from lightnvr.storage.retention import Kept, Rules, expires_us
from lightnvr.streams.model import InvalidStreamSetting
from lightnvr.streams.names import folder_name, stream_name

_AT_ONCE = 500
_READERS = 4
_TELL_EVERY = 10_000
_SLACK_US = 60_000_000


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row whose file is there. `path` is its name in `storage`, which may be a link to it."""

    what: str
    row: OriginalRow
    found: FoundFile
    storage: Storage
    path: PurePosixPath
    stream_name: str
    method: CaptureMethod


class RecordingMover:
    """Takes over recordings, some hundred at a time, each time in one transaction.

    So an interrupted run can be repeated: what is listed stays as it is.
    """

    def __init__(
        self,
        database: Database,
        places: Places,
        rules: Rules,
        folders: Mapping[str, str],
        report: Report,
        *,
        linker: Linker | None,
        keep_overdue: bool,
        now_us: int,
    ) -> None:
        """`folders` has the folder of each stream by its name. With a `linker` the files get a name there.

        With `keep_overdue` recordings are protected that would be deleted at once, because they are older than `rules`
        keep them. `now_us` is in microseconds since 1970 UTC.
        """
        self._database = database
        self._places = places
        self._rules = rules
        self._folders = folders
        self._report = report
        self._linker = linker
        self._keep_overdue = keep_overdue
        self._now_us = now_us
        self.overdue = 0
        """How many of those taken over are older than the rules keep them, though nobody protected them."""

    async def take_over(self, original: Original) -> None:
        """List every recording whose file can be played. Raises DamagedTable, SQLAlchemyError, OSError."""
        repeated = original.repeated_recordings()
        rows = original.rows("recordings")
        done = 0
        with ThreadPoolExecutor(_READERS, thread_name_prefix="import") as pool:
            while some := list(islice(rows, _AT_ONCE)):
                await self._take_some(original, pool, some, repeated)
                done += len(some)
                if not done % _TELL_EVERY:
                    self._report.progress(f"{done} recordings were looked at")

    async def _take_some(
        self, original: Original, pool: ThreadPoolExecutor, rows: Sequence[OriginalRow], repeated: frozenset[int]
    ) -> None:
        # Before there were schedules everything was called scheduled.
        is_early = not original.has("streams", "record_on_schedule")
        found = await asyncio.to_thread(lambda: list(self._candidates(rows, repeated, is_early=is_early)))
        fresh = await self._fresh(found)
        tags = original.tags([whole(each.row["id"]) for each in fresh])
        read = await asyncio.to_thread(lambda: list(pool.map(_read, fresh)))
        taken: dict[int, list[TakenOver]] = {}
        for each, contents in zip(fresh, read, strict=True):
            file = contents
            if not isinstance(file, str) and _start_us(each.row) + file.length_us > self._now_us + _SLACK_US:
                # What is recorded from now on would have to come after it.
                file = "It ends in the future."
            if isinstance(file, str):
                self._report.left(Thing.RECORDING, each.what, file)
                continue
            own_tags, refused = tags_of(tags.get(whole(each.row["id"]), []))
            for tag in refused:
                self._report.changed(each.what, f"it has not the tag {tag!r}, which is not possible here")
            taken.setdefault(each.storage.id, []).append(self._taken(each, file, own_tags))
        for storage_id, some in taken.items():
            async with self._database.writing.begin() as connection:
                await taking_over.add_finished(connection, storage_id, some)
            self._report.taken(Thing.RECORDING, len(some))

    def _candidates(
        self, rows: Iterable[OriginalRow], repeated: frozenset[int], *, is_early: bool
    ) -> Iterator[_Candidate]:
        for row in rows:
            what = f"recording {text(row['id'])}, {text(row['file_path']) or 'without a file'}"
            try:
                if whole(row["id"]) in repeated:
                    raise NotThere("Another recording has the same file.")
                yield self._candidate(row, what, method_of(row, is_early=is_early))
            except InvalidStreamSetting:
                self._report.left(Thing.RECORDING, what, "Its stream has a name that is not possible here.")
            except NotThere as reason:
                self._report.left(Thing.RECORDING, what, str(reason))

    def _candidate(self, row: OriginalRow, what: str, method: CaptureMethod) -> _Candidate:
        name, start_s = stream_name(text(row["stream_name"])), seconds(row["start_time"])
        if not 0 < start_s * 1_000_000 <= self._now_us:
            raise NotThere("It is not known when it began." if not start_s else "It begins in the future.")
        found = self._places.find(text(row["file_path"]))
        candidate = _Candidate(what, row, found, found.storage, found.path, name, method)
        if self._linker is None:
            return candidate
        folder = self._folders.get(name) or folder_name(name, ())
        try:
            path = self._linker.link(found.absolute, folder, start_s * 1_000_000, method)
        except OSError as error:
            raise NotThere(f"It cannot be linked: {error.strerror}.") from error
        return replace(candidate, storage=self._linker.storage, path=path)

    async def _fresh(self, found: Sequence[_Candidate]) -> list[_Candidate]:
        """Return those that are in no list yet."""
        known: set[tuple[int, PurePosixPath]] = set()
        async with self._database.reading.connect() as connection:
            for storage_id in {each.storage.id for each in found}:
                paths = [each.path for each in found if each.storage.id == storage_id]
                known |= {(storage_id, path) for path in await sync_rows.known(connection, storage_id, paths)}
        fresh: list[_Candidate] = []
        for each in found:
            if (each.storage.id, each.path) in known:
                self._report.present(Thing.RECORDING)
            else:
                known.add((each.storage.id, each.path))
                fresh.append(each)
        return fresh

    def _taken(self, each: _Candidate, file: PlainFile, tags: tuple[str, ...]) -> TakenOver:
        row, start_us = each.row, _start_us(each.row)
        rules = self._rules.of(each.stream_name)
        by_detection = each.method in BY_DETECTION
        tier = tier_of(row)
        override_days = kept_for(row, rules.detection_retention_days if by_detection else rules.retention_days)
        is_protected = flag(row["protected"], default=False)
        if not is_protected:
            kept = Kept(0, each.stream_name, start_us, file.size_bytes, tier, by_detection, override_days)
            if expires_us(kept, rules) <= self._now_us:
                self.overdue += 1
                is_protected = self._keep_overdue
        return TakenOver(
            stream_name=each.stream_name,
            path=each.path,
            start_us=start_us,
            capture_method=each.method,
            schedule_restricted=flag(row["schedule_restricted"], default=False),
            protected=is_protected,
            tier=tier,
            override_days=override_days,
            tags=tags,
            file=file,
        )


def _start_us(row: OriginalRow) -> int:
    return seconds(row["start_time"]) * 1_000_000


def _read(each: _Candidate) -> PlainFile | str:
    """Return what a file holds, or a sentence why it cannot be played."""
    try:
        return read_plain_file(each.found.absolute)
    except NoMovie as error:
        return f"The file cannot be played: {error}."
    except OSError as error:
        return f"The file cannot be read: {error.strerror or error}."
