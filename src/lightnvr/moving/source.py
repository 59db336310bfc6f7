"""What there is of an installation of the original: its settings file, its database, its folders of recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lightnvr.config.ini import Entry, read_ini
from lightnvr.moving.places import Moved, now_at
from lightnvr.moving.report import CannotMoveIn

_SQLITE = b"SQLite format 3\0"
_DATABASES = ("lightnvr.db", "database/lightnvr.db", "data/database/lightnvr.db")
_DATABASE = "/var/lib/lightnvr/lightnvr.db"
_RECORDINGS = "/var/lib/lightnvr/recordings"
_RECORDINGS_IN_CONTAINER = "/var/lib/lightnvr/data/recordings"


@dataclass(frozen=True, slots=True)
class Source:
    """Where everything is now. `entries` are the lines of the settings file, in order; none without one."""

    settings_file: Path | None
    entries: tuple[Entry, ...]
    database: Path
    folders: tuple[Path, ...]


def find_source(path: Path, recordings: Sequence[Path], moved: Sequence[Moved]) -> Source:
    """Look at what was named: a settings file, a database, or a folder with either.

    `recordings` are its folders of recordings, if they are not where the settings file says. Blocks. Raises
    CannotMoveIn, InvalidSettings, OSError.
    """
    settings_file, database = _named(path)
    entries = () if settings_file is None else tuple(read_ini(settings_file))
    values = {(entry.section.lower(), entry.key.lower()): entry.text for entry in entries}
    if database is None:
        database = Path(now_at(PurePosixPath(values.get(("database", "path")) or _DATABASE), moved))
        if not database.is_file():
            raise CannotMoveIn(
                f"{settings_file} says that the database is {database}, and it is not there. If it was moved, say"
                f" --map {database.parent}=FOLDER, or name the database itself."
            )
    _check_database(database)
    folders = tuple(recordings) or tuple(Path(now_at(each, moved)) for each in _folders(settings_file, values))
    return Source(settings_file, entries, database.absolute(), tuple(folder.absolute() for folder in folders))


def _named(path: Path) -> tuple[Path | None, Path | None]:
    if path.is_dir():
        settings_file = next((each for each in (path / "lightnvr.ini",) if each.is_file()), None)
        database = next((path / name for name in _DATABASES if (path / name).is_file()), None)
        if settings_file is None and database is None:
            raise CannotMoveIn(f"There is neither a lightnvr.ini nor a lightnvr.db in {path}.")
        return settings_file, database
    if not path.is_file():
        raise CannotMoveIn(f"{path} is not there. Name the original's lightnvr.ini, its database, or their folder.")
    with path.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    return (None, path) if is_database or path.suffix in {".db", ".sqlite", ".sqlite3"} else (path, None)


def _check_database(database: Path) -> None:
    with database.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            raise CannotMoveIn(f"{database} is no SQLite database.")


def _folders(settings_file: Path | None, values: dict[tuple[str, str], str]) -> list[PurePosixPath]:
    if settings_file is None:
        return [PurePosixPath(_RECORDINGS), PurePosixPath(_RECORDINGS_IN_CONTAINER)]
    found = [PurePosixPath(values.get(("storage", "path")) or _RECORDINGS)]
    if mp4_path := values.get(("storage", "mp4_path")):
        # All recordings are below a folder mp4, as they are here.
        folder = PurePosixPath(mp4_path)
        found.append(folder.parent if folder.name == "mp4" else folder)
    return found
