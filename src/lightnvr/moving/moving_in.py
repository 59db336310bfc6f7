"""Takes over an installation of the original: what it does, in which order."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.accounts.second_factor import Seal
from lightnvr.db.engine import Database
from lightnvr.moving.detections import take_over_detections
from lightnvr.moving.links import Linker
from lightnvr.moving.original import NEWEST_MIGRATION, DamagedTable, Original
from lightnvr.moving.places import Moved, Places, new_storages
from lightnvr.moving.recordings import RecordingMover
from lightnvr.moving.report import CannotMoveIn, Report, Thing
from lightnvr.moving.streams import StreamMover
from lightnvr.moving.users import UserMover
from lightnvr.moving.values import text
from lightnvr.moving.zones import take_over_zones
from lightnvr.recording import candidates, store
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.storage import Storage
from lightnvr.storage.retention import Rules
from lightnvr.streams.model import Stream
from lightnvr.streams.store import StreamStore


@dataclass(frozen=True, slots=True)
class Wishes:
    """How it is to be done.

    `link`: recordings get a name in the usual storage instead of being listed where they are. `expire`: those that are
    older than the rules keep them may go. `pretend`: nothing outside of the database is touched.
    """

    link: bool = False
    expire: bool = False
    pretend: bool = False
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything is taken to.

    `storages` are the folders of the settings by name, `default_storage` the one of streams that name none. `rules_of`
    gives how long recordings of these streams are kept. `show_password` gets a name and a password that was made.
    """

    database: Database
    streams: StreamStore
    seal: Seal
    hash_password: Callable[[str], Awaitable[str]]
    show_password: Callable[[str, str], None]
    rules_of: Callable[[Sequence[Stream]], Rules]
    storages: Mapping[str, Path]
    default_storage: str
    directory_format: DirectoryFormat
    max_streams: int
    now_s: int


async def move_in(original: Original, folders: Sequence[Path], home: Home, wishes: Wishes, report: Report) -> None:
    """Take over streams, users, detections and recordings, and note in the report what came of it.

    `folders` are the original's folders of recordings. Raises CannotMoveIn, SQLAlchemyError, OSError.
    """
    if original.version > NEWEST_MIGRATION:
        report.note(
            f"its tables have version {original.version}, and up to {NEWEST_MIGRATION} are known: what is new in them"
            " is not taken over"
        )
    _tell_of_others(original, report)
    streams = StreamMover(home.streams, report, home.now_s, home.max_streams)
    await _in_one(home.database, report, Thing.STREAM, lambda connection: streams.take_over(connection, original))
    async with home.database.reading.connect() as connection:
        stream_ids = {stream.name: stream.id for stream in await home.streams.every(connection)}
    await _in_one(
        home.database,
        report,
        Thing.ZONE,
        lambda connection: take_over_zones(connection, original, stream_ids, report),
    )
    users = UserMover(home.seal, home.hash_password, home.show_password, report)
    await _in_one(home.database, report, Thing.USER, lambda connection: users.take_over(connection, original))
    try:
        await take_over_detections(home.database, original, report)
    except DamagedTable as error:
        report.left(Thing.DETECTION, "the rest of them", str(error))
    await _move_recordings(original, folders, home, wishes, report)


def _tell_of_others(original: Original, report: Report) -> None:
    for unknown in original.unknown():
        report.left(Thing.OTHER, unknown, "This version does not know what it means.")
    try:
        settings = {text(row["key"]): text(row["value"]) for row in original.rows("system_settings")}
    except DamagedTable as error:
        report.left(Thing.SETTING, "system_settings", str(error))
        return
    if settings.get("go2rtc_config_override", "").strip():
        report.left(Thing.SETTING, "go2rtc_config_override", "The relay that it configures is not needed here.")


async def _in_one(
    database: Database, report: Report, thing: Thing, work: Callable[[AsyncConnection], Awaitable[None]]
) -> None:
    async with database.writing.begin() as connection:
        try:
            await work(connection)
        except DamagedTable as error:
            # What could be read is kept.
            report.left(thing, "the rest of them", str(error))


async def _move_recordings(
    original: Original, folders: Sequence[Path], home: Home, wishes: Wishes, report: Report
) -> None:
    async with home.database.reading.connect() as connection:
        streams = await home.streams.every(connection)
    if not original.holds("recordings"):
        return
    for folder in folders:
        if not folder.is_dir():
            report.note(f"the folder {folder} is not there; if it was moved, say --map {folder}=FOLDER")
    storages = await _storages(folders, home, wishes, report)
    linker = None
    if wishes.link:
        usual = next(storage for storage in storages if storage.name == home.default_storage)
        linker = Linker(usual, home.directory_format, pretend=wishes.pretend)
        storages = [Storage(0, "original", folder) for folder in folders]
    rules = home.rules_of(streams)
    mover = RecordingMover(
        home.database,
        Places(storages, folders, wishes.moved),
        rules,
        {stream.name: stream.folder for stream in streams},
        report,
        linker=linker,
        keep_overdue=not wishes.expire,
        now_us=home.now_s * 1_000_000,
    )
    try:
        await mover.take_over(original)
    except DamagedTable as error:
        report.left(Thing.RECORDING, "the rest of them", str(error))
    _tell_of_keeping(mover, linker, wishes, report)
    await _tell_of_quotas(home, rules, report)


async def _storages(folders: Sequence[Path], home: Home, wishes: Wishes, report: Report) -> list[Storage]:
    """Return the storages that files are in or get to, each with a row, and marked as what it is."""
    async with home.database.writing.begin() as connection:
        there = {storage.name: storage.root for storage in await store.storages_there(connection)}
        there |= home.storages
        if not wishes.link:
            there |= new_storages([folder for folder in folders if folder.is_dir()], there)
        found = [
            Storage((await store.ensure_storage(connection, name, str(root)))[0], name, root)
            for name, root in there.items()
        ]
    for storage in found:
        holds = any(folder.is_relative_to(storage.root) for folder in folders)
        if storage.name == home.default_storage if wishes.link else holds and storage.root.is_dir():
            _mark(storage, wishes)
            if not wishes.link:
                report.note(
                    f"recordings stay where they are, in {storage.root}: that is the storage {storage.name} now"
                )
    return found


def _mark(storage: Storage, wishes: Wishes) -> None:
    try:
        if storage.is_marked():
            storage.check()
        elif not wishes.pretend:
            storage.adopt()
    except OSError as error:
        raise CannotMoveIn(
            f"{storage.root} cannot be used as a storage: {error.strerror or error}. With --link the recordings get"
            " names in a folder of ours, and this one is left alone."
        ) from error


def _tell_of_keeping(mover: RecordingMover, linker: Linker | None, wishes: Wishes, report: Report) -> None:
    if linker is not None and (linker.hard or linker.symbolic):
        report.note(
            f"{linker.hard} hard and {linker.symbolic} symbolic links were made in {linker.storage.root}: deleting a"
            " recording removes the link, and the original's file stays"
        )
    elif report.count(Thing.RECORDING):
        report.note(
            "from now on these files are kept and deleted by the rules that were taken over, as the original would"
            " have done: stop the original"
        )
    if not mover.overdue:
        return
    if wishes.expire:
        report.note(f"{mover.overdue} recordings are older than their rules keep them: the next start DELETES them")
    else:
        report.note(
            f"{mover.overdue} recordings are older than their rules keep them. They are protected, so that they stay"
            " until you remove the protection"
        )


async def _tell_of_quotas(home: Home, rules: Rules, report: Report) -> None:
    async with home.database.reading.connect() as connection:
        used = await candidates.used_bytes(connection)
    for name, used_bytes in sorted(used.items()):
        over = used_bytes - rules.of(name).quota_bytes
        if rules.of(name).quota_bytes and over > 0:
            report.note(
                f"{name} takes {over / 2**20:.0f} MiB more than its quota (max_storage_mb): that much of it will be"
                " deleted, the oldest first"
            )
