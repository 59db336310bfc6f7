"""Backups are made when they are due, one at a time, and what goes wrong is said until one succeeds."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lightnvr.backup.model import SCHEDULED, BackupAbandoned, BackupBusy, BackupFailed, StoredBackup
from lightnvr.backup.service import BackupRules, Backups
from lightnvr.backup.shelf import Shelf
from tests.rig.nvr import eventually
from tests.unit.backup.rig import AT, Installation, installation


class Clock:
    """Moved by hand."""

    seconds = float(AT)

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def _backups(
    installed: Installation, clock: Clock, *, every_s: int = 0, look_s: float = 0.01
) -> AsyncIterator[Backups]:
    rules = BackupRules(every_s, 2)
    backups = Backups(installed.contents, installed.shelf, lambda: rules, "1", clock, look_s=look_s)
    task = asyncio.create_task(backups.run())
    try:
        yield backups
    finally:
        task.cancel()
        await backups.close()
        await asyncio.wait([task])


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    return installation(tmp_path / "data", "door")


async def test_backups_are_made_when_they_are_due_and_old_ones_go(installed: Installation) -> None:
    clock = Clock()
    async with _backups(installed, clock, every_s=3600) as backups:
        for _ in range(4):
            await eventually(
                lambda: any(each.created_at == int(clock()) for each in installed.shelf.every()), "one is made"
            )
            await eventually(lambda: len(installed.shelf.every()) <= 2, "old ones go")
            clock.seconds += 3600
        assert {each.reason for each in await backups.every()} == {SCHEDULED}
    # A program that starts anew does not begin to count anew.
    clock.seconds = float(installed.shelf.every()[0].created_at + 3500)
    async with _backups(installed, clock, every_s=3600, look_s=9999) as backups:
        assert not await backups.is_due()
        clock.seconds += 200
        assert await backups.is_due()
        # The clock was set back: a backup of the future does not stop those of the present.
        clock.seconds -= 86_400
        assert await backups.is_due()


async def test_none_are_made_unless_wanted(installed: Installation) -> None:
    async with _backups(installed, Clock()) as backups:
        assert not await backups.is_due()
        assert await backups.every() == ()


async def test_a_failure_is_said_until_a_backup_succeeds(installed: Installation) -> None:
    clock = Clock()
    hidden = installed.database.rename(installed.folder / "hidden")
    async with _backups(installed, clock, every_s=3600) as backups:
        await eventually(lambda: bool(backups.problems()), "it fails")
        (problem,) = backups.problems()
        assert "The backup could not be made" in problem
        assert "2026-08-01T16:00:00Z" in problem
        hidden.rename(installed.database)
        clock.seconds += 1000
        await eventually(lambda: bool(installed.shelf.every()), "one is made")
        await eventually(lambda: not backups.problems(), "all is well")


async def test_one_at_a_time_and_nothing_is_listed_before_it_is_whole(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is slow: it does not go on until it is let."""
    reached, go_on = threading.Event(), threading.Event()
    real = Shelf.add

    def slow(shelf: Shelf, draft: Path, created_at: int, reason: str) -> StoredBackup:
        reached.set()
        assert go_on.wait(60)
        return real(shelf, draft, created_at, reason)

    monkeypatch.setattr(Shelf, "add", slow)
    async with _backups(installed, Clock()) as backups:
        first = asyncio.create_task(backups.make())
        await eventually(reached.is_set, "it is being made")
        assert await backups.every() == ()
        with pytest.raises(BackupBusy):
            await backups.make()
        go_on.set()
        made = await first
        assert await backups.every() == (made,)


async def test_a_caller_who_goes_away_does_not_end_it(installed: Installation) -> None:
    async with _backups(installed, Clock()) as backups:
        caller = asyncio.create_task(backups.make())
        await asyncio.sleep(0)
        caller.cancel()
        await eventually(lambda: bool(installed.shelf.every()), "one is made")


async def test_stopping_gives_up_what_is_being_made(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    def endless(_contents: object, _shelf: object, **options: object) -> None:
        pace = options["pace"]
        reached.set()
        while True:
            pace.rest()  # type: ignore[attr-defined]

    monkeypatch.setattr("lightnvr.backup.service.make_backup", endless)
    async with _backups(installed, Clock()) as backups:
        making = asyncio.create_task(backups.make())
        await eventually(reached.is_set, "it is being made")
    with pytest.raises(BackupAbandoned):
        await making
    with pytest.raises(BackupFailed):
        await backups.make()


def _program(folder: Path, text: str) -> Path:
    path = folder / "after backup"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


async def test_a_program_is_run_after_a_backup(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTNVR_ADMIN_PASSWORD", "not for programs")
    told = installed.folder / "told.txt"
    program = _program(installed.folder, f'printf "%s|" "$@" "$LIGHTNVR_ADMIN_PASSWORD" > "{told}"')
    rules = BackupRules(0, 2, program)
    backups = Backups(installed.contents, installed.shelf, lambda: rules, "1", Clock())
    made = await backups.make()
    assert told.read_text() == f"{made.path}|{installed.database}|{installed.shelf.folder}||"


@pytest.mark.parametrize(("text", "said"), [("exit 3", "ended with status 3"), (None, "cannot be run")])
async def test_a_program_that_fails_is_said_and_the_backup_stays(
    installed: Installation, text: str | None, said: str
) -> None:
    program = installed.folder / "missing" if text is None else _program(installed.folder, text)
    rules = BackupRules(0, 2, program)
    backups = Backups(installed.contents, installed.shelf, lambda: rules, "1", Clock())
    with pytest.raises(BackupFailed, match=said):
        await backups.make()
    assert said in backups.problems()[0]
    assert len(await backups.every()) == 1


async def test_stopping_ends_the_program(installed: Installation) -> None:
    started = installed.folder / "started"
    rules = BackupRules(0, 2, _program(installed.folder, f'touch "{started}"; exec sleep 1000'))
    backups = Backups(installed.contents, installed.shelf, lambda: rules, "1", Clock())
    making = asyncio.create_task(backups.make())
    await eventually(started.exists, "it runs")
    await backups.close()
    with pytest.raises(BackupAbandoned):
        await making
