"""A copy of the original's database to read from, so that nothing is ever written beside it."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lightnvr.moving.report import CannotMoveIn

_TRIES = 20
_PAUSE_S = 0.25
_BESIDE = ("-wal", "-journal")
"""What SQLite keeps beside a database that was not closed, or is in use: without it the last changes are missing."""


@contextlib.contextmanager
def snapshot(database: Path) -> Iterator[Path]:
    """Copy a SQLite database as it is at one moment, also while the original writes to it, and remove the copy after.

    Opening the file itself would make files beside it, even for reading. Raises CannotMoveIn, OSError.
    """
    # It holds passwords: the folder can be read by its owner only.
    with tempfile.TemporaryDirectory(prefix="lightnvr-import-") as folder:
        copy = Path(folder) / "original.db"
        for _ in range(_TRIES):
            before = _stamps(database)
            _copy(database, copy)
            if _stamps(database) == before:
                break
            # Something was written meanwhile, so that the parts may not belong together.
            time.sleep(_PAUSE_S)
        else:
            raise CannotMoveIn(f"{database} changes all the time. Stop the original, then try again.")
        yield copy


def _copy(database: Path, copy: Path) -> None:
    shutil.copyfile(database, copy)
    for suffix in _BESIDE:
        target = copy.with_name(copy.name + suffix)
        target.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(database.with_name(database.name + suffix), target)


def _stamps(database: Path) -> tuple[tuple[int, int, int] | None, ...]:
    stamps: list[tuple[int, int, int] | None] = []
    for suffix in ("", *_BESIDE):
        try:
            status = database.with_name(database.name + suffix).stat()
            stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except FileNotFoundError:
            stamps.append(None)
    return tuple(stamps)
