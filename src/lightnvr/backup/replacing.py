"""Replaces files as a whole: a program that is killed in the midst of it goes on at its next start."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from lightnvr.backup.model import UnusableBackup
from lightnvr.backup.shelf import sync_folder

_STEPS = "restore.json"
_DONE = "restored"
_COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite has beside a database, and finds again by the name of it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Replacement(_Part):
    """A file that is prepared, and the name it will have."""

    prepared: Path
    target: Path


class Aside(_Part):
    """A file that is in the way, and the name it is kept under."""

    present: Path
    kept: Path


class Replacing(_Part):
    """What is to be done. `aside` is None until it was begun; from then on it must be finished.

    `removed` are files that go without being replaced. `stamp` tells what is kept of one restore from the next.
    """

    stamp: str
    files: tuple[Replacement, ...]
    removed: tuple[Path, ...]
    aside: tuple[Aside, ...] | None = None


def write_replacing(data_dir: Path, steps: Replacing) -> None:
    """Note in the data folder what is to be done. Blocks. Raises OSError."""
    draft = data_dir / f".{_STEPS}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(steps.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())
    own_like(data_dir, draft)
    draft.replace(data_dir / _STEPS)
    sync_folder(data_dir)


def own_like(other: Path, path: Path) -> None:
    """Give a file to the owner of another one, when root works for the account that the server runs as."""
    if os.geteuid() == 0:
        owner = other.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def is_replacing(data_dir: Path) -> bool:
    """Whether something is noted there."""
    return (data_dir / _STEPS).exists()


def finish_replacing(data_dir: Path) -> tuple[Path, ...]:
    """Do what is noted in the data folder, if anything; nobody may be using the files. Returns what was kept aside.

    Blocks. Each step can be done again after a crash. Raises UnusableBackup, OSError.
    """
    steps = _read(data_dir)
    if steps is None:
        return ()
    if steps.aside is None:
        steps = steps.model_copy(update={"aside": _in_the_way(steps)})
        write_replacing(data_dir, steps)
    for each in steps.aside or ():
        # What has its other name already was done before a crash; the file there now may be the new one.
        if not each.kept.exists() and each.present.exists():
            each.present.rename(each.kept)
            sync_folder(each.present.parent)
    for file in steps.files:
        if file.prepared.exists():
            file.prepared.replace(file.target)
            sync_folder(file.target.parent)
    (data_dir / _DONE).touch(mode=0o600)
    own_like(data_dir, data_dir / _DONE)
    (data_dir / _STEPS).unlink()
    sync_folder(data_dir)
    return tuple(each.kept for each in steps.aside or ())


def discard_replacing(data_dir: Path) -> None:
    """Forget what was prepared and not begun; what was begun is finished. Blocks. Raises UnusableBackup, OSError."""
    steps = _read(data_dir)
    if steps is None:
        return
    if steps.aside is not None:
        finish_replacing(data_dir)
        return
    (data_dir / _STEPS).unlink()
    for file in steps.files:
        file.prepared.unlink(missing_ok=True)


def was_restored(data_dir: Path) -> bool:
    """Whether something was restored and `forget_restored` was not called since."""
    return (data_dir / _DONE).exists()


def forget_restored(data_dir: Path) -> None:
    """Note that everything that follows a restore is done."""
    (data_dir / _DONE).unlink(missing_ok=True)


def _in_the_way(steps: Replacing) -> tuple[Aside, ...]:
    found = []
    for path in (*(file.target for file in steps.files), *steps.removed):
        kept = f"{path.name}.replaced-{steps.stamp}"
        for companion in _COMPANIONS:
            present = path.with_name(path.name + companion)
            if present.exists():
                found.append(Aside(present=present, kept=path.with_name(kept + companion)))
    return tuple(found)


def _read(data_dir: Path) -> Replacing | None:
    try:
        return Replacing.model_validate_json((data_dir / _STEPS).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise UnusableBackup(f"{data_dir / _STEPS} is damaged: remove it, and restore the backup again.") from error
